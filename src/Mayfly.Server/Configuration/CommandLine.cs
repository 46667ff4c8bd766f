using System.Globalization;
using System.Net;
using Mayfly.Hosting.Logging;

namespace Mayfly.Server.Configuration;

/// <summary>The flags of <c>mayflyd</c>, in Vault's spelling: <c>-x</c> or <c>--x</c>, <c>-x=v</c> or <c>-x v</c>. Immutable.</summary>
internal sealed record CommandLine
{
    public const string Usage = """
        usage: mayflyd -dev [options]
               mayflyd -config=FILE_OR_FOLDER [-config=…] [options]

          -dev                        start for development: unsealed, with a KV engine at secret/
          -dev-root-token-id=TOKEN    root token of a development server (MAYFLY_DEV_ROOT_TOKEN_ID)
          -dev-listen-address=A:P     where it listens; 127.0.0.1:8200 (MAYFLY_DEV_LISTEN_ADDRESS)
          -dev-data=DIR               keep its data in DIR; without it they are lost at the end
          -dev-no-store-token         do not write the root token to ~/.vault-token
          -dev-no-kv                  without the KV engine at secret/
          -dev-allow-plaintext        let it listen without TLS on an address that others reach
          -config=PATH                configuration in HCL or JSON: a file, or a folder of *.hcl and *.json; repeatable
          -log-level=LEVEL            trace, debug, info, warn or error (MAYFLY_LOG_LEVEL)
          -log-format=FORMAT          standard or json (MAYFLY_LOG_FORMAT)
          -version                    print the version
          -help                       print this

        """;

    private static readonly string[] Switches =
    [
        "dev",
        "dev-no-store-token",
        "dev-no-kv",
        "dev-allow-plaintext",
        "version",
        "v",
        "help",
        "h",
        // Accepted because Vault's users and test suites pass them; none changes anything here.
        "dev-tls",
        "dev-ha",
        "dev-transactional",
        "dev-leased-kv",
        "dev-skip-init",
        "exit-on-core-shutdown",
        "recovery",
        "disable-mlock",
        "combine-logs",
    ];

    private static readonly string[] Refused = ["dev-tls", "dev-skip-init", "recovery", "dev-leased-kv"];

    public bool Dev { get; init; }

    public string RootToken { get; init; } = "";

    public IPEndPoint? ListenAddress { get; init; }

    public string Data { get; init; } = "";

    public bool NoKv { get; init; }

    public bool StoreToken { get; init; } = true;

    public bool AllowPlaintext { get; init; }

    public IReadOnlyList<string> Configurations { get; init; } = [];

    public string LogLevel { get; init; } = "";

    public string LogFormat { get; init; } = "";

    public bool ShowVersion { get; init; }

    public bool ShowHelp { get; init; }

    /// <summary>Reads the flags; what they leave open comes from the environment.</summary>
    /// <returns>The command line, or what is wrong with it.</returns>
    public static (CommandLine? Line, string? Problem) Parse(
        IReadOnlyList<string> arguments,
        Func<string, string?> environment
    )
    {
        var line = new CommandLine();
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (argument is "server" && i == 0)
            {
                continue;
            }

            var name = argument.StartsWith("--", StringComparison.Ordinal) ? argument[2..] : argument.TrimStart('-');
            if (!argument.StartsWith('-') || name.Length == 0)
            {
                return (null, $"unexpected argument '{Shown(argument)}'");
            }

            var equals = name.IndexOf('=');
            var value = equals < 0 ? null : name[(equals + 1)..];
            name = equals < 0 ? name : name[..equals];
            if (Switches.Contains(name))
            {
                if (!TryBool(value ?? "true", out var on))
                {
                    return (null, $"-{name} is a switch: true or false");
                }

                if (on && Refused.Contains(name))
                {
                    return (null, $"-{name} is not supported");
                }

                line = line.With(name, on);
                continue;
            }

            if (value is null)
            {
                if (i + 1 == arguments.Count)
                {
                    var unknown = $"unknown flag -{Shown(name)}; see mayflyd -help";
                    return (null, line.With(name, "").Problem == unknown ? unknown : $"-{Shown(name)} needs a value");
                }

                value = arguments[++i];
            }

            (var next, var problem) = line.With(name, value);
            if (next is null)
            {
                return (null, problem);
            }

            line = next;
        }

