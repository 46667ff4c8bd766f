using System.Net;
using System.Text.Json;
using Mayfly.Core;
using Mayfly.Core.Pipeline;
using Mayfly.Server.Http.Vault;

namespace Mayfly.Tests.Http;

public sealed class HealthTests : IAsyncLifetime
{
    private VaultState _state = VaultState.Unsealed;
    private DialectServer _server = null!;

    public async ValueTask InitializeAsync() =>
        _server = await DialectServer.StartAsync(
            (_, _) => new(Fault.Sealed()),
            () => new Health(_state, "1.17.0+mayfly.0", "test", "id")
        );

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData(VaultState.Unsealed, "", 200)]
    [InlineData(VaultState.Sealed, "", 503)]
    [InlineData(VaultState.Uninitialized, "", 501)]
    [InlineData(VaultState.Unsealed, "?activecode=299", 299)]
    [InlineData(VaultState.Sealed, "?sealedcode=200", 200)]
    [InlineData(VaultState.Uninitialized, "?uninitcode=204", 204)]
    [InlineData(VaultState.Sealed, "?uninitcode=204&activecode=299", 503)]
    [InlineData(VaultState.Unsealed, "?standbyok=true&perfstandbyok&standbycode=500&drsecondarycode=500", 200)]
    [InlineData(VaultState.Unsealed, "?performancestandbycode=473", 200)]
    [InlineData(VaultState.Unsealed, "?sealedcode=9000", 400)]
    [InlineData(VaultState.Unsealed, "?standbycode=x", 400)]
    [InlineData(VaultState.Unsealed, "?activecode=-1", 400)]
    [InlineData(VaultState.Unsealed, "?standbyok=perhaps", 400)]
    public async Task Status_follows_state_and_query(VaultState state, string query, int status)
    {
        _state = state;
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Head })
        {
            using var request = new HttpRequestMessage(method, new Uri("/v1/sys/health" + query, UriKind.Relative));
            using var reply = await _server.Client.SendAsync(request, TestContext.Current.CancellationToken);

            Assert.Equal(status, (int)reply.StatusCode);
        }
    }

    [Fact]
    public async Task Body_says_what_load_balancers_and_clients_ask()
    {
        var text = await _server.Client.GetStringAsync(
            new Uri("/v1/sys/health", UriKind.Relative),
            TestContext.Current.CancellationToken
        );

        var json = JsonDocument.Parse(text).RootElement;
        Assert.True(json.GetProperty("initialized").GetBoolean());
        Assert.False(json.GetProperty("sealed").GetBoolean());
        Assert.False(json.GetProperty("standby").GetBoolean());
        Assert.Equal("1.17.0+mayfly.0", json.GetProperty("version").GetString());
        Assert.Equal(_server.Time.GetUtcNow().ToUnixTimeSeconds(), json.GetProperty("server_time_utc").GetInt64());
    }
}
