using Mayfly.Client;
using Mayfly.Client.Hosting;
using Mayfly.Client.Logins;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mayfly.Tests.Client.Hosting;

/// <summary>Mayfly by dependency injection, in front of a vault.</summary>
public sealed class MayflyServicesTests : IAsyncLifetime
{
    private const string Name = "secret/data/app";

    private ServedVault _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await ServedVault.StartAsync();
        await _server.WriteAsync("sys/mounts/secret", """{"type":"kv","options":{"version":"2"}}""");
        await _server.WriteAsync(Name, """{"data":{"password":"one"}}""");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_program_gets_a_client_and_live_secrets()
    {
        await using var provider = Program();

        Assert.Equal(
            "one",
            (await provider.GetRequiredService<LiveSecrets>().GetAsync(Name, Cancellation))["password"]
        );
        Assert.Same(provider.GetRequiredService<MayflyClient>(), provider.GetServices<MayflyClient>().Single());
    }

    [Fact]
    public async Task A_source_of_the_programs_own_is_what_live_secrets_read()
    {
        var services = new ServiceCollection();
        services.AddSingleton<ISecretSource>(new MockSecretSource());
        await using var provider = services.AddMayfly().BuildServiceProvider();

        Assert.NotNull(await provider.GetRequiredService<LiveSecrets>().GetAsync("anything", Cancellation));
        Assert.Empty(_server.Asked);
    }

    [Fact]
    public async Task Requests_go_through_the_http_client_of_the_factory()
    {
        var seen = new Counting();
        var services = new ServiceCollection();
        services
            .AddHttpClient("mayfly")
            .ConfigurePrimaryHttpMessageHandler(provider =>
                provider.GetRequiredService<MayflySetup>().Client.CreateHandler()
            )
            .AddHttpMessageHandler(() => new Passing(seen));
        services.AddMayfly(
            (provider, setup) =>
                setup with
                {
                    Client = _server.Options with
                    {
                        Token = _server.Vault.RootToken,
                        HttpClient = () => provider.GetRequiredService<IHttpClientFactory>().CreateClient("mayfly"),
                    },
                }
        );
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<MayflyClient>();

        Assert.Equal("one", (await client.Kv().GetAsync("app", cancellationToken: Cancellation))!["password"].Reveal());
        Assert.Equal("one", (await client.Kv().GetAsync("app", cancellationToken: Cancellation))!["password"].Reveal());

        Assert.Equal(2, seen.Count);
    }

    [Fact]
    public void The_factorys_handler_follows_no_redirects_which_would_take_the_token_along()
    {
        using var handler = Assert.IsType<SocketsHttpHandler>(_server.Options.CreateHandler());

        Assert.False(handler.AllowAutoRedirect);
    }

    [Fact]
    public async Task Health_is_the_servers_while_no_secret_is_in_use()
    {
        await using var provider = Program();
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(provider)).Status);

        await using var lost = Program(options => options with { Address = "http://127.0.0.1:1" });
        Assert.Equal(HealthStatus.Unhealthy, (await CheckAsync(lost)).Status);
    }

    [Fact]
    public async Task Health_follows_the_secrets_from_fresh_to_stale_to_expired_and_back()
    {
        await using var provider = Program();
        await provider.GetRequiredService<LiveSecrets>().GetAsync(Name, Cancellation);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(provider)).Status);

        _server.Interfere = static _ => Mayfly.Core.Pipeline.Fault.Unavailable("away");
        await PassUntilAsync(provider, HealthStatus.Degraded);
        var degraded = await CheckAsync(provider);
        Assert.Equal([Name], (string[])degraded.Data["stale"]);
        await PassUntilAsync(provider, HealthStatus.Unhealthy);
        Assert.Equal([Name], (string[])(await CheckAsync(provider)).Data["missing"]);

        _server.Interfere = static _ => null;
        await PassUntilAsync(provider, HealthStatus.Healthy);
    }

    [Fact]
    public async Task Health_tells_that_there_is_no_login()
    {
        await using var provider = Program(options =>
            options with
            {
                Token = null,
                Login = new TokenLogin("hvs.canary"),
            }
        );
        await Assert.ThrowsAsync<LoginException>(() =>
            provider.GetRequiredService<MayflyClient>().ReadAsync(Name, Cancellation)
        );

        var health = await CheckAsync(provider);

        Assert.Equal(HealthStatus.Unhealthy, health.Status);
        Assert.Equal("there is no login", health.Description);
        Assert.DoesNotContain("canary", $"{health.Exception}", StringComparison.Ordinal);
    }

    private static Task<HealthCheckResult> CheckAsync(IServiceProvider provider)
    {
        var check = provider.GetRequiredService<MayflyHealthCheck>();
        var registration = new HealthCheckRegistration("mayfly", check, HealthStatus.Unhealthy, tags: null);
        return check.CheckHealthAsync(new HealthCheckContext { Registration = registration }, Cancellation);
    }

    private async Task PassUntilAsync(IServiceProvider provider, HealthStatus status)
    {
        while ((await CheckAsync(provider)).Status != status)
        {
            await _server.PassAsync(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5));
        }
    }

    private ServiceProvider Program(Func<MayflyClientOptions, MayflyClientOptions>? change = null)
    {
        var options = _server.Options with { Token = _server.Vault.RootToken };
        return new ServiceCollection()
            .AddSingleton<TimeProvider>(_server.Time)
            .AddMayfly(setup => setup with { Client = change?.Invoke(options) ?? options })
            .BuildServiceProvider();
    }

    private sealed class Counting
    {
        public int Count;
    }

    private sealed class Passing(Counting counting) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        )
        {
            Interlocked.Increment(ref counting.Count);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
