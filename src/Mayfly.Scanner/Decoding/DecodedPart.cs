using System.Buffers;
using System.Text;
using Mayfly.Scanner.Findings;

namespace Mayfly.Scanner.Decoding;

/// <summary>A part of a text with what is encoded in it replaced by what that means. One owner.</summary>
/// <param name="line">The number of its first line.</param>
internal sealed class DecodedPart(int line)
{
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly List<(int From, int To, EncodedRun Run)> _runs = [];

    /// <summary>What it is now.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes.WrittenMemory;

    /// <summary>What goes on as it is.</summary>
    public void Add(ReadOnlySpan<byte> plain) => _bytes.Write(plain);

    /// <summary>What goes on as it is, and then what is encoded.</summary>
    public void Add(ReadOnlySpan<byte> plain, EncodedRun run)
    {
        _bytes.Write(plain);
        var start = _bytes.WrittenCount;
        _bytes.Write(run.Decoded);
        _runs.Add((start, _bytes.WrittenCount, run));
    }

    /// <summary>Where the encoded text of a finding stands in the whole text, and how it is encoded; null when none of it is encoded.</summary>
    public (int Start, int End, IEnumerable<string> Encodings)? Original(Finding finding)
    {
        var start = PlaceOf(finding.StartLine - line, finding.StartColumn);
        var end = PlaceOf(finding.EndLine - line, finding.EndColumn) + 1;
        var runs = _runs.Where(run => run.From < end && start < run.To).Select(run => run.Run).ToList();
        return runs.Count == 0 ? null : (runs[0].From, runs[^1].To, runs.Select(run => run.Encoding).Distinct());
    }

    private int PlaceOf(int linesBefore, int column)
    {
        var text = Bytes.Span;
        var at = 0;
        for (var i = 0; i < linesBefore && text[at..].IndexOf((byte)'\n') is >= 0 and var next; i++)
        {
            at += next + 1;
        }

        for (var i = 1; i < column && at < text.Length; )
        {
            Rune.DecodeFromUtf8(text[at..], out var rune, out var length);
            i += rune.Utf16SequenceLength;
            at += length;
        }

        return at;
    }
}
