using Mayfly.Client.Leases;

namespace Mayfly.Client.Databases;

/// <summary>A database user that was made for the caller. Immutable.</summary>
/// <param name="Username">The user.</param>
/// <param name="Password">Its password.</param>
/// <param name="Lease">How long both live.</param>
public sealed record DatabaseCredentials(string Username, SecretString Password, Lease Lease);
