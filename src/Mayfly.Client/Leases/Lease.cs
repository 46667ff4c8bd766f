namespace Mayfly.Client.Leases;

/// <summary>What an answer says of how long its content lives. Immutable.</summary>
/// <param name="Id">Names the lease.</param>
/// <param name="Duration">How long it lives from when it was asked for.</param>
/// <param name="IsRenewable">Its life can be prolonged.</param>
public sealed record Lease(string Id, TimeSpan Duration, bool IsRenewable);
