using Mayfly.Crypto;

namespace Mayfly.Core.Seal;

/// <summary>How far a rekey is. Immutable.</summary>
internal sealed record RekeyStatus
{
    public bool Started { get; init; }

    public string Nonce { get; init; } = "";

    /// <summary>Of the new shares.</summary>
    public int Threshold { get; init; }

    /// <inheritdoc cref="Threshold"/>
    public int Shares { get; init; }

    /// <summary>How many of the old shares have been shown.</summary>
    public int Progress { get; init; }

    /// <summary>How many of the old shares it takes.</summary>
    public int Required { get; init; }

    public bool VerificationRequired { get; init; }

    /// <summary>Set once the new shares wait for verification.</summary>
    public string VerificationNonce { get; init; } = "";
}

/// <summary>How far the verification of new shares is. Immutable.</summary>
internal sealed record RekeyVerification
{
    public string Nonce { get; init; } = "";

    public int Threshold { get; init; }

    public int Shares { get; init; }

    public int Progress { get; init; }

    public bool Complete { get; init; }
}

/// <summary>The answer to a share: how far it is, and the new shares once there are enough.</summary>
internal sealed record RekeyProgress(RekeyStatus Status, RekeyedShares? New) : IDisposable
{
    public void Dispose() => New?.Dispose();
}

/// <summary>The only sight of new shares: copies, so that they outlive a cancellation. Dispose it after the reply.</summary>
internal sealed class RekeyedShares(KeyShares keys) : IDisposable
{
    public IReadOnlyList<SecretBytes> Shares { get; } =
    [.. keys.Shares.Select(share => SecretBytes.CopyOf(share.Span))];

    public void Dispose()
    {
        foreach (var share in Shares)
        {
            share.Dispose();
        }
    }
}
