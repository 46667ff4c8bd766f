namespace Mayfly.Scanner.Decoding;

/// <summary>A part of a text that means another text.</summary>
/// <param name="From">Its first byte.</param>
/// <param name="To">Behind its last.</param>
/// <param name="Decoded">What it means.</param>
/// <param name="Encoding">In which way: <c>base64</c>, <c>hex</c> or <c>percent</c>.</param>
internal sealed record EncodedRun(int From, int To, byte[] Decoded, string Encoding);
