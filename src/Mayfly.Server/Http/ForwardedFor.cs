using System.Net;
using Mayfly.Core.Auth;
using Mayfly.Core.Pipeline;
using Microsoft.Extensions.Primitives;

namespace Mayfly.Server.Http;

/// <summary>
/// Which proxies may say in <c>X-Forwarded-For</c> for whom they ask. The address that they name takes the place of theirs:
/// for bound networks, for limits on failures, and in the audit. Immutable.
/// </summary>
/// <param name="Proxies">Their addresses and networks.</param>
internal sealed record ForwardedFor(IReadOnlyList<string> Proxies)
{
    private const int Longest = 64;

    /// <summary>How many names to pass over from the end: proxies that stand before the last one.</summary>
    public int HopSkips { get; init; }

    /// <summary>Refuse the header from anybody else, rather than pass it over.</summary>
    public bool RejectNotAuthorized { get; init; } = true;

    /// <summary>Refuse requests without the header.</summary>
    public bool RejectNotPresent { get; init; } = true;

    /// <summary>The address that counts as the caller's.</summary>
    /// <param name="peer">Who is at the other end of the connection.</param>
    /// <param name="header">The values of the header, in the order in which they came.</param>
    public (IPAddress? Address, Fault? Fault) Resolve(IPAddress peer, StringValues header)
    {
        if (header.Count == 0)
        {
            return RejectNotPresent
                ? (null, Fault.Invalid("missing x-forwarded-for header and configured to reject when not present"))
                : (peer, null);
        }

        if (!Cidr.Allows(Proxies, peer))
        {
            return RejectNotAuthorized
                ? (
                    null,
                    Fault.Invalid(
                        "client address not authorized for x-forwarded-for and configured to reject connection"
                    )
                )
                : (peer, null);
        }

        var hops = header.SelectMany(line => (line ?? "").Split(',', StringSplitOptions.TrimEntries)).ToList();
        var index = hops.Count - 1 - HopSkips;
        if (index < 0)
        {
            return (
                null,
                Fault.Invalid(
                    $"malformed x-forwarded-for configuration or request, hops to skip ({HopSkips}) would skip before earliest chain link (chain length {hops.Count})"
                )
            );
        }

        var text = hops[index];
        return text.Length <= Longest && Cidr.TryParse(text, out _) && IPAddress.TryParse(text, out var address)
            ? (address, null)
            : (null, Fault.Invalid("x-forwarded-for does not hold an IP address at the place that counts"));
    }
}
