using System.Globalization;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database.Redis;

/// <summary>Where a Redis is and how it is spoken to: from <c>host</c> and <c>port</c>, or a URL. Immutable.</summary>
internal sealed record RedisAddress(string Host, int Port, bool Tls)
{
    private const int DefaultPort = 6_379;

    public static (RedisAddress? Address, Fault? Fault) Of(ConnectionConfig config)
    {
        var text = config.Url;
        if (text.Length == 0)
        {
            var host = config.Detail("host");
            return host.Length == 0
                ? (null, Fault.Invalid("set host and port, or connection_url such as redis://cache.internal:6379"))
                : At(host, config.Detail("port"), config.Flag("tls"));
        }

        var tls = text.StartsWith("rediss://", StringComparison.Ordinal);
        if (!tls && !text.StartsWith("redis://", StringComparison.Ordinal))
        {
            return (null, Fault.Invalid("connection_url: it begins with redis:// or rediss://"));
        }

        var rest = text[(text.IndexOf("//", StringComparison.Ordinal) + 2)..].TrimEnd('/');
        var at = rest.LastIndexOf('@');
        if (at >= 0 && rest[..at] is not "{{username}}:{{password}}")
        {
            return (
                null,
                Fault.Invalid("connection_url: put {{username}}:{{password}}@ into it, and set username and password")
            );
        }

        rest = rest[(at + 1)..];
        var colon = rest.LastIndexOf(':');
        return colon < 0
            ? At(rest, "", tls || config.Flag("tls"))
            : At(rest[..colon], rest[(colon + 1)..], tls || config.Flag("tls"));
    }

    /// <summary>A URL with a password is never stored.</summary>
    public static string Redacted(string url) => url;

    private static (RedisAddress? Address, Fault? Fault) At(string host, string port, bool tls)
    {
        if (port.Length == 0)
        {
            return (new RedisAddress(host, DefaultPort, tls), null);
        }

        return ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? (new RedisAddress(host.Trim('[', ']'), number, tls), null)
            : (null, Fault.Invalid("the port is not a number from 1 to 65535"));
    }
}
