namespace Mayfly.Scanner.Archives;

/// <summary>Tells how much was read, so that somebody can say that it is enough.</summary>
/// <param name="inner">Where it is read. Not owned.</param>
/// <param name="count">Gets the number of bytes after each read; what it throws ends the reading.</param>
internal sealed class MeteredStream(Stream inner, Action<int> count) : ReadOnlyStream
{
    public override bool CanSeek => inner.CanSeek;

    public override long Length => inner.Length;

    public override long Position
    {
        get => inner.Position;
        set => inner.Position = value;
    }

    public override int Read(Span<byte> buffer)
    {
        var read = inner.Read(buffer);
        count(read);
        return read;
    }
}
