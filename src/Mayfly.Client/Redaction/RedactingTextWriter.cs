using System.Text;

namespace Mayfly.Client.Redaction;

/// <summary>
/// Writes text without its secrets, also those that are split over several writes. What may be the beginning of a secret
/// waits for what follows, at most 4,096 characters; <see cref="Flush"/> does not release it, disposing does. Not safe for
/// concurrent use: <see cref="TextWriter.Synchronized"/> makes it so.
/// </summary>
public sealed class RedactingTextWriter : TextWriter
{
    private readonly TextWriter _inner;
    private readonly RedactionBuffer _buffer;
    private readonly bool _leaveOpen;
    private bool _isComplete;

    /// <summary>A writer before <paramref name="inner"/>.</summary>
    /// <param name="inner">Gets what is free of secrets.</param>
    /// <param name="redactor">Knows the secrets; <see cref="Redactor.Shared"/> by default.</param>
    /// <param name="leaveOpen">Disposing leaves <paramref name="inner"/> as it is.</param>
    public RedactingTextWriter(TextWriter inner, Redactor? redactor = null, bool leaveOpen = false)
        : base(inner.FormatProvider)
    {
        _inner = inner;
        _buffer = new RedactionBuffer(redactor ?? Redactor.Shared);
        _leaveOpen = leaveOpen;
        CoreNewLine = inner.NewLine.ToCharArray();
    }

    /// <inheritdoc/>
    public override Encoding Encoding => _inner.Encoding;

    /// <inheritdoc/>
    public override void Write(char value) => Write([value]);

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    /// <inheritdoc/>
    public override void Write(string? value) => Write(value.AsSpan());

    /// <inheritdoc/>
    public override void WriteLine(string? value) => Write(value + new string(CoreNewLine));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer) => _inner.Write(_buffer.Append(buffer));

    /// <inheritdoc/>
    public override Task WriteAsync(char value) => WriteAsync(new[] { value }.AsMemory());

    /// <inheritdoc/>
    public override Task WriteAsync(char[] buffer, int index, int count) => WriteAsync(buffer.AsMemory(index, count));

    /// <inheritdoc/>
    public override Task WriteAsync(string? value) => WriteAsync(value.AsMemory());

    /// <inheritdoc/>
    public override Task WriteAsync(ReadOnlyMemory<char> buffer, CancellationToken cancellationToken = default) =>
        _inner.WriteAsync(_buffer.Append(buffer.Span), cancellationToken);

    /// <inheritdoc/>
    public override Task WriteLineAsync(char value) => WriteAsync($"{value}{NewLine}");

    /// <inheritdoc/>
    public override Task WriteLineAsync(string? value) => WriteAsync(value + NewLine);

    /// <inheritdoc/>
    public override Task WriteLineAsync(char[] buffer, int index, int count) =>
        WriteAsync(new string(buffer, index, count) + NewLine);

    /// <inheritdoc/>
    public override Task WriteLineAsync(ReadOnlyMemory<char> buffer, CancellationToken cancellationToken = default) =>
        WriteAsync((buffer + NewLine).AsMemory(), cancellationToken);

    /// <inheritdoc/>
    public override void Flush() => _inner.Flush();

    /// <inheritdoc/>
    public override Task FlushAsync() => _inner.FlushAsync();

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => _inner.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (!_isComplete)
        {
            _isComplete = true;
            await _inner.WriteAsync(_buffer.Complete());
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
            _inner.Write(_buffer.Complete());
            _inner.Flush();
            if (!_leaveOpen)
            {
                _inner.Dispose();
            }
        }

        base.Dispose(disposing);
    }
}
