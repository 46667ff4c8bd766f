using Microsoft.Extensions.Logging;

namespace Mayfly.Client.Secrets;

/// <summary>Listens for changes for as long as the program runs, and tries again whenever it cannot. Safe for concurrent use.</summary>
internal sealed class ChangeWatch(IWatchableSecretSource source, LiveSecrets owner)
{
    /// <summary>A source that refuses to tell changes is asked again, since rights may have been given meanwhile.</summary>
    private static readonly TimeSpan AfterRefusal = TimeSpan.FromMinutes(5);

    private int _isStarted;
    private volatile bool _isListening;
    private volatile SecretSourceException? _failure;

    public bool IsListening => _isListening;

    public SecretSourceException? Failure => _failure;

    /// <summary>Starts it, the first time that it is called.</summary>
    public void Start()
    {
        if (Volatile.Read(ref _isStarted) == 0 && Interlocked.Exchange(ref _isStarted, 1) == 0)
        {
            _ = RunAsync(owner.Stop);
        }
    }

    private async Task RunAsync(CancellationToken stop)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var failures = 0;
        try
        {
            while (true)
            {
                var failure = await ListenAsync(() => failures = 0, stop);
                _failure = failure;
                _isListening = false;
                owner.Options.Logger?.LogWarning("Changes of secrets cannot be heard of: {Failure}", failure.Message);
                owner.Poll();
                failures++;
                var wait = failure.Reason is SecretFailure.Unreachable or SecretFailure.Throttled
                    ? RefreshSchedule.Retry(failures, owner.Options.LongestBackOff, failure.RetryAfter)
                    : AfterRefusal - RefreshSchedule.Spread(AfterRefusal / 5);
                await Task.Delay(wait, owner.Options.Time, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            _isListening = false;
        }
    }

    /// <summary>Listens until that fails.</summary>
    private async Task<SecretSourceException> ListenAsync(Action heard, CancellationToken stop)
    {
        try
        {
            await foreach (var change in source.WatchAsync(stop))
            {
                if (change.IsInterruption)
                {
                    _failure = new SecretSourceException(
                        SecretFailure.Unreachable,
                        $"{source.Id} is being listened to anew."
                    );
                    _isListening = false;
                    owner.Poll();
                    continue;
                }

                _isListening = true;
                _failure = null;
                heard();
                if (!change.IsResumption)
                {
                    owner.Notice(change);
                }
            }

            stop.ThrowIfCancellationRequested();
            return new SecretSourceException(SecretFailure.Unreachable, $"{source.Id} has stopped telling.");
        }
        catch (SecretSourceException failure)
        {
            return failure;
        }
        catch (Exception unforeseen) when (unforeseen is not OperationCanceledException)
        {
            return new SecretSourceException(
                SecretFailure.Unreachable,
                $"{source.Id} failed with {unforeseen.GetType().Name}.",
                unforeseen
            );
        }
    }
}
