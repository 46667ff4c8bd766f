using System.Net;
using System.Runtime.Versioning;
using System.Text.Json;

namespace Mayfly.Tests.Server;

[SupportedOSPlatform("linux")]
public sealed class UpgradeKillTests : IDisposable
{
    private const int Secrets = 200;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The server is killed so long after the upgrade from KV version 1 to 2 was asked for.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(10)]
    [InlineData(20)]
    [InlineData(50)]
    public async Task A_kill_during_an_upgrade_loses_no_secret(int milliseconds)
    {
        const string Token = "root";
        (string, string)[] environment = [("MAYFLY_DEV_ROOT_TOKEN_ID", Token)];
        string[] arguments = ["-dev", "-dev-listen-address=127.0.0.1:0", $"-dev-data={_folder.Path}"];
        await using (var first = await ServerRun.StartAsync(environment, arguments))
        {
            await SendAsync(first, HttpMethod.Post, "sys/mounts/kv", """{"type":"kv","options":{"version":"1"}}""");
            await Parallel.ForAsync(
                0,
                Secrets,
                TestContext.Current.CancellationToken,
                async (i, _) => await SendAsync(first, HttpMethod.Post, $"kv/f{i % 7}/s{i}", $$"""{"n":{{i}}}""")
            );
            var asked = first.SendAsync(
                HttpMethod.Post,
                "sys/mounts/kv/tune",
                Token,
                """{"options":{"version":"2"}}"""
            );
            await Task.Delay(milliseconds, TestContext.Current.CancellationToken);
            first.Signal("KILL");
            await first.ExitAsync();
            await asked.ContinueWith(_ => { }, TaskScheduler.Default);
        }

        await using var second = await ServerRun.StartAsync(environment, arguments);
        using (var shown = await second.SendAsync(HttpMethod.Get, "sys/mounts/kv", Token))
        {
            var text = await shown.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            if (!text.Contains("\"version\":\"2\"", StringComparison.Ordinal))
            {
                await SendAsync(second, HttpMethod.Post, "sys/mounts/kv/tune", """{"options":{"version":"2"}}""");
            }
        }

        for (var i = 0; i < Secrets; i++)
        {
            Assert.Equal(i, await ReadAsync(second, $"kv/data/f{i % 7}/s{i}", Token));
        }
    }

    private static async Task SendAsync(ServerRun server, HttpMethod method, string path, string body)
    {
        using var reply = await server.SendAsync(method, path, "root", body);
        Assert.True(reply.IsSuccessStatusCode, $"{path}: {reply.StatusCode}");
    }

    /// <summary>The number in a secret, once the upgrade is over.</summary>
    private static async Task<int> ReadAsync(ServerRun server, string path, string token)
    {
        for (var i = 0; ; i++)
        {
            using var reply = await server.SendAsync(HttpMethod.Get, path, token);
            var text = await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            if (reply.StatusCode == HttpStatusCode.OK)
            {
                using var json = JsonDocument.Parse(text);
                return json.RootElement.GetProperty("data").GetProperty("data").GetProperty("n").GetInt32();
            }

            Assert.True(
                i < 1_000 && text.Contains("pgrad", StringComparison.Ordinal),
                $"{path}: {reply.StatusCode} {text}"
            );
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }
}
