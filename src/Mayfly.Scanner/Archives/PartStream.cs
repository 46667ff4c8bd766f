namespace Mayfly.Scanner.Archives;

/// <summary>The next so many bytes of a stream that goes on after them.</summary>
/// <param name="inner">Not owned.</param>
/// <param name="size">How many.</param>
internal sealed class PartStream(Stream inner, long size) : ReadOnlyStream
{
    private long _rest = size;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="EndOfStreamException">The stream ends before.</exception>
    public override int Read(Span<byte> buffer)
    {
        var wanted = (int)Math.Min(buffer.Length, _rest);
        var read = wanted == 0 ? 0 : inner.Read(buffer[..wanted]);
        if (read == 0 && wanted > 0)
        {
            throw new EndOfStreamException("it ends too early");
        }

        _rest -= read;
        return read;
    }

    /// <summary>Reads what nobody wanted. False when the stream ends before.</summary>
    public bool SkipRest()
    {
        Span<byte> buffer = stackalloc byte[8 << 10];
        while (_rest > 0)
        {
            var read = inner.Read(buffer[..(int)Math.Min(buffer.Length, _rest)]);
            if (read == 0)
            {
                return false;
            }

            _rest -= read;
        }

        return true;
    }
}
