using Mayfly.Core.Auth;
using Mayfly.Core.Mounts;

namespace Mayfly.Core.Identity;

/// <summary>How long a token lives: the server's, the mount's and the role's limits, the least of each.</summary>
internal static class TokenLifetime
{
    /// <summary>The TTL of a token that starts now.</summary>
    public static (TimeSpan Ttl, List<string> Warnings) AtCreation(
        TokenParameters asked,
        MountTuning mount,
        VaultOptions server
    )
    {
        var warnings = new List<string>();
        var max = Least(asked.MaxTtl, Least(mount.MaxLeaseTtl, server.MaxLeaseTtl));
        if (asked.Period > TimeSpan.Zero)
        {
            var period = Least(asked.Period, Least(mount.MaxLeaseTtl, server.MaxLeaseTtl));
            return (Least(period, asked.ExplicitMaxTtl), warnings);
        }

        var ttl =
            asked.Ttl > TimeSpan.Zero ? asked.Ttl
            : mount.DefaultLeaseTtl > TimeSpan.Zero ? mount.DefaultLeaseTtl
            : server.DefaultLeaseTtl;
        if (asked.Ttl > max)
        {
            warnings.Add(
                $"TTL of \"{Text(asked.Ttl)}\" exceeded the effective max_ttl of \"{Text(max)}\"; TTL value is capped accordingly"
            );
        }

        return (Least(Least(ttl, max), asked.ExplicitMaxTtl), warnings);
    }

    /// <summary>When a renewed token ends.</summary>
    public static DateTimeOffset Renewed(
        TokenEntry token,
        TokenParameters? role,
        TimeSpan increment,
        MountTuning mount,
        VaultOptions server,
        DateTimeOffset now
    )
    {
        var serverMax = Least(mount.MaxLeaseTtl, server.MaxLeaseTtl);
        var period = role?.Period > TimeSpan.Zero ? role.Period : token.Period;
        DateTimeOffset end;
        if (period > TimeSpan.Zero)
        {
            end = now + Least(period, serverMax);
        }
        else
        {
            var ttl =
                increment > TimeSpan.Zero ? increment
                : role?.Ttl > TimeSpan.Zero ? role.Ttl
                : token.CreationTtl > TimeSpan.Zero ? token.CreationTtl
                : server.DefaultLeaseTtl;
            end = Earlier(now + ttl, token.CreatedAt + Least(role?.MaxTtl ?? TimeSpan.Zero, serverMax));
        }

        return token.ExplicitMaxTtl > TimeSpan.Zero ? Earlier(end, token.CreatedAt + token.ExplicitMaxTtl) : end;
    }

    /// <summary>The lesser of two limits, where zero means that there is none.</summary>
    public static TimeSpan Least(TimeSpan left, TimeSpan right) =>
        left == TimeSpan.Zero ? right
        : right == TimeSpan.Zero ? left
        : left < right ? left
        : right;

    private static DateTimeOffset Earlier(DateTimeOffset left, DateTimeOffset right) => left < right ? left : right;

    private static string Text(TimeSpan span) => $"{(long)span.TotalSeconds}s";
}
