using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Seal;

/// <summary>What a caller shows when it starts, goes on with or cancels an operation of the people who hold shares.</summary>
/// <param name="Sudo">The caller's token has <c>sudo</c> on the path (or is root).</param>
/// <param name="Nonce">The operation that is meant, or "".</param>
/// <param name="Share">A key share, or "".</param>
internal readonly record struct Claim(bool Sudo, string Nonce, string Share);

/// <summary>
/// The rules by which an operation of several people is protected from everybody else; see decision 0013. Anybody may start one,
/// since whoever lost every token has nothing to show yet. From then on only a token with sudo, or a share together with the
/// operation's nonce, ends it; and until a share or such a token has stood behind it, it ends soon by itself and gives way to
/// whoever shows one.
/// </summary>
internal sealed class Guard
{
    private static readonly TimeSpan UnprovenLifetime = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ProvenLifetime = TimeSpan.FromHours(24);

    private readonly TimeProvider _time;
    private long _since;
    private bool _proven;

    public Guard(TimeProvider time, bool proven)
    {
        _time = time;
        Nonce = Guid.NewGuid().ToString();
        _proven = proven;
        _since = time.GetTimestamp();
    }

    /// <summary>Names the operation.</summary>
    public string Nonce { get; }

    /// <summary>By the clock that only goes forward: a wrong time of day neither ends an operation nor keeps it.</summary>
    public bool Expired => Left <= TimeSpan.Zero;

    private TimeSpan Left => (_proven ? ProvenLifetime : UnprovenLifetime) - _time.GetElapsedTime(_since);

    /// <summary>Somebody who holds a share or a token stands behind the operation.</summary>
    public void Prove()
    {
        _proven = true;
        _since = _time.GetTimestamp();
    }

    /// <summary>Why a new operation may not take this one's place, or null.</summary>
    public Fault? MayReplace(string what, bool proven) =>
        !_proven && proven
            ? null
            : Fault.Invalid(
                _proven
                    ? $"{what} already in progress; cancel it first"
                    : $"{what} already in progress; it ends at {_time.GetUtcNow() + Left:O} unless a key share is given, and a token with sudo or a key share ('key') replaces it now"
            );

    /// <summary>Why the operation may not be cancelled, or null.</summary>
    public Fault? MayCancel(Claim claim, ShareCollector shares)
    {
        if (claim.Nonce.Length > 0 && claim.Nonce != Nonce)
        {
            return WrongNonce();
        }

        if (claim.Sudo || (claim.Nonce.Length > 0 && claim.Share.Length > 0 && shares.Knows(claim.Share)))
        {
            return null;
        }

        return Fault.Denied(
            "cancelling takes a token with the sudo capability, or the operation's nonce and one key share ('key')"
        );
    }

    /// <summary>Why a share may not be added, or null.</summary>
    public Fault? MayContinue(Claim claim) =>
        claim.Nonce.Length == 0 ? Fault.Invalid("'nonce' must be specified: it names the operation")
        : claim.Nonce != Nonce ? WrongNonce()
        : null;

    private Fault WrongNonce() => Fault.Invalid($"incorrect nonce supplied; nonce for this operation is {Nonce}");
}
