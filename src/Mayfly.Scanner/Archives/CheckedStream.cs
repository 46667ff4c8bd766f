namespace Mayfly.Scanner.Archives;

/// <summary>Compares what comes out of a zip's entry with its checksum (CRC-32 of APPNOTE.TXT 4.4.7), which the framework does not.</summary>
/// <param name="inner">Owned.</param>
/// <param name="size">How many bytes there should be.</param>
/// <param name="checksum">What the directory says.</param>
internal sealed class CheckedStream(Stream inner, long size, uint checksum) : ForwardStream
{
    private static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(static i => Step((uint)i, 8))];

    private uint _state = uint.MaxValue;
    private long _read;

    /// <exception cref="ArchiveException">This was the last of it, and it is not what was packed.</exception>
    public override int Read(Span<byte> buffer)
    {
        var read = inner.Read(buffer);
        foreach (var each in buffer[..read])
        {
            _state = Table[(byte)(_state ^ each)] ^ (_state >> 8);
        }

        _read += read;
        if (read == 0 && buffer.Length > 0 && (_read != size || ~_state != checksum))
        {
            throw new ArchiveException("it is broken: its checksum is another one");
        }

        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private static uint Step(uint value, int bits) =>
        bits == 0 ? value : Step((value & 1) == 0 ? value >> 1 : (value >> 1) ^ 0xEDB88320, bits - 1);
}
