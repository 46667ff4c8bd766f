namespace Mayfly.Client.Leases;

/// <summary>What the server knows of a lease. Immutable.</summary>
/// <param name="Id">Names the lease.</param>
/// <param name="IssueTime">When it was issued.</param>
/// <param name="ExpireTime">When it ends, or null.</param>
/// <param name="LastRenewal">When it was last renewed, or null.</param>
/// <param name="IsRenewable">Its life can be prolonged.</param>
/// <param name="Ttl">How long it still lives.</param>
public sealed record LeaseInfo(
    string Id,
    DateTimeOffset? IssueTime,
    DateTimeOffset? ExpireTime,
    DateTimeOffset? LastRenewal,
    bool IsRenewable,
    TimeSpan Ttl
);
