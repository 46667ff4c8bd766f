using System.Text;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Scanning;
using Mayfly.Scanner.Sources;

namespace Mayfly.Scanner.Masking;

/// <summary>
/// Writes bytes with a mask in place of what the rules find, line by line as they come. A line is written when its end has
/// come; what was written before it is remembered, so a rule also sees what its match began with. A line without an end waits,
/// up to <see cref="LongestLine"/> bytes, for <see cref="Release"/>. Everything else passes byte for byte, also what is no text.
/// One writer at a time.
/// </summary>
/// <param name="inner">Gets what is free of secrets. Not owned.</param>
/// <param name="scanner">Has the rules.</param>
/// <param name="mask">Stands where a secret was.</param>
public sealed class MaskingStream(Stream inner, SecretScanner scanner, string mask) : Stream
{
    /// <summary>A longer line is written before its end has come, except for its last <see cref="HeldOfLongLine"/> bytes.</summary>
    public const int LongestLine = 64 << 10;

    /// <summary>So many bytes of a longer line wait for what follows.</summary>
    public const int HeldOfLongLine = FragmentCutter.Overlap;

    /// <summary>So much of what was written is looked at again with what follows it.</summary>
    private const int Context = 4 << 10;

    private readonly byte[] _mask = Encoding.UTF8.GetBytes(mask);
    private readonly KeyBlock _block = new();
    private byte[] _text = new byte[16 << 10];
    private int _length;
    private int _written;

    // What lies before it belongs to a secret that was found already, and whose end was not written yet.
    private int _secretEnd;
    private bool _completed;

    /// <inheritdoc />
    public override bool CanRead => false;

    /// <inheritdoc />
    public override bool CanSeek => false;

    /// <inheritdoc />
    public override bool CanWrite => true;

    /// <inheritdoc />
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc />
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>How many bytes wait for what follows them.</summary>
    public int Held => _length - _written;

    /// <inheritdoc />
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var part = buffer[..Math.Min(buffer.Length, LongestLine)];
            Keep(part);
            var end = _text.AsSpan(0, _length).LastIndexOf((byte)'\n') + 1;
            if (end <= _written && Held > LongestLine)
            {
                end = _length - HeldOfLongLine;
            }

            Emit(end);
            buffer = buffer[part.Length..];
        }
    }

    /// <inheritdoc />
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>
    /// Nothing has come for a while: writes what waits, such as a question to the user, but for the letters and digits at its end
    /// that may be the beginning of a token; with <paramref name="all"/> those too.
    /// </summary>
    public void Release(bool all)
    {
        var end = _length;
        if (!all)
        {
            var run = TokenRun.AtEndOf(_text.AsSpan(_written, Held));
            end -= run >= TokenRun.Shortest ? run : 0;
        }

        Emit(end);
        inner.Flush();
    }

    /// <summary>Nothing follows: writes the rest.</summary>
    public void Complete()
    {
        if (!_completed)
        {
            _completed = true;
            Release(all: true);
        }
    }

    /// <inheritdoc />
    public override void Flush() => inner.Flush();

    /// <inheritdoc />
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc />
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc />
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Complete();
        }

        base.Dispose(disposing);
    }

    private void Keep(ReadOnlySpan<byte> part)
    {
        if (_written > LongestLine)
        {
            var from = ContextStart();
            _text.AsSpan(from, _length - from).CopyTo(_text);
            _length -= from;
            _written -= from;
            _secretEnd = Math.Max(0, _secretEnd - from);
        }

        if (_length + part.Length > _text.Length)
        {
            Array.Resize(ref _text, Math.Max(_text.Length * 2, _length + part.Length));
        }

        part.CopyTo(_text.AsSpan(_length));
        _length += part.Length;
    }

    /// <summary>Where a line begins, if one does near enough: there beginnings of lines are what they were.</summary>
    private int ContextStart()
    {
        var from = Math.Max(0, _written - Context);
        var line = _text.AsSpan(0, from).LastIndexOf((byte)'\n') + 1;
        return from - line <= Context ? line : from;
    }

    /// <summary>Writes up to <paramref name="end"/>.</summary>
    private void Emit(int end)
    {
        if (end <= _written)
        {
            return;
        }

        var secrets = new List<(int Start, int End)>();
        if (_secretEnd > _written)
        {
            secrets.Add((_written, _secretEnd));
        }

        Find(secrets);
        _block.Find(_text.AsSpan(0, end), _written, secrets);
        secrets.Sort();
        var at = _written;
        var isMasked = _secretEnd > _written;
        foreach (var (start, stop) in secrets)
        {
            if (start >= end)
            {
                break;
            }

            if (stop <= at)
            {
                continue;
            }

            if (start > at)
            {
                inner.Write(_text, at, start - at);
                isMasked = false;
            }

            if (!isMasked)
            {
                inner.Write(_mask);
                isMasked = true;
            }

            at = Math.Min(stop, end);
            _secretEnd = Math.Max(_secretEnd, stop);
        }

        inner.Write(_text, at, end - at);
        _written = end;
    }

    /// <summary>Every place of the secrets that the rules find, as far as it was not written yet.</summary>
    private void Find(List<(int Start, int End)> secrets)
    {
        var first = ContextStart();
        var text = _text.AsSpan(first, _length - first);
        foreach (var finding in scanner.Scan(new Fragment(_text.AsMemory(first, text.Length), "")))
        {
            var from = StartOfLine(text, finding.StartLine);
            var to = StartOfLine(text, finding.EndLine + 1);
            var lines = text[from..to];
            from += first;
            if (from + lines.Length <= _written)
            {
                continue;
            }

            var bytes = BytesOf(finding, lines);
            for (var at = 0; bytes.Length > 0 && lines[at..].IndexOf(bytes) is >= 0 and var next; )
            {
                at += next;
                if (from + at + bytes.Length > _written)
                {
                    secrets.Add((from + at, from + at + bytes.Length));
                }

                at += bytes.Length;
            }
        }
    }

    /// <summary>The secret as it stands there: what was no UTF-8 was read as Latin-1.</summary>
    private static byte[] BytesOf(Finding finding, ReadOnlySpan<byte> lines)
    {
        var bytes = Encoding.UTF8.GetBytes(finding.Secret);
        return lines.IndexOf(bytes) >= 0 ? bytes : Encoding.Latin1.GetBytes(finding.Secret);
    }

    /// <param name="text">The text.</param>
    /// <param name="line">Counted from 1.</param>
    private static int StartOfLine(ReadOnlySpan<byte> text, int line)
    {
        var at = 0;
        for (var i = 1; i < line; i++)
        {
            var next = text[at..].IndexOf((byte)'\n');
            if (next < 0)
            {
                return text.Length;
            }

            at += next + 1;
        }

        return at;
    }
}
