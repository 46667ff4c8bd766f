using Mayfly.Core.Engines;
using Mayfly.Core.Identity;
using Mayfly.Core.Mounts;

namespace Mayfly.Core.Leases;

/// <summary>How long a lease lives: the plan's, the mount's and the server's limits, the least of each.</summary>
internal static class LeaseLifetime
{
    /// <summary>The TTL of a lease that starts now, and what to tell whoever asked for more.</summary>
    public static (TimeSpan Ttl, string? Warning) AtIssue(LeasePlan plan, MountTuning mount, VaultOptions server)
    {
        var max = Max(plan.MaxTtl, mount, server);
        var ttl =
            plan.Ttl > TimeSpan.Zero ? plan.Ttl
            : mount.DefaultLeaseTtl > TimeSpan.Zero ? mount.DefaultLeaseTtl
            : server.DefaultLeaseTtl;
        return ttl > max && plan.Ttl > TimeSpan.Zero ? (max, Capped(ttl, max)) : (ttl < max ? ttl : max, null);
    }

    /// <summary>When a lease that is renewed now ends; a time that has passed when there is nothing left to give.</summary>
    /// <param name="lease">Before the renewal.</param>
    /// <param name="increment">What was asked for; zero for as much as at first.</param>
    /// <param name="mount">The mount's limits, as they are now.</param>
    /// <param name="server">The server's limits.</param>
    /// <param name="now">The time.</param>
    public static (DateTimeOffset End, string? Warning) Renewed(
        LeaseEntry lease,
        TimeSpan increment,
        MountTuning mount,
        VaultOptions server,
        DateTimeOffset now
    )
    {
        var wanted = increment > TimeSpan.Zero ? increment : lease.Ttl;
        var last = lease.IssuedAt + Max(lease.MaxTtl, mount, server);
        last = lease.OwnerEnds < last ? lease.OwnerEnds.Value : last;
        return now + wanted <= last ? (now + wanted, null) : (last, last > now ? Capped(wanted, last - now) : null);
    }

    private static TimeSpan Max(TimeSpan role, MountTuning mount, VaultOptions server) =>
        TokenLifetime.Least(role, TokenLifetime.Least(mount.MaxLeaseTtl, server.MaxLeaseTtl));

    private static string Capped(TimeSpan wanted, TimeSpan given) =>
        $"TTL of \"{(long)wanted.TotalSeconds}s\" exceeded the effective max_ttl of \"{(long)given.TotalSeconds}s\"; "
        + "TTL value is capped accordingly";
}
