using System.Globalization;
using Mayfly.Core.Pipeline;
using Mayfly.Hcl;

namespace Mayfly.Core.Audit;

/// <summary>The options of a device, checked. Immutable.</summary>
internal sealed record AuditSettings
{
    public bool HmacAccessor { get; init; } = true;

    /// <summary>Nothing is hashed: secrets stand in the log.</summary>
    public bool LogRaw { get; init; }

    public bool ElideListResponses { get; init; }

    /// <summary>A group of entries is acknowledged only when the disk has it.</summary>
    public bool Fsync { get; init; }

    /// <summary>A device that takes longer is treated as failed.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(5);

    public string FilePath { get; init; } = "";

    public UnixFileMode Mode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Leave the mode of an existing file alone.</summary>
    public bool KeepMode { get; init; }

    /// <summary>A socket device's address, or a syslog device's socket.</summary>
    public string Address { get; init; } = "";

    /// <summary><c>tcp</c>, <c>udp</c> or <c>unix</c>.</summary>
    public string SocketType { get; init; } = "tcp";

    public int Facility { get; init; }

    public string Tag { get; init; } = "vault";

    private static readonly string[] Facilities =
    [
        "KERN",
        "USER",
        "MAIL",
        "DAEMON",
        "AUTH",
        "SYSLOG",
        "LPR",
        "NEWS",
        "UUCP",
        "CRON",
        "AUTHPRIV",
        "FTP",
        "NTP",
        "AUDIT",
        "ALERT",
        "CLOCK",
        "LOCAL0",
        "LOCAL1",
        "LOCAL2",
        "LOCAL3",
        "LOCAL4",
        "LOCAL5",
        "LOCAL6",
        "LOCAL7",
    ];

    /// <summary>Checks the options of a device of that type.</summary>
    public static (AuditSettings? Settings, Fault? Fault) Parse(
        string type,
        IReadOnlyDictionary<string, string> options
    )
    {
        var settings = new AuditSettings();
        if (type is not ("file" or "syslog" or "socket"))
        {
            return (null, Fault.Invalid($"unknown audit device type \"{type}\": there are file, syslog and socket"));
        }

        if (type == "socket")
        {
            settings = settings with { WriteTimeout = TimeSpan.FromSeconds(2) };
        }

        if (type == "syslog")
        {
            settings = settings with { Facility = Array.IndexOf(Facilities, "AUTH"), Address = "/dev/log" };
        }

        foreach (var (key, value) in options)
        {
            if (settings.With(type, key, value) is not { } next)
            {
                return (null, Fault.Invalid($"option {key} of a {type} audit device cannot be \"{value}\""));
            }

            settings = next;
        }

        return type switch
        {
            "file" when settings.FilePath.Length == 0 => (null, Fault.Invalid("file_path is required")),
            "socket" when settings.Address.Length == 0 => (null, Fault.Invalid("address is required")),
            _ => (settings, null),
        };
    }

    private AuditSettings? With(string type, string key, string value) =>
        (type, key) switch
        {
            (_, "hmac_accessor") => Bool(value) is { } on ? this with { HmacAccessor = on } : null,
            (_, "log_raw") => Bool(value) is { } on ? this with { LogRaw = on } : null,
            (_, "elide_list_responses") => Bool(value) is { } on ? this with { ElideListResponses = on } : null,
            (_, "format") => value == "json" ? this : null,
            (_, "prefix") => value.Length == 0 ? this : null,
            (_, "write_timeout") => Durations.TryParse(value, out var limit) && limit > TimeSpan.Zero
                ? this with
                {
                    WriteTimeout = limit,
                }
                : null,
            ("file", "fsync") => Bool(value) is { } on ? this with { Fsync = on } : null,
            ("file", "file_path" or "path") => value is "discard" || (value != "stdout" && !Path.IsPathRooted(value))
                ? null
                : this with
                {
                    FilePath = value,
                },
            ("file", "mode") => WithMode(value),
            ("syslog", "facility") => Array.IndexOf(Facilities, value.ToUpperInvariant()) is >= 0 and var number
                ? this with
                {
                    Facility = number,
                }
                : null,
            ("syslog", "tag") => value.Length is > 0 and <= 48 && value.All(char.IsAsciiLetterOrDigit)
                ? this with
                {
                    Tag = value,
                }
                : null,
            ("syslog", "socket") => Path.IsPathRooted(value) ? this with { Address = value } : null,
            ("socket", "address") => value.Length > 0 ? this with { Address = value } : null,
            ("socket", "socket_type") => value is "tcp" or "udp" or "unix" ? this with { SocketType = value } : null,
            _ => null,
        };

    private AuditSettings? WithMode(string value)
    {
        try
        {
            var mode = Convert.ToInt32(value, 8);
            return mode switch
            {
                0 => this with { KeepMode = true },
                > 0 and <= 511 when (mode & 128) != 0 => this with { Mode = (UnixFileMode)mode },
                _ => null,
            };
        }
        catch (Exception e) when (e is FormatException or ArgumentException or OverflowException)
        {
            return null;
        }
    }

    private static bool? Bool(string value) =>
        value.ToLower(CultureInfo.InvariantCulture) switch
        {
            "true" or "1" or "t" => true,
            "false" or "0" or "f" => false,
            _ => null,
        };
}
