using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Mayfly.Core.Auth;

/// <summary>
/// Addresses and networks that something is bound to, kept as text. IPv4 addresses that a dual-stack socket shows as IPv6
/// (<c>::ffff:10.0.0.1</c>) count as IPv4, on both sides.
/// </summary>
public static class Cidr
{
    private const int MappedPrefix = 96;

    /// <summary>
    /// Whether <paramref name="address"/> is in one of the networks; no networks at all means everywhere. Text that is no
    /// network matches nothing.
    /// </summary>
    public static bool Allows(IReadOnlyList<string> networks, IPAddress address)
    {
        if (networks.Count == 0)
        {
            return true;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        foreach (var text in networks)
        {
            if (TryParse(text, out var network) && network.Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// The networks as they are kept and shown: trimmed, each once. Null when one is neither an address nor a network;
    /// <paramref name="bad"/> is then its text, shortened.
    /// </summary>
    /// <param name="texts">What was sent.</param>
    /// <param name="bad">The first that is wrong.</param>
    /// <param name="dropWholeLength">Show a network of one address as that address, as Vault does for tokens.</param>
    public static IReadOnlyList<string>? Normalize(
        IEnumerable<string> texts,
        out string? bad,
        bool dropWholeLength = false
    )
    {
        bad = null;
        var kept = new List<string>();
        foreach (var text in texts.Select(text => text.Trim()).Where(text => text.Length > 0))
        {
            if (!TryParse(text, out var network))
            {
                bad = text.Length <= 64 ? text : text[..64] + "…";
                return null;
            }

            var whole = network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
            var slash = text.IndexOf('/');
            var shown = dropWholeLength && slash >= 0 && network.PrefixLength == whole ? text[..slash] : text;
            if (!kept.Contains(shown))
            {
                kept.Add(shown);
            }
        }

        return kept;
    }

    /// <summary>Whether every network of <paramref name="inner"/> lies within one of <paramref name="outer"/>.</summary>
    public static bool IsSubset(IReadOnlyList<string> inner, IReadOnlyList<string> outer)
    {
        if (outer.Count == 0)
        {
            return true;
        }

        foreach (var text in inner)
        {
            if (
                !TryParse(text, out var network)
                || !outer.Any(other =>
                    TryParse(other, out var around)
                    && around.PrefixLength <= network.PrefixLength
                    && around.Contains(network.BaseAddress)
                )
            )
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Reads <c>10.0.0.0/8</c>, <c>10.1.2.3/8</c> (the same), <c>10.0.0.1</c> (a network of one), and IPv6 likewise.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IPNetwork network)
    {
        network = default;
        var slash = text.IndexOf('/');
        var host = slash < 0 ? text : text[..slash];

        if (host.ContainsAny('%', '[') || !IPAddress.TryParse(host, out var address))
        {
            return false;
        }

        // The framework's parser takes "10", "0x7f.1" and "010.0.0.1" (octal) besides; a rule must mean one thing.
        if (
            address.AddressFamily == AddressFamily.InterNetwork
            && !host.Equals(address.ToString(), StringComparison.Ordinal)
        )
        {
            return false;
        }

        var whole = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        var prefix = whole;
        if (
            slash >= 0
            && (
                !int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out prefix)
                || prefix > whole
            )
        )
        {
            return false;
        }

        if (address.IsIPv4MappedToIPv6 && prefix >= MappedPrefix)
        {
            address = address.MapToIPv4();
            prefix -= MappedPrefix;
        }

        network = new IPNetwork(Mask(address, prefix), prefix);
        return true;
    }

    private static IPAddress Mask(IPAddress address, int prefix)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        bytes = bytes[..length];
        for (var i = 0; i < length; i++)
        {
            var kept = Math.Clamp(prefix - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xFF << (8 - kept));
        }

        return new IPAddress(bytes);
    }
}
