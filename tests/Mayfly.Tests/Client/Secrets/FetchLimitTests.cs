using Mayfly.Client.Secrets;

namespace Mayfly.Tests.Client.Secrets;

/// <summary>Reads that take too long.</summary>
public sealed class FetchLimitTests
{
    private readonly ManualTime _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_read_that_was_told_to_stop_ends_before_the_next_one_begins()
    {
        var source = new Slow();
        await using var secrets = Over(source);
        var first = secrets.Get("app").RefreshAsync(Cancellation);
        await source.Begun.WaitAsync(Cancellation);
        _time.Advance(TimeSpan.FromSeconds(5));
        await source.Told.Task.WaitAsync(Cancellation);
        // Long enough for a read that is not waited for to be given up.
        await Task.WhenAny(first, Task.Delay(100, Cancellation));
        Assert.False(first.IsCompleted);

        source.MayEnd.SetResult();
        var failure = await Assert.ThrowsAsync<SecretSourceException>(() => first);
        Assert.Equal(SecretFailure.Unreachable, failure.Reason);
    }

    [Fact]
    public async Task A_read_that_does_not_listen_is_left_behind_soon()
    {
        var source = new Slow();
        await using var secrets = Over(source);
        var first = secrets.Get("app").RefreshAsync(Cancellation);
        await source.Begun.WaitAsync(Cancellation);
        _time.Advance(TimeSpan.FromSeconds(5));
        await source.Told.Task.WaitAsync(Cancellation);
        while (!first.IsCompleted)
        {
            // The wait for it may begin after the time has passed.
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(first, Task.Delay(5, Cancellation));
        }

        await Assert.ThrowsAsync<SecretSourceException>(() => first);
        source.MayEnd.SetResult();
    }

    private LiveSecrets Over(ISecretSource source) =>
        new(source, new LiveSecretsOptions { FetchTimeout = TimeSpan.FromSeconds(5), Time = _time });

    /// <summary>Hears that it shall stop, and takes its time.</summary>
    private sealed class Slow : ISecretSource
    {
        public TaskCompletionSource Told { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource MayEnd { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public SemaphoreSlim Begun { get; } = new(0);

        public string Id => "slow";

        public async Task<FetchedSecret> FetchAsync(string name, CancellationToken cancellationToken)
        {
            await using var told = cancellationToken.UnsafeRegister(_ => Told.TrySetResult(), null);
            Begun.Release();
            await MayEnd.Task;
            throw new OperationCanceledException(cancellationToken);
        }
    }
}
