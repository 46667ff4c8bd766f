using System.Text.Json;
using Mayfly.Client;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Tests.Client;

/// <summary>A real server that is reached over a unix socket alone, from its initialization on.</summary>
public sealed class UnixSocketTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_server_on_a_unix_socket_is_initialized_unsealed_written_to_and_listened_to()
    {
        var configuration = _folder.File("mayfly.hcl");
        await File.WriteAllTextAsync(
            configuration,
            $$"""
            listener "unix" { address = "{{_folder.File("mayfly.sock")}}" }
            storage "inmem" {}
            """,
            Cancellation
        );
        await using var server = await ServerProcess.StartAsync(_folder.Path, "server", $"-config={configuration}");
        var options = new MayflyClientOptions { Address = "unix://" + _folder.File("mayfly.sock") };
        using var nobody = new MayflyClient(options);
        var made = await WriteAsync(nobody, "sys/init", new { secret_shares = 1, secret_threshold = 1 });
        await WriteAsync(nobody, "sys/unseal", new { key = made.Member("keys")[0].GetString() });
        using var client = new MayflyClient(options with { Token = made.Member("root_token").GetString() });
        await WriteAsync(client, "sys/mounts/secret", new { type = "kv", options = new { version = "2" } });

        await client.Kv().PutAsync("app", [new("password", "one")], cancellationToken: Cancellation);
        await using var secrets = new LiveSecrets(
            new MayflySecretSource(client),
            new LiveSecretsOptions { Ttl = TimeSpan.FromDays(1) }
        );
        var first = await secrets.GetAsync("secret/data/app", Cancellation);
        await client.Kv().PutAsync("app", [new("password", "two")], cancellationToken: Cancellation);
        var second = await secrets.Get("secret/data/app").WaitForChangeAsync(first, Cancellation);

        Assert.Equal(("one", "two"), (first["password"], second["password"]));
        Assert.False((await client.Sys.HealthAsync(Cancellation)).IsSealed);
    }

    private static async Task<MayflyResponse> WriteAsync(MayflyClient client, string path, object body) =>
        (await client.WriteAsync(path, JsonSerializer.SerializeToUtf8Bytes(body), Cancellation)).EnsureSuccess();
}
