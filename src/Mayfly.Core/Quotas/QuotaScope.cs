namespace Mayfly.Core.Quotas;

/// <summary>What a quota holds for. Immutable.</summary>
/// <param name="Mount">Accessor of the mount, which stays when the mount moves; "" for everything.</param>
/// <param name="Path">The path below the mount, without slashes around it, with a <c>*</c> at its end or not; "" for all.</param>
/// <param name="Role">The role of a login, or "".</param>
internal sealed record QuotaScope(string Mount, string Path, string Role)
{
    /// <summary>The whole server.</summary>
    public static QuotaScope Everything { get; } = new("", "", "");
}

/// <summary>A limit that an operator set. Immutable.</summary>
/// <param name="Name">Unique among the quotas of its kind.</param>
/// <param name="Scope">What it holds for; no two quotas of a kind have the same.</param>
internal abstract record Quota(string Name, QuotaScope Scope);

/// <summary>How many requests a client may make.</summary>
internal sealed record RateLimitQuota(string Name, QuotaScope Scope) : Quota(Name, Scope)
{
    /// <summary>Requests in each <see cref="Interval"/>; more than zero.</summary>
    public required double Rate { get; init; }

    public required TimeSpan Interval { get; init; }

    /// <summary>How long a client that made too many has to stay away; zero for no longer than the rate demands.</summary>
    public TimeSpan BlockInterval { get; init; }

    /// <summary>Each address has its own allowance; otherwise all share one.</summary>
    public bool PerAddress { get; init; } = true;
}

/// <summary>How many leases and tokens there may be at a time.</summary>
internal sealed record LeaseCountQuota(string Name, QuotaScope Scope) : Quota(Name, Scope)
{
    public required long MaxLeases { get; init; }
}

/// <summary>Settings of all rate limits together. Immutable.</summary>
internal sealed record QuotaConfig
{
    /// <summary>Paths that no rate limit holds for; a <c>*</c> at the end stands for the rest.</summary>
    public IReadOnlyList<string> ExemptPaths { get; init; } =
    [
        "sys/generate-recovery-token/attempt",
        "sys/generate-recovery-token/update",
        "sys/generate-root/attempt",
        "sys/generate-root/update",
        "sys/health",
        "sys/seal-status",
        "sys/unseal",
    ];

    /// <summary>Requests that a rate limit refuses are audited.</summary>
    public bool AuditRefusals { get; init; }

    /// <summary>Replies tell the client how much of its allowance is left.</summary>
    public bool ShowAllowance { get; init; }
}
