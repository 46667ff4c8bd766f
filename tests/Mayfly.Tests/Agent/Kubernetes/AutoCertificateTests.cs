using System.Text;
using System.Text.Json.Nodes;
using Mayfly.Agent.Kubernetes;
using Mayfly.Agent.Kubernetes.Tls;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mayfly.Tests.Agent.Kubernetes;

public sealed class AutoCertificateTests
{
    private readonly ManualTime _time = new(TimeProvider.System.GetUtcNow());

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Replicas_that_start_together_serve_one_certificate_that_api_servers_trust()
    {
        await using var server = await StandInApiServer.StartAsync();
        var injectors = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => StartAsync(server)));
        try
        {
            var shown = new HashSet<string>();
            foreach (var injector in injectors)
            {
                shown.Add(await InjectorTests.ShownAsync(injector));
            }

            var stored = Stored(server);
            Assert.Equal(InjectorTests.ThumbprintOf(stored), Assert.Single(shown));
            Assert.True(OwnAuthority.IsGood(stored, ["mayfly-injector.mayfly.svc"], _time.GetUtcNow()));
            for (var i = 0; i < 2; i++)
            {
                Assert.Equal(stored.Authorities, Encoding.UTF8.GetString(Convert.FromBase64String(server.Bundle(i)!)));
            }
        }
        finally
        {
            foreach (var injector in injectors)
            {
                await injector.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task A_certificate_is_replaced_in_time_and_the_old_authority_stays_trusted()
    {
        await using var server = await StandInApiServer.StartAsync();
        await using var injector = await StartAsync(server);
        var first = Stored(server);
        _time.Advance(TimeSpan.FromDays(59));
        var second = first;
        await InjectorTests.EventuallyAsync(async () =>
        {
            // Past two thirds of ninety days.
            _time.Advance(TimeSpan.FromHours(12));
            second = Stored(server);
            return second.Certificate != first.Certificate
                && await InjectorTests.ShownAsync(injector) == InjectorTests.ThumbprintOf(second);
        });
        Assert.EndsWith(first.Authorities.TrimEnd(), second.Authorities.TrimEnd(), StringComparison.Ordinal);
        Assert.NotEqual(first.Authorities.TrimEnd(), second.Authorities.TrimEnd());

        // A third forgets the first: its certificates have ended.
        var third = OwnAuthority.Make(["mayfly-injector"], _time.GetUtcNow(), second);
        Assert.DoesNotContain(first.Authorities.TrimEnd(), third.Authorities, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_others_take_out_of_the_webhook_configuration_comes_back()
    {
        await using var server = await StandInApiServer.StartAsync();
        await using var injector = await StartAsync(server);
        var bundle = server.Bundle(0);
        server.Webhook["webhooks"]![0]!["clientConfig"] = new JsonObject { ["caBundle"] = "" };
        await InjectorTests.EventuallyAsync(() =>
        {
            _time.Advance(TimeSpan.FromMinutes(10));
            return Task.FromResult(server.Bundle(0) == bundle);
        });
    }

    [Fact]
    public async Task A_secret_of_somebody_else_is_not_overwritten()
    {
        await using var server = await StandInApiServer.StartAsync();
        server.Secret = new JsonObject
        {
            ["metadata"] = new JsonObject { ["resourceVersion"] = "7" },
            ["data"] = new JsonObject { ["password"] = "aHVudGVyMg==" },
        };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var start = StartAsync(server, patience.Token);
        await InjectorTests.EventuallyAsync(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(5));
            return Task.FromResult(server.Requests.Count > 3);
        });
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start);
        Assert.All(server.Requests, request => Assert.StartsWith("GET ", request, StringComparison.Ordinal));
    }

    private static CertificateSet Stored(StandInApiServer server) =>
        new(server.Stored("ca.crt"), server.Stored("tls.crt"), server.Stored("tls.key"));

    private Task<Injector> StartAsync(StandInApiServer server, CancellationToken? cancellation = null) =>
        Injector.StartAsync(
            new InjectorOptions
            {
                Listen = "127.0.0.1:0",
                TlsAuto = "mayfly-injector",
                ApiServer = server.Access,
                Time = _time,
            },
            NullLoggerFactory.Instance,
            _ => null,
            cancellation ?? Cancellation
        );
}
