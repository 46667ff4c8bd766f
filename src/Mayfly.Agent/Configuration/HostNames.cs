using System.Net;

namespace Mayfly.Agent.Configuration;

/// <summary>
/// Under which names a listener without TLS may be asked. A page of the web can have its own name lead to this machine, and read
/// the answers then as if they were its own; its requests name that host. Addresses and names without a dot are nobody's to give
/// away on the web. With TLS the certificate does not fit such a name. Immutable.
/// </summary>
internal sealed class HostNames
{
    private readonly HashSet<string> _names;

    /// <param name="names">Names besides; <c>*</c> for all.</param>
    public HostNames(IEnumerable<string> names) => _names = new(names.Select(Plain), StringComparer.OrdinalIgnoreCase);

    /// <summary>All of them.</summary>
    public static HostNames Any { get; } = new(["*"]);

    /// <summary>Whether the value of a <c>Host</c> header is one. An absent one is not a browser's.</summary>
    public bool Include(string? header)
    {
        if (string.IsNullOrEmpty(header) || _names.Contains("*"))
        {
            return true;
        }

        var name = Plain(header);
        return IPAddress.TryParse(name, out _)
            || !name.Contains('.', StringComparison.Ordinal)
            || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || _names.Contains(name);
    }

    /// <summary>Without a port, the brackets of an address, and the dot at the end of a full name.</summary>
    private static string Plain(string host)
    {
        if (host.StartsWith('['))
        {
            var end = host.IndexOf(']', StringComparison.Ordinal);
            return end < 0 ? host : host[1..end];
        }

        var colon = host.IndexOf(':', StringComparison.Ordinal);
        return (colon >= 0 && colon == host.LastIndexOf(':') ? host[..colon] : host).TrimEnd('.');
    }
}
