namespace Mayfly.Core.Seal;

/// <summary>What anybody may know of the seal, as of one moment. Immutable.</summary>
public sealed record SealStatus
{
    /// <summary>Of the seal that the vault was initialized with, or will be.</summary>
    public required string Type { get; init; }

    public bool Initialized { get; init; }

    public bool Sealed { get; init; } = true;

    /// <summary>How many shares open (or recover).</summary>
    public int Threshold { get; init; }

    /// <summary>How many shares there are.</summary>
    public int Shares { get; init; }

    /// <summary>How many have been shown in the unsealing that is under way.</summary>
    public int Progress { get; init; }

    /// <summary>Names the unsealing that is under way, or "".</summary>
    public string Nonce { get; init; } = "";

    /// <summary>The configured seal is not the one that opens the vault: shares with <c>migrate</c> make it so.</summary>
    public bool Migration { get; init; }

    /// <summary>The shares are recovery keys: an automatic seal does the everyday opening.</summary>
    public bool RecoverySeal { get; init; }

    /// <summary>Names the vault; "" before it is initialized.</summary>
    public string ClusterId { get; init; } = "";
}
