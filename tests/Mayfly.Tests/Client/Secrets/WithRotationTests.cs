using System.Net;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Tests.Client.Secrets;

/// <summary>Work whose credential is rotated underneath it.</summary>
public sealed class WithRotationTests : IAsyncDisposable
{
    private const string App = "secret/data/app";

    private readonly ManualTime _time = new();
    private readonly MockSecretSource _source;
    private readonly LiveSecrets _secrets;
    private readonly LiveSecret _secret;

    // What the thing behind the credential accepts.
    private volatile string _accepted = "one";
    private int _runs;

    public WithRotationTests()
    {
        _source = new MockSecretSource(_time);
        _source.Set(App, "one");
        _secrets = new LiveSecrets(_source, new LiveSecretsOptions { Watch = false, Time = _time });
        _secret = _secrets.Get(App);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _secrets.DisposeAsync();

    [Fact]
    public async Task A_rotated_credential_is_fetched_past_the_cache_and_the_work_done_with_it()
    {
        await WarmAsync();
        Rotate("two");
        Assert.Equal("done with two", await _secret.WithRotationAsync(LogInAsync, null, Cancellation));
        Assert.Equal(3, _runs);
        Assert.Equal(2, _source.Fetches.Count);
    }

    [Fact]
    public async Task The_work_is_repeated_once_and_no_more()
    {
        await WarmAsync();
        _source.Set(App, "two");
        _accepted = "three";
        await Assert.ThrowsAsync<HttpRequestException>(() => _secret.WithRotationAsync(LogInAsync, null, Cancellation));
        Assert.Equal(3, _runs);
    }

    [Fact]
    public async Task The_work_is_not_repeated_with_the_value_that_was_refused()
    {
        await WarmAsync();
        _accepted = "another";
        var failure = await Assert.ThrowsAsync<HttpRequestException>(() =>
            _secret.WithRotationAsync(LogInAsync, null, Cancellation)
        );
        Assert.Equal(HttpStatusCode.Unauthorized, failure.StatusCode);
        Assert.Equal(2, _runs);
        Assert.Equal(2, _source.Fetches.Count);
    }

    [Fact]
    public async Task Another_failure_is_none_of_its_business()
    {
        await WarmAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            _secret.WithRotationAsync((_, _) => throw new InvalidOperationException("authentication"), Cancellation)
        );
        Assert.Single(_source.Fetches);
    }

    [Fact]
    public async Task The_failure_of_the_work_is_told_when_the_source_is_away()
    {
        await WarmAsync();
        _accepted = "two";
        _source.Fail();
        await Assert.ThrowsAsync<HttpRequestException>(() => _secret.WithRotationAsync(LogInAsync, null, Cancellation));
        Assert.Equal("one", _secret.Current["value"]);
    }

    [Fact]
    public async Task A_refused_result_counts_as_a_failure_does()
    {
        await WarmAsync();
        Rotate("two");
        using var answer = await _secret.WithRotationAsync(
            (value, _) =>
                Task.FromResult(
                    new HttpResponseMessage(
                        value["value"] == _accepted ? HttpStatusCode.OK : HttpStatusCode.Unauthorized
                    )
                ),
            response => response.StatusCode == HttpStatusCode.Unauthorized,
            Cancellation
        );
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task A_thousand_failures_at_once_share_one_read()
    {
        await WarmAsync();
        Rotate("two");
        _source.Hold();
        var gate = new TaskCompletionSource();
        var failed = 0;
        var all = Enumerable
            .Range(0, 1_000)
            .Select(_ =>
                Task.Run(
                    () =>
                        _secret.WithRotationAsync(
                            async (value, cancellation) =>
                            {
                                if (value["value"] != _accepted && Interlocked.Increment(ref failed) == 1_000)
                                {
                                    gate.SetResult();
                                }

                                await gate.Task.WaitAsync(cancellation);
                                return await LogInAsync(value, cancellation);
                            },
                            null,
                            Cancellation
                        ),
                    Cancellation
                )
            )
            .ToList();
        await gate.Task.WaitAsync(Cancellation);
        await _time.PassUntilAsync(() => _source.Fetches.Count > 1);
        _source.Release();
        Assert.All(await Task.WhenAll(all), result => Assert.Equal("done with two", result));
        Assert.Equal(1, _source.MostInFlight);
        // Who failed only after the one read had ended needs none: the value has changed.
        Assert.Equal(2, _source.Fetches.Count);
    }

    [Fact]
    public async Task Failures_are_told_by_their_types_also_inside_of_others()
    {
        var failures = AuthenticationFailures
            .Default.With<TimeoutException>()
            .With<IOException>(failure => failure.HResult == 7);
        Assert.True(failures.Includes(new TimeoutException()));
        Assert.True(failures.Includes(new InvalidOperationException("outer", new TimeoutException())));
        Assert.True(failures.Includes(new AggregateException(new ArgumentException("a"), new TimeoutException())));
        Assert.True(failures.Includes(new IOException("full", 7)));
        Assert.False(failures.Includes(new IOException("full", 8)));
        Assert.False(failures.Includes(new HttpRequestException("gone", null, HttpStatusCode.Gone)));
        Assert.False(AuthenticationFailures.Default.Includes(new TimeoutException()));
        await Task.CompletedTask;
    }

    [Fact]
    public async Task A_credential_that_was_made_just_now_is_not_replaced()
    {
        const string Creds = "database/creds/app";
        _source.SetDynamic(Creds, TimeSpan.FromHours(1));
        var leased = _secrets.Get(Creds);
        await leased.GetAsync(Cancellation);
        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<HttpRequestException>(() =>
                leased.WithRotationAsync(RefuseAsync, null, Cancellation)
            );
        }

        Assert.Single(_source.Leases);
        await _time.PassAsync(TimeSpan.FromSeconds(11), leased);
        await Assert.ThrowsAsync<HttpRequestException>(() => leased.WithRotationAsync(RefuseAsync, null, Cancellation));
        Assert.Equal(2, _source.Leases.Count);
    }

    private static Task<string> RefuseAsync(SecretValue value, CancellationToken cancellation) =>
        throw new HttpRequestException("no", null, HttpStatusCode.Unauthorized);

    private Task<string> LogInAsync(SecretValue value, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _runs);
        return value["value"] == _accepted
            ? Task.FromResult("done with " + value["value"])
            : RefuseAsync(value, cancellation);
    }

    private async Task WarmAsync()
    {
        await _secret.WithRotationAsync(LogInAsync, null, Cancellation);
        await _time.PassAsync(TimeSpan.FromSeconds(2), _secret);
    }

    private void Rotate(string value)
    {
        _source.Set(App, value);
        _accepted = value;
    }
}
