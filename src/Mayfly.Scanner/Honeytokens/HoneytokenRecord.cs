namespace Mayfly.Scanner.Honeytokens;

/// <summary>A decoy that has been laid out. Immutable.</summary>
/// <param name="Id">Names it.</param>
/// <param name="Kind">One of <see cref="DecoyMaker.Kinds"/>.</param>
/// <param name="Created">When it was made.</param>
/// <param name="Note">Where it was laid out, in the words of whoever did.</param>
/// <param name="Fingerprints">Keyed hashes of its values.</param>
public sealed record HoneytokenRecord(
    string Id,
    string Kind,
    DateTimeOffset Created,
    string Note,
    IReadOnlyList<string> Fingerprints
);
