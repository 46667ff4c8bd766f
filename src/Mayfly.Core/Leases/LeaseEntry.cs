using System.Text.Json.Serialization;
using Mayfly.Core.Engines;

namespace Mayfly.Core.Leases;

/// <summary>Where a lease is in its life.</summary>
internal enum LeaseState
{
    /// <summary>What stands behind it may be used until <see cref="LeaseEntry.ExpiresAt"/>.</summary>
    Active,

    /// <summary>It is to end, and is due whenever the next attempt at it is.</summary>
    Revoking,

    /// <summary>All attempts failed. It stays, with the reason, until somebody revokes it.</summary>
    Irrevocable,
}

/// <summary>The record of a lease; an intent has the same form. Immutable.</summary>
internal sealed record LeaseEntry
{
    /// <summary>The full path that issued it, a slash, and 24 random letters and digits.</summary>
    public required string Id { get; init; }

    /// <summary>The path below the mount that issued it.</summary>
    public required string Path { get; init; }

    /// <summary>Accessor of the token that it ends with, or "".</summary>
    public string Owner { get; init; } = "";

    /// <summary>When the owner ends without being stored anywhere (a batch token): no renewal goes beyond.</summary>
    public DateTimeOffset? OwnerEnds { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required DateTimeOffset IssuedAt { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset? LastRenewal { get; init; }

    /// <summary>The first life, which a renewal gives again when it does not say how much it wants.</summary>
    public TimeSpan Ttl { get; init; }

    /// <summary>The engine's limit for all renewals together; zero for the mount's.</summary>
    public TimeSpan MaxTtl { get; init; }

    public bool Renewable { get; init; }

    /// <summary>The engine's notes.</summary>
    public byte[] Data { get; init; } = [];

    public LeaseState State { get; init; }

    /// <summary>How often revoking it has failed.</summary>
    public int Attempts { get; init; }

    /// <summary>Why it failed last.</summary>
    public string Reason { get; init; } = "";

    /// <summary>When revoking it is tried next; counts while it is <see cref="LeaseState.Revoking"/>.</summary>
    public DateTimeOffset NextAttempt { get; init; }

    /// <summary>The generation that it was asked for in; see <see cref="PrefixRevocations"/>.</summary>
    public long Generation { get; init; }

    /// <summary>When the scheduler is to look at it, or null for never.</summary>
    [JsonIgnore]
    public DateTimeOffset? Due =>
        State switch
        {
            LeaseState.Active => ExpiresAt,
            LeaseState.Revoking => NextAttempt,
            _ => null,
        };

    /// <summary>As its engine sees it.</summary>
    public LeasedSecret Leased => new(Id, Path, Data, IssuedAt, ExpiresAt);
}
