namespace Mayfly.Client.Known;

/// <summary>A secret of the server that a text is. Immutable.</summary>
/// <param name="Value">The oblivious function's value at the text: 16 bytes.</param>
/// <param name="Path">The path that gives it, such as <c>secret/data/app</c>; null when the caller may not know the name.</param>
/// <param name="Version">Its version, where the path has several; null or empty otherwise.</param>
/// <param name="IsCurrent">It is the version that readers get now.</param>
public sealed record KnownSecret(ReadOnlyMemory<byte> Value, string? Path, string? Version, bool IsCurrent);
