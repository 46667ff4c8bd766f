using System.Text.Json.Serialization;

namespace Mayfly.Core.Identity;

/// <summary>The kinds of token.</summary>
public enum TokenType
{
    /// <summary>Persisted: can be renewed, revoked, and own children.</summary>
    Service,

    /// <summary>Carries its own encrypted contents; nothing is stored, so it cannot be renewed or revoked.</summary>
    Batch,

    /// <summary>Persisted, and good for one unwrapping.</summary>
    Wrapping,
}

/// <summary>A token's record. The token itself is not in it, and cannot be derived from it. Immutable.</summary>
public sealed record TokenEntry
{
    /// <summary>
    /// Names the token without giving its power: the keyed hash of the token, which is also the address of this record.
    /// Empty for batch tokens.
    /// </summary>
    public required string Accessor { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required TokenType Type { get; init; }

    /// <summary>Names of policies, sorted, without duplicates.</summary>
    public required IReadOnlyList<string> Policies { get; init; }

    /// <summary>The path that made it, such as <c>auth/approle/login</c>.</summary>
    public required string Path { get; init; }

    /// <summary>Accessor of the mount that made it; a disabled mount takes its tokens along.</summary>
    public string MountAccessor { get; init; } = "";

    public IReadOnlyDictionary<string, string> Metadata { get; init; } =
        new Dictionary<string, string>(StringComparer.Ordinal);

    public string DisplayName { get; init; } = "";

    public string EntityId { get; init; } = "";

    /// <summary>Accessor of the parent, or null for an orphan.</summary>
    public string? Parent { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The TTL it was created with; zero when it does not expire.</summary>
    public TimeSpan CreationTtl { get; init; }

    /// <summary>When it ends, or null when it does not expire.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    public DateTimeOffset? LastRenewal { get; init; }

    /// <summary>How often the clock had turned out wrong before it was made; see <see cref="ClockHistory"/>.</summary>
    public int Epoch { get; init; }

    public TimeSpan ExplicitMaxTtl { get; init; }

    /// <summary>Renewing gives this much again, without a maximum; zero when the token is not periodic.</summary>
    public TimeSpan Period { get; init; }

    public bool Renewable { get; init; }

    /// <summary>How many more requests it is good for; zero means without limit.</summary>
    public int UsesLeft { get; init; }

    /// <summary>
    /// It may not be used any more: its last use is taken, or it is being revoked together with its children. Set before
    /// anything is removed, so that a crash half-way leaves nothing that still works.
    /// </summary>
    public bool Spent { get; init; }

    /// <summary>Set together with <see cref="Spent"/>: its children go free, whoever finishes the revocation.</summary>
    public bool FreesChildren { get; init; }

    /// <summary>The generation that it was made in: revoking a path ends what is below it in older ones.</summary>
    public long Generation { get; init; }

    /// <summary>Where it stands for good: it never expires, whatever the maximum TTL.</summary>
    [JsonIgnore]
    public bool IsRoot => Policies.Contains("root", StringComparer.Ordinal);

    /// <summary>The token role that it was made from, or "".</summary>
    public string Role { get; init; } = "";

    /// <summary>Addresses that it may be used from; empty means all.</summary>
    public IReadOnlyList<string> BoundCidrs { get; init; } = [];

    /// <summary>What the auth method wants back when it is asked to renew.</summary>
    public IReadOnlyDictionary<string, string> MethodData { get; init; } =
        new Dictionary<string, string>(StringComparer.Ordinal);
}
