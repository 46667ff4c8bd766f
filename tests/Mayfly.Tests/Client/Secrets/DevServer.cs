using System.Text.Json;
using Mayfly.Client;

namespace Mayfly.Tests.Client.Secrets;

/// <summary>A development server that can be stopped and started again where it was, with what it had.</summary>
public sealed class DevServer : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly int _port = FreePort.Choose();
    private ServerProcess? _process;

    public string Address => $"http://127.0.0.1:{_port}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await StartAsync();

    public async Task StartAsync() => _process = await ServerProcess.StartDevAtAsync(_port, _folder.Path);

    public async Task StopAsync()
    {
        await _process!.StopAsync();
        await _process.DisposeAsync();
    }

    /// <summary>A client that does not try again by itself.</summary>
    public MayflyClient Client(string token = ServerProcess.DevToken) =>
        new(
            new MayflyClientOptions
            {
                Address = Address,
                Token = token,
                MaxRetries = 0,
            }
        );

    /// <summary>Writes as root.</summary>
    public async Task<MayflyResponse> WriteAsync(string path, object body)
    {
        using var client = Client();
        return (await client.WriteAsync(path, JsonSerializer.SerializeToUtf8Bytes(body), Cancellation)).EnsureSuccess();
    }

    /// <summary>A token with a policy of these rules.</summary>
    public async Task<string> TokenAsync(string name, string rules)
    {
        await WriteAsync($"sys/policies/acl/{name}", new { policy = rules });
        var made = await WriteAsync("auth/token/create", new { policies = new[] { name } });
        return made.Auth.GetProperty("client_token").GetString()!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _folder.Dispose();
    }
}
