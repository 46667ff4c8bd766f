namespace Mayfly.Client.Sys;

/// <summary>What <c>sys/seal-status</c> tells. Immutable.</summary>
/// <param name="Type">The seal, such as <c>shamir</c>.</param>
/// <param name="IsInitialized">The vault has been initialized.</param>
/// <param name="IsSealed">It is sealed.</param>
/// <param name="Threshold">How many shares unseal it.</param>
/// <param name="Shares">How many shares there are.</param>
/// <param name="Progress">How many of them were given so far.</param>
/// <param name="Version">The server's version.</param>
/// <param name="StorageType">The store.</param>
public sealed record SealStatus(
    string Type,
    bool IsInitialized,
    bool IsSealed,
    int Threshold,
    int Shares,
    int Progress,
    string Version,
    string StorageType
);
