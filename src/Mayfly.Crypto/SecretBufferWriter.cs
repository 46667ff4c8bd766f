using System.Buffers;

namespace Mayfly.Crypto;

/// <summary>Collects bytes of unknown length in <see cref="SecretBytes"/>, clearing what it outgrows. One owner.</summary>
public sealed class SecretBufferWriter : IBufferWriter<byte>, IDisposable
{
    private SecretBytes _buffer;
    private int _written;

    /// <param name="capacity">Bytes that will fit without growing.</param>
    public SecretBufferWriter(int capacity = 1024) => _buffer = SecretBytes.Rent(capacity);

    /// <summary>What has been written so far.</summary>
    public ReadOnlySpan<byte> Written => _buffer.Span[.._written];

    /// <inheritdoc />
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _buffer.Length - _written);
        _written += count;
    }

    /// <inheritdoc />
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _buffer.Memory[_written..];
    }

    /// <inheritdoc />
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _buffer.Span[_written..];
    }

    /// <summary>Appends <paramref name="bytes"/>.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(GetSpan(bytes.Length));
        _written += bytes.Length;
    }

    /// <summary>What was written, now the caller's to dispose; the writer is empty afterwards and must not be used again.</summary>
    public SecretBytes Detach()
    {
        if (_buffer.Length == _written)
        {
            return Interlocked.Exchange(ref _buffer, SecretBytes.Empty);
        }

        var exact = SecretBytes.CopyOf(Written);
        Dispose();
        return exact;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _buffer.Dispose();
        _buffer = SecretBytes.Empty;
        _written = 0;
    }

    private void Grow(int sizeHint)
    {
        var needed = _written + Math.Max(sizeHint, 1);
        if (needed <= _buffer.Length)
        {
            return;
        }

        var larger = SecretBytes.Rent(Math.Max(needed, _buffer.Length * 2));
        Written.CopyTo(larger.Span);
        _buffer.Dispose();
        _buffer = larger;
    }
}
