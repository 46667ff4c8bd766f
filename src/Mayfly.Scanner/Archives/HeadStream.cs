namespace Mayfly.Scanner.Archives;

/// <summary>A stream that cannot go back, whose first bytes were looked at and are read again.</summary>
internal sealed class HeadStream : ForwardStream
{
    private readonly Stream _inner;
    private readonly byte[] _head;
    private int _given;

    /// <param name="inner">Not owned.</param>
    /// <param name="size">How many bytes to look at.</param>
    public HeadStream(Stream inner, int size)
    {
        _inner = inner;
        _head = new byte[size];
        Array.Resize(ref _head, inner.ReadAtLeast(_head, size, throwOnEndOfStream: false));
    }

    public ReadOnlySpan<byte> Head => _head;

    public override int Read(Span<byte> buffer)
    {
        var rest = _head.AsSpan(_given);
        if (rest.IsEmpty)
        {
            return _inner.Read(buffer);
        }

        var taken = Math.Min(rest.Length, buffer.Length);
        rest[..taken].CopyTo(buffer);
        _given += taken;
        return taken;
    }
}
