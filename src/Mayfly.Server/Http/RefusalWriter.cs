using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;

namespace Mayfly.Server.Http;

/// <summary>
/// Gives a body to the refusals that Kestrel sends by itself, before any application sees a request: a malformed request
/// line, NUL in the target, headers that are too large. They would be a bare status, and a person deserves a reason. Such a
/// refusal is known by being an error without content that closes the connection; the dialect sends no such thing.
/// </summary>
internal sealed class RefusalWriter(PipeWriter inner) : PipeWriter
{
    private static readonly byte[] NoContent = "Content-Length: 0\r\n"u8.ToArray();

    private Memory<byte> _handedOut;

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    /// <summary>Puts one behind the output of a connection.</summary>
    public static void Wrap(ConnectionContext connection) =>
        connection.Transport = new Duplex(connection.Transport.Input, new RefusalWriter(connection.Transport.Output));

    public override Memory<byte> GetMemory(int sizeHint = 0) => _handedOut = inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        var written = _handedOut.Span[..bytes];
        if (!written.StartsWith("HTTP/1.1 4"u8) || !IsRefusal(written))
        {
            inner.Advance(bytes);
            _handedOut = _handedOut[bytes..];
            return;
        }

        var reply = WithReason(written);
        reply.CopyTo(inner.GetSpan(reply.Length));
        inner.Advance(reply.Length);
        _handedOut = default;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        inner.FlushAsync(cancellationToken);

    public override ValueTask<FlushResult> WriteAsync(
        ReadOnlyMemory<byte> source,
        CancellationToken cancellationToken = default
    ) => inner.WriteAsync(source, cancellationToken);

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    private static bool IsRefusal(ReadOnlySpan<byte> head) =>
        head.EndsWith("\r\n\r\n"u8) && head.IndexOf(NoContent) > 0 && head.IndexOf("Connection: close\r\n"u8) > 0;

    private static byte[] WithReason(ReadOnlySpan<byte> head)
    {
        var reason = Encoding.ASCII.GetString(head.Slice("HTTP/1.1 ".Length, 3)) switch
        {
            "408" => "the request arrived too slowly",
            "411" => "the request needs a Content-Length",
            "413" => "the body is too large",
            "414" => "the request line is too long",
            "431" => "the headers are too large",
            _ =>
                "the request is not valid HTTP: the request line, target or a header has characters or a form that are not allowed",
        };
        var body = $"{{\"errors\":[\"{reason}\"]}}\n";
        var headers = $"Content-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: {body.Length}\r\n";
        var at = head.IndexOf(NoContent);
        return
        [
            .. head[..at],
            .. Encoding.ASCII.GetBytes(headers),
            .. head[(at + NoContent.Length)..],
            .. Encoding.ASCII.GetBytes(body),
        ];
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
