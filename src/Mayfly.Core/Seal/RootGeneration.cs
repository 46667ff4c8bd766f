using System.Security.Cryptography;
using System.Text;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Seal;

/// <summary>
/// A new root token by agreement of enough people who hold shares. It is shown only as XOR with a one-time pad, which whoever
/// started the operation has.
/// </summary>
internal sealed class RootGeneration(Custody custody) : IDisposable
{
    private const string What = "root generation";

    // Letters and digits, since the pad is text that people copy.
    private const string PadCharacters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private Attempt? _attempt;

    public int OtpLength => custody.Hooks.RootTokenLength;

    public async ValueTask<(RootGenerationStatus? Status, Fault? Fault)> StatusAsync(CancellationToken cancellation)
    {
        using var entered = await custody.EnterAsync(cancellation);
        return custody.Records.Record is null || custody.Open is null ? (null, Fault.Sealed()) : (Status(), null);
    }

    /// <summary>Begins an attempt. Without <paramref name="otp"/> one is made, and is in the answer this once.</summary>
    public async ValueTask<(RootGenerationStatus? Status, Fault? Fault)> StartAsync(
        Claim claim,
        string otp,
        CancellationToken cancellation
    )
    {
        using var entered = await custody.EnterAsync(cancellation);
        if (custody.Records.Record is not { } record || custody.Open is null)
        {
            return (null, Fault.Sealed());
        }

        if (otp.Length > 0 && (otp.Length != OtpLength || !Ascii.IsValid(otp)))
        {
            return (null, Fault.Invalid($"otp string is wrong length or not ASCII: {OtpLength} characters are needed"));
        }

        var shares = new ShareCollector(record.ClusterId, record.People);
        if (claim.Share.Length > 0 && shares.Add(claim.Share) is { } refused)
        {
            return (null, refused);
        }

        // A share that only proves who starts is not counted: it is given again with the others.
        var proven = claim.Sudo || shares.Progress > 0;
        shares.Clear();
        if (Current() is { } running && running.Guard.MayReplace(What, proven) is { } occupied)
        {
            return (null, occupied);
        }

        Drop();
        var made = otp.Length == 0 ? RandomNumberGenerator.GetString(PadCharacters, OtpLength) : "";
        var pad = SecretBytes.CopyOf(Encoding.ASCII.GetBytes(made.Length > 0 ? made : otp));
        _attempt = new Attempt(new Guard(custody.Time, proven), shares, pad);
        return (Status() with { Otp = made }, null);
    }

    /// <summary>Adds a share; the last one that is needed gives the encoded token.</summary>
    public async ValueTask<(RootGenerationStatus? Status, Fault? Fault)> UpdateAsync(
        Claim claim,
        CancellationToken cancellation
    )
    {
        using var entered = await custody.EnterAsync(cancellation);
        if (custody.Records.Record is not { } record || custody.Open is null)
        {
            return (null, Fault.Sealed());
        }

        if (Current() is not { } attempt)
        {
            return (null, Fault.Invalid("no root generation in progress"));
        }

        if ((attempt.Guard.MayContinue(claim) ?? attempt.Shares.Add(claim.Share)) is { } refused)
        {
            return (null, refused);
        }

        attempt.Guard.Prove();
        if (!attempt.Shares.Complete)
        {
            return (Status(), null);
        }

        var status = Status();
        try
        {
            using var key = attempt.Shares.Take();
            using var rootKey = await Custody.RootKeyOfAsync(record, key, cancellation);
            if (rootKey is null)
            {
                return (
                    null,
                    Fault.Unavailable("the keys are right, but the seal configuration (core/seal) is damaged")
                );
            }

            var (token, fault) = await custody.Hooks.MintRootTokenAsync(cancellation);
            return token is null
                ? (null, fault)
                : (status with { Complete = true, EncodedToken = Encode(token, attempt.Otp.Span) }, null);
        }
        finally
        {
            Drop();
        }
    }

    public async ValueTask<Fault?> CancelAsync(Claim claim, CancellationToken cancellation)
    {
        using var entered = await custody.EnterAsync(cancellation);
        if (Current() is not { } attempt)
        {
            return null;
        }

        if (attempt.Guard.MayCancel(claim, attempt.Shares) is { } refused)
        {
            return refused;
        }

        Drop();
        return null;
    }

    public void Dispose() => Drop();

    /// <summary>Forgets the attempt. The caller has entered the gate.</summary>
    public void Drop()
    {
        _attempt?.Dispose();
        _attempt = null;
    }

    private static string Encode(string token, ReadOnlySpan<byte> pad)
    {
        using var bytes = SecretBytes.Rent(pad.Length);
        if (Encoding.ASCII.GetBytes(token, bytes.Span) != pad.Length)
        {
            throw new InvalidOperationException("Root tokens are not as long as announced.");
        }

        for (var i = 0; i < pad.Length; i++)
        {
            bytes.Span[i] ^= pad[i];
        }

        return Convert.ToBase64String(bytes.Span).TrimEnd('=');
    }

    private Attempt? Current()
    {
        if (_attempt?.Guard.Expired == true)
        {
            Drop();
        }

        return _attempt;
    }

    private RootGenerationStatus Status() =>
        new()
        {
            Started = Current() is not null,
            Nonce = _attempt?.Guard.Nonce ?? "",
            Progress = _attempt?.Shares.Progress ?? 0,
            Required = custody.Records.Record!.People.Threshold,
            OtpLength = OtpLength,
        };

    private sealed record Attempt(Guard Guard, ShareCollector Shares, SecretBytes Otp) : IDisposable
    {
        public void Dispose()
        {
            Shares.Dispose();
            Otp.Dispose();
        }
    }
}

/// <summary>How far an attempt is. Immutable.</summary>
internal sealed record RootGenerationStatus
{
    public bool Started { get; init; }

    public string Nonce { get; init; } = "";

    public int Progress { get; init; }

    public int Required { get; init; }

    public bool Complete { get; init; }

    /// <summary>The token XOR the pad, in base64 without padding; only in the answer to the last share.</summary>
    public string EncodedToken { get; init; } = "";

    /// <summary>Only in the answer to the start, when the server made it.</summary>
    public string Otp { get; init; } = "";

    public int OtpLength { get; init; }
}
