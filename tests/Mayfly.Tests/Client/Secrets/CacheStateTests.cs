using FsCheck;
using FsCheck.Fluent;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Tests.Client.Secrets;

/// <summary>
/// The cache as a machine of states: whatever happens in whatever order, a value is never served beyond its bound, a secret is
/// never read twice at once, what is served was current within the bound, and it recovers by itself.
/// </summary>
public sealed class CacheStateTests
{
    private const string App = "secret/data/app";
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan MaxStale = TimeSpan.FromSeconds(45);

    /// <summary>One thing that can happen.</summary>
    private enum Step
    {
        PassSecond,
        PassTenSeconds,
        PassMinute,
        Fail,
        Deny,
        Recover,
        Set,
        SetUnheard,
        Lose,
        Invalidate,
        Refresh,
        Get,
        Hold,
        Release,
        FailWatching,
        JumpForward,
        JumpBack,
    }

    [Fact]
    public void Invariants_hold_whatever_happens()
    {
        Prop.ForAll(
                Gen.Elements(Enum.GetValues<Step>()).NonEmptyListOf().Select(steps => steps.ToArray()).ToArbitrary(),
                steps => RunAsync(steps).GetAwaiter().GetResult()
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(50).WithEndSize(60));
    }

    private static async Task RunAsync(Step[] steps)
    {
        var time = new ManualTime();
        var source = new MockSecretSource(time);
        var watch = true;
        var value = 0;
        // When each value was the current one for the last time; the newest still is.
        var replacedAt = new Dictionary<string, long>(StringComparer.Ordinal);
        Set();
        source.Set(App, Text(value));
        await using var secrets = new LiveSecrets(
            source,
            new LiveSecretsOptions
            {
                Ttl = Ttl,
                MaxStale = MaxStale,
                FetchTimeout = TimeSpan.FromSeconds(5),
                Time = time,
            }
        );
        var secret = secrets.Get(App);
        foreach (var step in steps)
        {
            await DoAsync(step);
            Check();
        }

        // In the end it recovers, whatever the state was.
        source.Recover();
        source.Release();
        for (var i = 0; i < 600 && !IsRight(); i++)
        {
            await PassAsync(TimeSpan.FromSeconds(2));
            _ = secret.State == SecretState.Cold ? Observe(secret.GetAsync().AsTask()) : null;
            // What is not under way yet needs a thread to begin on.
            await Task.Delay(1);
        }

        Assert.Equal(Text(value), secret.Current["value"]);
        Assert.Null(secret.LastFailure);

        bool IsRight() =>
            secret.LastFailure is null && secret.TryGetCurrent(out var now) && now["value"] == Text(value);

        void Set()
        {
            replacedAt[Text(value)] = time.GetTimestamp();
            value++;
        }

        async Task DoAsync(Step step)
        {
            switch (step)
            {
                case Step.PassSecond:
                    await PassAsync(TimeSpan.FromSeconds(1));
                    break;
                case Step.PassTenSeconds:
                    await PassAsync(TimeSpan.FromSeconds(10));
                    break;
                case Step.PassMinute:
                    await PassAsync(TimeSpan.FromSeconds(60));
                    break;
                case Step.Fail:
                    source.Fail();
                    break;
                case Step.Deny:
                    source.Fail(SecretFailure.Denied);
                    break;
                case Step.Recover:
                    source.Recover();
                    break;
                case Step.Set or Step.SetUnheard:
                    if (step == Step.SetUnheard)
                    {
                        source.FailWatching(SecretFailure.Unreachable);
                        watch = false;
                    }

                    Set();
                    source.Set(App, Text(value));
                    break;
                case Step.Lose:
                    source.Tell(SecretChange.Everything);
                    break;
                case Step.Invalidate:
                    secret.Invalidate();
                    break;
                case Step.Refresh:
                    _ = Observe(secret.RefreshAsync());
                    break;
                case Step.Get:
                    _ = Observe(secret.GetAsync().AsTask());
                    break;
                case Step.Hold:
                    source.Hold();
                    break;
                case Step.Release:
                    source.Release();
                    break;
                case Step.FailWatching:
                    source.FailWatching(watch ? SecretFailure.Unreachable : null);
                    watch = !watch;
                    break;
                case Step.JumpForward:
                    time.Jump(TimeSpan.FromHours(1));
                    break;
                case Step.JumpBack:
                    time.Jump(-TimeSpan.FromHours(1));
                    break;
            }
        }

        async Task PassAsync(TimeSpan by)
        {
            for (var left = by; left > TimeSpan.Zero; left -= TimeSpan.FromSeconds(1))
            {
                time.Advance(TimeSpan.FromSeconds(1));
                // A read that is held goes on; any other one ends.
                await Task.WhenAny(secret.IdleAsync(), Task.Delay(2));
                Check();
            }
        }

        void Check()
        {
            Assert.True(source.MostInFlight <= 1, "two reads of one secret at once");
            if (!secret.TryGetCurrent(out var served))
            {
                return;
            }

            Assert.True(secret.Age <= Ttl + MaxStale, $"served at the age of {secret.Age}");
            if (replacedAt.TryGetValue(served["value"], out var at))
            {
                // It was the current one when it was read, so it was replaced within the bound.
                var since = time.GetElapsedTime(at);
                Assert.True(since <= Ttl + MaxStale, $"{served["value"]} was replaced {since} ago");
            }
        }
    }

    private static string Text(int value) => $"value {value}";

    private static async Task Observe(Task task) => await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
