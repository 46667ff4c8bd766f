namespace Mayfly.Client.Known;

/// <summary>What a comparison with the server's secrets begins with. Immutable.</summary>
/// <param name="Suite">The oblivious function, as RFC 9497 calls it.</param>
/// <param name="BatchSize">The most elements or values in one request.</param>
/// <param name="FilterKey">The key of the filter's hash, SipHash-2-4: 16 bytes.</param>
/// <param name="FilterBits">How many leading bits of the hash the filter holds: 1 to 32.</param>
/// <param name="Filter">The hashes of the secrets, each shifted right to its leading bits. Some other texts have one of them, too.</param>
/// <param name="Values">The function's values at the secrets, the first 16 bytes of each, one after the other.</param>
/// <param name="Warnings">Remarks of the server.</param>
public sealed record KnownSession(
    string Suite,
    int BatchSize,
    ReadOnlyMemory<byte> FilterKey,
    int FilterBits,
    IReadOnlyList<uint> Filter,
    ReadOnlyMemory<byte> Values,
    IReadOnlyList<string> Warnings
);
