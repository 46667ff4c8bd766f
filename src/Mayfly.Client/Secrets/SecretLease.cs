namespace Mayfly.Client.Secrets;

/// <summary>How long a credential that was made for this program lives. Immutable.</summary>
/// <param name="Id">Names the lease; not a secret, but whoever may revoke can end it.</param>
/// <param name="Duration">How long it lives from when it was given or renewed.</param>
/// <param name="IsRenewable">It can be extended.</param>
public sealed record SecretLease(string Id, TimeSpan Duration, bool IsRenewable);
