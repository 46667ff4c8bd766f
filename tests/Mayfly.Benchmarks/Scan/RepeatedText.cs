using System.Text;

namespace Mayfly.Benchmarks.Scan;

/// <summary>A text again and again, up to a size.</summary>
internal sealed class RepeatedText(string part, long size) : Stream
{
    private readonly byte[] _part = Encoding.UTF8.GetBytes(part);
    private long _at;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => size;

    public override long Position
    {
        get => _at;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        var given = 0;
        while (given < buffer.Length && _at < size)
        {
            var rest = _part.AsSpan((int)(_at % _part.Length));
            rest = rest[..(int)Math.Min(Math.Min(rest.Length, buffer.Length - given), size - _at)];
            rest.CopyTo(buffer[given..]);
            given += rest.Length;
            _at += rest.Length;
        }

        return given;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
