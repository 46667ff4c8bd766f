using System.Runtime.InteropServices;

namespace Mayfly.Hcl;

/// <summary>A place in a document; both count from 1.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct HclPosition(int Line, int Column);

/// <summary>Why a document is refused, and where. Holds no value of the document beyond the few characters that are wrong.</summary>
public sealed record HclError(HclPosition Position, string Message)
{
    /// <summary>The whole message, with the place.</summary>
    public override string ToString() => $"line {Position.Line}, column {Position.Column}: {Message}";
}
