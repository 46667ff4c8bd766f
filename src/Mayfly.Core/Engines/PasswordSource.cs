using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines;

/// <summary>
/// Generates a password by the password policy of that name; without a name, by the server's default one (20 letters,
/// digits and dashes, at least one of each kind). Engines get it from their <see cref="MountContext"/>.
/// </summary>
/// <returns>Exactly one of the two is null. The fault names what is wrong with the policy, for whoever uses it.</returns>
public delegate ValueTask<(string? Password, Fault? Fault)> PasswordSource(
    string? policy,
    CancellationToken cancellation
);
