using System.Buffers;
using System.Text;

namespace Mayfly.Client.Redaction;

/// <summary>
/// Writes bytes without the secrets in them, as <see cref="RedactingTextWriter"/> does with text. Everything else passes
/// byte for byte, also what is not text. For output in UTF-8 or another encoding that contains ASCII.
/// </summary>
public sealed class RedactingStream : Stream
{
    private readonly Stream _inner;
    private readonly RedactionBuffer _buffer;
    private readonly bool _leaveOpen;
    private bool _isComplete;

    /// <summary>A stream before <paramref name="inner"/>.</summary>
    /// <param name="inner">Gets what is free of secrets.</param>
    /// <param name="redactor">Knows the secrets; <see cref="Redactor.Shared"/> by default.</param>
    /// <param name="leaveOpen">Disposing leaves <paramref name="inner"/> as it is.</param>
    public RedactingStream(Stream inner, Redactor? redactor = null, bool leaveOpen = false)
    {
        _inner = inner;
        _buffer = new RedactionBuffer(redactor ?? Redactor.Shared, isBytes: true);
        _leaveOpen = leaveOpen;
    }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void WriteByte(byte value) => Write([value]);

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer) => _inner.Write(Bytes(Append(buffer)));

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        _inner.WriteAsync(Bytes(Append(buffer.Span)), cancellationToken);

    /// <inheritdoc/>
    public override void Flush() => _inner.Flush();

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => _inner.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (!_isComplete)
        {
            _isComplete = true;
            await _inner.WriteAsync(Bytes(_buffer.Complete()));
            await _inner.FlushAsync();
            if (!_leaveOpen)
            {
                await _inner.DisposeAsync();
            }
        }

        await base.DisposeAsync();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isComplete)
        {
            _isComplete = true;
            _inner.Write(Bytes(_buffer.Complete()));
            _inner.Flush();
            if (!_leaveOpen)
            {
                _inner.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    /// <summary>Each byte is a character for the search; the registry knows secrets in that form, too.</summary>
    private StringBuilder Append(ReadOnlySpan<byte> buffer)
    {
        var characters = ArrayPool<char>.Shared.Rent(buffer.Length);
        try
        {
            var length = Encoding.Latin1.GetChars(buffer, characters);
            return _buffer.Append(characters.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<char>.Shared.Return(characters, clearArray: true);
        }
    }

    private static byte[] Bytes(StringBuilder text)
    {
        var bytes = new byte[text.Length];
        var at = 0;
        foreach (var chunk in text.GetChunks())
        {
            at += Encoding.Latin1.GetBytes(chunk.Span, bytes.AsSpan(at));
        }

        return bytes;
    }
}
