using Mayfly.Crypto;

namespace Mayfly.Core.Auth.UserPass;

/// <summary>One try to log in as <paramref name="name"/>.</summary>
/// <param name="lockout">Where its failures count.</param>
/// <param name="name">The name in lower case.</param>
/// <param name="user">The user, or null where there is none.</param>
/// <param name="dummy">What to spend the same time on where there is no user.</param>
internal sealed class Attempt(Lockout lockout, string name, User? user, PasswordHash dummy)
{
    public bool IsLocked => lockout.IsLocked(name);

    /// <summary>Looks at the password, and counts a failure. Slow on purpose: call it through <see cref="PasswordGate"/>.</summary>
    public Verdict Check(SecretBytes password, int iterations)
    {
        // Others may have failed while this one waited for its turn.
        if (IsLocked)
        {
            return Verdict.Locked;
        }

        var hash = user?.Password ?? dummy;
        if (!hash.Verify(password.Span) || user is null)
        {
            lockout.Failed(name);
            return Verdict.Wrong;
        }

        lockout.Clear(name);
        return hash.Iterations < iterations
            ? new Verdict(VerdictKind.Right, PasswordHash.Create(password.Span, iterations))
            : Verdict.Right;
    }
}

/// <summary>How an attempt ended.</summary>
internal enum VerdictKind
{
    Right,
    Wrong,

    /// <summary>The name is locked, so nobody looked.</summary>
    Locked,
}

/// <inheritdoc cref="VerdictKind"/>
/// <param name="Kind">How it ended.</param>
/// <param name="Stronger">The password hashed at today's cost, when the stored hash was cheaper.</param>
internal sealed record Verdict(VerdictKind Kind, PasswordHash? Stronger = null)
{
    public static Verdict Right { get; } = new(VerdictKind.Right);

    public static Verdict Wrong { get; } = new(VerdictKind.Wrong);

    public static Verdict Locked { get; } = new(VerdictKind.Locked);
}
