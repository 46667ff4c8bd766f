using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Tests.Client.Secrets;

/// <summary>What a program sees of a live secret, over the mock and on a clock that the test moves.</summary>
public sealed class LiveSecretTests : IAsyncDisposable
{
    private const string App = "secret/data/app";

    private readonly ManualTime _time = new();
    private readonly MockSecretSource _source;
    private LiveSecrets? _secrets;

    public LiveSecretTests() => _source = new MockSecretSource(_time);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_secrets is not null)
        {
            await _secrets.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_second_read_is_answered_without_the_source()
    {
        _source.Set(App, "one");
        var secret = Start().Get(App);
        Assert.Equal("one", (await secret.GetAsync(Cancellation))["value"]);
        Assert.True(secret.GetAsync(Cancellation).AsTask().IsCompletedSuccessfully);
        Assert.Equal("one", secret.Current["value"]);
        Assert.Single(_source.Fetches);
        Assert.Equal(SecretState.Fresh, secret.State);
    }

    [Fact]
    public void Reading_before_the_first_value_says_what_to_do()
    {
        var secret = Start().Get(App);
        var refusal = Assert.Throws<SecretUnavailableException>(() => secret.Current);
        Assert.Contains("await GetAsync", refusal.Message, StringComparison.Ordinal);
        Assert.False(secret.TryGetCurrent(out _));
        Assert.Empty(_source.Fetches);
    }

    [Fact]
    public async Task A_value_is_read_again_between_60_and_70_percent_of_its_ttl()
    {
        _source.Set(App, "one");
        var secret = Start().Get(App);
        await secret.GetAsync(Cancellation);
        await _time.PassAsync(TimeSpan.FromSeconds(179.9), secret);
        Assert.Single(_source.Fetches);
        await _time.PassAsync(TimeSpan.FromSeconds(30.2), secret);
        Assert.Equal(2, _source.Fetches.Count);
    }

    [Theory]
    [InlineData(60, 0.7, 42)]
    [InlineData(60, 0.5, 30)]
    [InlineData(12, 0.7, 10)]
    [InlineData(2, 0.7, 1.4)]
    public async Task Without_jitter_a_value_is_read_again_at_that_part_of_its_ttl_to_the_tick(
        double ttl,
        double part,
        double seconds
    )
    {
        _source.Set(App, "one");
        var options = new LiveSecretsOptions
        {
            Ttl = TimeSpan.FromSeconds(ttl),
            RefreshAt = part,
            Jitter = 0,
            Watch = false,
        };
        var secret = Start(options).Get(App);
        await secret.GetAsync(Cancellation);
        var due = TimeSpan.FromSeconds(seconds);

        _time.Advance(due - TimeSpan.FromMilliseconds(1));
        await secret.IdleAsync();
        Assert.Single(_source.Fetches);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await secret.IdleAsync();
        Assert.Equal(2, _source.Fetches.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Bounds_of_for_ever_are_bounds_like_others(bool isTtl)
    {
        _source.Set(App, "one");
        var options = new LiveSecretsOptions { MaxStale = TimeSpan.MaxValue };
        var secret = Start(isTtl ? options with { Ttl = TimeSpan.MaxValue } : options).Get(App);

        Assert.Equal("one", (await secret.GetAsync(Cancellation))["value"]);
        _source.Fail();
        await _time.PassAsync(TimeSpan.FromDays(1), secret);

        Assert.Equal("one", secret.Current["value"]);
    }

    [Fact]
    public async Task Stale_values_are_served_to_the_bound_and_not_beyond()
    {
        _source.Set(App, "one");
        var secret = Start(new() { MaxStale = TimeSpan.FromMinutes(1), Watch = false }).Get(App);
        await secret.GetAsync(Cancellation);
        _source.Fail();
        await _time.PassAsync(TimeSpan.FromSeconds(359.9), secret);
        Assert.Equal("one", secret.Current["value"]);
        Assert.Equal(SecretState.Stale, secret.State);
        Assert.Equal(SecretFailure.Unreachable, secret.LastFailure!.Reason);

        await _time.PassAsync(TimeSpan.FromSeconds(0.2), secret);
        var gone = Assert.Throws<SecretExpiredException>(() => secret.Current);
        Assert.Equal(SecretFailure.Unreachable, gone.Reason);
        Assert.Equal(SecretState.Expired, secret.State);

        _source.Recover();
        await _time.PassAsync(TimeSpan.FromSeconds(30), secret);
        Assert.Equal("one", secret.Current["value"]);
        Assert.Equal(SecretState.Fresh, secret.State);
        Assert.Null(secret.LastFailure);
    }

    [Fact]
    public async Task Concurrent_first_reads_share_one_request()
    {
        _source.Set(App, "one");
        _source.Hold();
        var secrets = Start();
        var reads = Enumerable.Range(0, 100).Select(_ => secrets.GetAsync(App, Cancellation).AsTask()).ToList();
        _source.Release();
        Assert.All(await Task.WhenAll(reads), value => Assert.Equal("one", value["value"]));
        Assert.Single(_source.Fetches);
    }

    [Fact]
    public async Task A_change_is_told_by_event_token_and_wait()
    {
        _source.Set(App, "one");
        var secret = Start(new()).Get(App);
        var first = await secret.GetAsync(Cancellation);
        var told = new TaskCompletionSource<SecretChangedEventArgs>();
        secret.Changed += (_, change) => told.TrySetResult(change);
        var token = secret.GetChangeToken();
        var called = new TaskCompletionSource();
        using var registration = token.RegisterChangeCallback(_ => called.TrySetResult(), null);
        var wait = secret.WaitForChangeAsync(first, Cancellation);
        Assert.False(token.HasChanged);

        _source.Set(App, "two");
        await _time.PassUntilAsync(() => wait.IsCompleted);
        Assert.Equal("two", (await wait)["value"]);
        var change = await told.Task.WaitAsync(Cancellation);
        Assert.Same(first, change.Previous);
        Assert.Equal("two", change.Value["value"]);
        Assert.NotEqual(first.VersionHash, change.Value.VersionHash);
        Assert.Matches("^[0-9a-f]{8}$", change.Value.VersionHash);
        await called.Task.WaitAsync(Cancellation);
        Assert.True(token.HasChanged);
    }

    [Fact]
    public async Task A_refresh_that_finds_the_same_is_no_change()
    {
        _source.Set(App, "one");
        var secret = Start().Get(App);
        var first = await secret.GetAsync(Cancellation);
        secret.Changed += (_, _) => Assert.Fail("nothing has changed");
        await _time.PassAsync(TimeSpan.FromSeconds(210), secret);
        Assert.Equal(2, _source.Fetches.Count);
        Assert.Same(first, secret.Current);
    }

    [Fact]
    public async Task After_invalidation_a_read_waits_for_the_next_value()
    {
        _source.Set(App, "one");
        var secret = Start(new() { Watch = false }).Get(App);
        await secret.GetAsync(Cancellation);
        _source.Set(App, "two");
        Assert.Equal("one", secret.Current["value"]);

        await _time.PassAsync(TimeSpan.FromSeconds(1), secret);
        _secrets!.Invalidate(App);
        Assert.Equal("two", (await secret.GetAsync(Cancellation))["value"]);
        Assert.Equal("two", secret.Current["value"]);
    }

    private LiveSecrets Start(LiveSecretsOptions? options = null) =>
        _secrets = new LiveSecrets(
            _source,
            (options ?? new LiveSecretsOptions { Watch = false }) with
            {
                Time = _time,
            }
        );
}
