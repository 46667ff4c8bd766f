namespace Mayfly.Scanner.Toml;

/// <summary>Why a document is refused, and where; line and column count from 1, the column in UTF-16 units.</summary>
public sealed record TomlError(int Line, int Column, string Message)
{
    /// <summary>The whole message, with the place.</summary>
    public override string ToString() => $"line {Line}, column {Column}: {Message}";
}
