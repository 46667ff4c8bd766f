namespace Mayfly.Tests.Engines.RabbitMq;

/// <summary>The RabbitMQ that tests share: started when the first one asks for it, and stopped after the last.</summary>
public sealed class RabbitServers : IAsyncDisposable
{
    private readonly Lazy<Task<RabbitServer>> _server = new(RabbitServer.StartAsync);

    public Task<RabbitServer> ServerAsync() => _server.Value;

    public async ValueTask DisposeAsync()
    {
        if (_server.IsValueCreated)
        {
            await (await _server.Value).DisposeAsync();
        }
    }
}