        return line.FromEnvironment(environment);
    }

    private CommandLine With(string name, bool on) =>
        name switch
        {
            "dev" => this with { Dev = on },
            "dev-no-store-token" => this with { StoreToken = !on },
            "dev-no-kv" => this with { NoKv = on },
            "dev-allow-plaintext" => this with { AllowPlaintext = on },
            "version" or "v" => this with { ShowVersion = on },
            "help" or "h" => this with { ShowHelp = on },
            _ => this,
        };

    private (CommandLine? Line, string? Problem) With(string name, string value)
    {
        switch (name)
        {
            case "dev-root-token-id":
                return value.Length is 0 or > 4096 || value.Any(c => c is <= ' ' or > '~')
                    ? (null, "-dev-root-token-id must be printable ASCII without spaces")
                    : (this with { RootToken = value }, null);
            case "dev-listen-address" or "listen":
                return Addresses.TryParse(value, out var address)
                    ? (this with { ListenAddress = address }, null)
                    : (null, $"-{name} must be IP:PORT, such as 127.0.0.1:8200");
            case "dev-data" or "data":
                return (this with { Data = value }, null);
            case "config":
                return (this with { Configurations = [.. Configurations, value] }, null);
            case "log-level":
                return LogSettings.ParseLevel(value) is null
                    ? (null, "-log-level must be trace, debug, info, warn or error")
                    : (this with { LogLevel = value }, null);
            case "log-format":
                return LogSettings.ParseFormat(value) is null
                    ? (null, "-log-format must be standard or json")
                    : (this with { LogFormat = value }, null);
            case "dev-kv-version" when value == "2":
            case "dev-cluster-json" or "dev-plugin-dir" or "dev-latency" or "log-file" or "non-interactive":
                return name == "dev-kv-version" ? (this, null) : (null, $"-{name} is not supported");
            default:
                return (null, $"unknown flag -{Shown(name)}; see mayflyd -help");
        }
    }

    private (CommandLine? Line, string? Problem) FromEnvironment(Func<string, string?> environment)
    {
        var line = this;
        foreach (
            var (flag, isSet) in new[]
            {
                ("dev-root-token-id", RootToken.Length > 0),
                ("dev-listen-address", ListenAddress is not null),
                ("log-level", LogLevel.Length > 0),
                ("log-format", LogFormat.Length > 0),
            }
        )
        {
            var name = flag.ToUpperInvariant().Replace('-', '_');
            if (isSet || (environment("MAYFLY_" + name) ?? environment("VAULT_" + name)) is not { Length: > 0 } value)
            {
                continue;
            }

            (var next, var problem) = line.With(flag, value);
            if (next is null)
            {
                return (null, $"{problem} (from the environment variable …_{name})");
            }

            line = next;
        }

        return (line, null);
    }

    private static bool TryBool(string text, out bool value)
    {
        value = text is "true" or "1" or "t";
        return value || text is "false" or "0" or "f";
    }

    /// <summary>An argument as an error may show it: somebody may have put a token in the wrong place.</summary>
    private static string Shown(string argument) => argument.Length <= 24 ? argument : argument[..12] + "…";
}

/// <summary>Addresses as flags and files have them.</summary>
internal static class Addresses
{
    public const int DefaultPort = 8200;

    /// <summary>Parses <c>IP:PORT</c>, <c>[IP]:PORT</c>, <c>localhost:PORT</c> or <c>:PORT</c> (all addresses).</summary>
    public static bool TryParse(string text, out IPEndPoint address)
    {
        address = new IPEndPoint(IPAddress.Loopback, DefaultPort);
        var colon = text.LastIndexOf(':');
        var host = colon < 0 || text.EndsWith(']') ? text : text[..colon];
        var port = colon < 0 || text.EndsWith(']') ? "" : text[(colon + 1)..];
        host = host.TrimStart('[').TrimEnd(']');
        host =
            host == "localhost" ? "127.0.0.1"
            : host.Length == 0 ? "0.0.0.0"
            : host;
        var number = (ushort)DefaultPort;
        if (
            text.Length == 0
            || !IPAddress.TryParse(host, out var ip)
            || (port.Length > 0 && !ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out number))
        )
        {
            return false;
        }

        address = new IPEndPoint(ip, number);
        return true;
    }
}
