using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Mayfly.Client;
using Mayfly.Client.Logins;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;
using Mayfly.Client.Telemetry;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Client.Telemetry;

/// <summary>What the client tells to <c>System.Diagnostics</c>.</summary>
public sealed class TelemetryTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<(string Instrument, double Value, Dictionary<string, object?> Tags)> _measured =
    [];
    private readonly ConcurrentQueue<Activity> _activities = [];
    private readonly MeterListener _meters = new();
    private readonly ActivityListener _listener;
    private ServedVault _server = null!;

    public TelemetryTests()
    {
        _meters.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name == MayflyTelemetry.Name)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _meters.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == MayflyTelemetry.Name,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = _activities.Enqueue,
        };
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private int Port => new Uri(_server.Options.Address).Port;

    public async ValueTask InitializeAsync()
    {
        _server = await ServedVault.StartAsync();
        await _server.WriteAsync("sys/mounts/secret", """{"type":"kv","options":{"version":"2"}}""");
        await _server.WriteAsync("secret/data/app", """{"data":{"password":"canary-of-telemetry"}}""");
        _meters.Start();
        ActivitySource.AddActivityListener(_listener);
    }

    public async ValueTask DisposeAsync()
    {
        _meters.Dispose();
        _listener.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Requests_retries_logins_and_renewals_are_counted()
    {
        var token = await _server.Vault.TokenAsync("""{"policies":["default"],"ttl":"60s"}""");
        await using var client = new MayflyClient(
            _server.Options with
            {
                Login = new TokenLogin(token),
                MaxRetries = 1,
            }
        );
        var isFirst = 1;
        _server.Interfere = request =>
            request.Path == "cubbyhole/x" && Interlocked.Exchange(ref isFirst, 0) == 1
                ? Fault.Unavailable("later")
                : null;

        var read = client.ReadAsync("cubbyhole/x", Cancellation);
        await _server.PassUntilAsync(() => read.IsCompleted);
        Assert.Equal(404, (await read).Status);
        await _server.PassUntilAsync(() => Of("mayfly.client.token.renewals").Count == 1);

        Assert.Single(Of("mayfly.client.retries"));
        Assert.Equal("ok", Assert.Single(Of("mayfly.client.logins"))["mayfly.outcome"]);
        Assert.Equal("ok", Assert.Single(Of("mayfly.client.token.renewals"))["mayfly.outcome"]);
        Assert.Equal(
            [200, 503, 404],
            Of("mayfly.client.request.duration").Select(tags => (int)tags["http.response.status_code"]!).Take(3)
        );
    }

    [Fact]
    public async Task A_login_that_is_refused_is_counted_as_such()
    {
        await using var client = new MayflyClient(_server.Options with { Login = new TokenLogin("hvs.nobody") });

        await Assert.ThrowsAsync<LoginException>(() => client.ReadAsync("cubbyhole/x", Cancellation));

        Assert.Equal("refused", Assert.Single(Of("mayfly.client.logins"))["mayfly.outcome"]);
    }

    [Fact]
    public async Task Live_secrets_are_counted_by_how_good_they_are()
    {
        using var client = new MayflyClient(_server.Options with { Token = _server.Vault.RootToken });
        await using var secrets = new LiveSecrets(
            new MayflySecretSource(client),
            new LiveSecretsOptions { Time = _server.Time, Watch = false }
        );
        await secrets.GetAsync("secret/data/app", Cancellation);
        Assert.Equal("fresh", Assert.Single(States())["mayfly.state"]);

        _server.Interfere = static _ => Fault.Unavailable("away");
        await _server.PassUntilAsync(
            () => secrets.Get("secret/data/app").State == SecretState.Stale,
            TimeSpan.FromSeconds(10)
        );

        Assert.Equal("stale", Assert.Single(States())["mayfly.state"]);
        Assert.Equal(
            ["ok", "unreachable"],
            _measured
                .Where(each => each.Instrument == "mayfly.client.secret.fetches" && IsOfThisServer(each.Tags))
                .Select(each => (string)each.Tags["mayfly.outcome"]!)
                .Distinct()
        );
    }

    [Fact]
    public async Task Activities_tell_what_was_asked_and_no_secret()
    {
        var token = await _server.Vault.TokenAsync("""{"policies":["default"]}""");
        await using var client = new MayflyClient(_server.Options with { Login = new TokenLogin(token) });
        await client.ReadAsync("secret/data/app", Cancellation);
        await client.WriteAsync("cubbyhole/x", """{"a":"canary-of-telemetry"}"""u8.ToArray(), Cancellation);
        using var root = new MayflyClient(_server.Options with { Token = _server.Vault.RootToken });
        await root.Kv().GetAsync("app", cancellationToken: Cancellation);

        var mine = _activities.Where(each => Equals(each.GetTagItem("server.port"), Port)).ToList();

        Assert.Equal(
            ["mayfly GET", "mayfly GET", "mayfly GET", "mayfly GET", "mayfly PUT", "mayfly login"],
            mine.Select(each => each.OperationName).Order(StringComparer.Ordinal)
        );
        var login = mine.Single(each => each.OperationName == "mayfly login");
        Assert.Null(login.Parent);
        Assert.Contains(
            mine,
            each =>
                Equals(each.GetTagItem("mayfly.path"), "secret/data/app")
                && Equals(each.GetTagItem("http.response.status_code"), 403)
                && each.Status == ActivityStatusCode.Error
        );
        foreach (var tag in mine.SelectMany(each => each.TagObjects))
        {
            Assert.DoesNotContain(token, $"{tag.Value}", StringComparison.Ordinal);
            Assert.DoesNotContain("canary", $"{tag.Value}", StringComparison.Ordinal);
        }
    }

    private List<Dictionary<string, object?>> Of(string instrument) =>
        [
            .. _measured
                .Where(each => each.Instrument == instrument && Equals(each.Tags["server.port"], Port))
                .Select(each => each.Tags),
        ];

    private List<Dictionary<string, object?>> States()
    {
        var before = _measured.Count;
        _meters.RecordObservableInstruments();
        return
        [
            .. _measured
                .Skip(before)
                .Where(each => each.Instrument == "mayfly.client.secrets" && IsOfThisServer(each.Tags))
                .Select(each => each.Tags),
        ];
    }

    private bool IsOfThisServer(Dictionary<string, object?> tags) =>
        tags.TryGetValue("mayfly.source", out var source)
        && $"{source}".Contains(_server.Options.Address, StringComparison.Ordinal);

    private void Keep(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _measured.Enqueue((instrument.Name, value, new Dictionary<string, object?>(tags.ToArray())));
}
