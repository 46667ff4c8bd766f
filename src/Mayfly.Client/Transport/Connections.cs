namespace Mayfly.Client.Transport;

/// <summary>What carries requests: connections of this client's own, or those of an <see cref="HttpClient"/> that a caller brings.</summary>
internal sealed class Connections : IDisposable
{
    private readonly HttpMessageInvoker? _own;
    private readonly Func<HttpClient>? _brought;

    public Connections(HttpMessageHandler handler) => _own = new HttpMessageInvoker(handler, disposeHandler: true);

    public Connections(Func<HttpClient> brought) => _brought = brought;

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken) =>
        // An HttpClient would otherwise read the whole answer, and an event stream has no end.
        _brought is not null
            ? _brought().SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
            : _own!.SendAsync(message, cancellationToken);

    public void Dispose() => _own?.Dispose();
}
