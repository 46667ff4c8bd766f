using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Tests.Client.Secrets;

/// <summary>A thousand secrets under one identity, and a source that is down.</summary>
public sealed class ManySecretsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Refreshes_of_a_thousand_secrets_are_spread_over_the_window()
    {
        var (time, source, secrets, all) = await WarmAsync(new() { Watch = false });
        await using var _ = secrets;
        var begin = time.GetUtcNow();
        // The window of five minutes' TTL is from 180 s to 210 s.
        await StepAsync(time, all, TimeSpan.FromSeconds(179));
        Assert.Equal(1_000, source.Fetches.Count);
        await StepAsync(time, all, TimeSpan.FromSeconds(32));
        Assert.Equal(2_000, source.Fetches.Count);
        Assert.Equal(1, source.MostInFlight);

        var bySecond = source
            .Fetches.Skip(1_000)
            .GroupBy(fetch => (int)(fetch.At - begin).TotalSeconds)
            .Select(group => group.Count())
            .ToList();
        Assert.True(bySecond.Count >= 28, $"refreshed within {bySecond.Count} s");
        // 33 each second on average; that a fair spread has a second of twice that is less likely than 1 in 10^5.
        Assert.True(bySecond.Max() < 70, $"{bySecond.Max()} in one second");
    }

    [Fact]
    public async Task After_lost_events_all_are_read_again_over_ten_seconds()
    {
        var (time, source, secrets, all) = await WarmAsync(new());
        await using var _ = secrets;
        await time.PassUntilAsync(() => secrets.IsWatching);
        await StepAsync(time, all, TimeSpan.FromSeconds(11));
        var before = source.Fetches.Count;
        var begin = time.GetUtcNow();
        source.Tell(SecretChange.Everything);
        await time.PassUntilAsync(() => source.Fetches.Count > before);
        await StepAsync(time, all, TimeSpan.FromSeconds(11));
        var fetches = source.Fetches.Skip(before).ToList();
        Assert.Equal(1_000, fetches.Count);
        Assert.True(fetches.GroupBy(fetch => (int)(fetch.At - begin).TotalSeconds).Max(group => group.Count()) < 170);
    }

    [Fact]
    public async Task A_dead_source_is_not_hammered_and_recovery_needs_no_hand()
    {
        var (time, source, secrets, all) = await WarmAsync(
            new()
            {
                Watch = false,
                Ttl = TimeSpan.FromMinutes(1),
                MaxStale = TimeSpan.FromHours(1),
            }
        );
        await using var _ = secrets;
        source.Fail();
        await StepAsync(time, all, TimeSpan.FromMinutes(5));
        // A thousand secrets that are each tried every half minute would be ten thousand requests.
        var asked = source.Fetches.Count - 1_000;
        Assert.True(asked < 500, $"a source that was down for five minutes was asked {asked} times");
        Assert.All(all, secret => Assert.Equal(SecretState.Stale, secret.State));

        source.Recover();
        await StepAsync(time, all, TimeSpan.FromSeconds(75));
        Assert.All(all, secret => Assert.Equal(SecretState.Fresh, secret.State));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task A_clock_that_is_set_changes_nothing(int hours)
    {
        var time = new ManualTime();
        var source = new MockSecretSource(time);
        await using var secrets = new LiveSecrets(source, new LiveSecretsOptions { Watch = false, Time = time });
        var secret = secrets.Get("app");
        await secret.GetAsync(Cancellation);
        time.Jump(TimeSpan.FromHours(hours));
        await time.PassAsync(TimeSpan.FromSeconds(170), secret);
        Assert.Equal(SecretState.Fresh, secret.State);
        Assert.Single(source.Fetches);
        await time.PassAsync(TimeSpan.FromSeconds(41), secret);
        Assert.Equal(2, source.Fetches.Count);

        // The circuit breaker does not take part in it either: after a failure it closes again in time.
        source.Fail();
        var others = Enumerable.Range(0, 30).Select(i => secrets.Get($"other {i}")).ToList();
        foreach (var other in others)
        {
            await Assert.ThrowsAsync<SecretUnavailableException>(async () => await other.GetAsync(Cancellation));
        }

        Assert.Contains("is not asked", others[^1].LastFailure!.Message, StringComparison.Ordinal);
        time.Jump(TimeSpan.FromHours(hours));
        source.Recover();
        await time.PassAsync(TimeSpan.FromSeconds(45), others);
        Assert.All(others, other => Assert.Equal(SecretState.Fresh, other.State));
    }

    private static async Task<(ManualTime, MockSecretSource, LiveSecrets, List<LiveSecret>)> WarmAsync(
        LiveSecretsOptions options
    )
    {
        var time = new ManualTime();
        var source = new MockSecretSource(time);
        var secrets = new LiveSecrets(source, options with { Time = time });
        var all = Enumerable.Range(0, 1_000).Select(i => secrets.Get($"secret/data/{i}")).ToList();
        await Task.WhenAll(all.Select(secret => secret.GetAsync(Cancellation).AsTask()));
        return (time, source, secrets, all);
    }

    private static async Task StepAsync(ManualTime time, List<LiveSecret> all, TimeSpan by)
    {
        for (var left = by; left > TimeSpan.Zero; left -= TimeSpan.FromSeconds(1))
        {
            time.Leap(TimeSpan.FromSeconds(1));
            await Task.WhenAll(all.Select(secret => secret.IdleAsync()));
        }
    }
}
