using Microsoft.Extensions.Logging;

namespace Mayfly.Client.Secrets;

/// <summary>
/// Tells the source which version of one secret the program uses, in the background, until it has been taken or a newer one is
/// in use; and again with each read, since a server that was restarted has forgotten it. Safe for concurrent use.
/// </summary>
internal sealed class UseReport(LiveSecrets owner, string name)
{
    private readonly Lock _gate = new();
    private SecretValue? _used;
    private bool _isRunning;

    public void Use(SecretValue value)
    {
        if (!owner.Reports)
        {
            return;
        }

        lock (_gate)
        {
            if (ReferenceEquals(_used, value))
            {
                return;
            }

            _used = value;
            if (!_isRunning)
            {
                _isRunning = true;
                _ = RunAsync();
            }
        }
    }

    /// <summary>The secret has been read: says once more what is in use.</summary>
    /// <param name="read">What was read.</param>
    public void Repeat(SecretValue read)
    {
        lock (_gate)
        {
            // Without a name for its version the source would take what was read last for it.
            if (!_isRunning && _used is { } used && (used.Version is not null || ReferenceEquals(used, read)))
            {
                _isRunning = true;
                _ = RunAsync();
            }
        }
    }

    private async Task RunAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        SecretValue? told = null;
        var failures = 0;
        try
        {
            while (Next(told) is { } value)
            {
                failures = await TryTellAsync(value) ? 0 : failures + 1;
                told = failures == 0 ? value : told;
                if (failures > 0)
                {
                    await Task.Delay(
                        RefreshSchedule.Retry(failures, owner.Options.LongestBackOff, asked: null),
                        owner.Options.Time,
                        owner.Stop
                    );
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The program ends; so does its use of the secret.
        }
    }

    private SecretValue? Next(SecretValue? told)
    {
        lock (_gate)
        {
            _isRunning = !ReferenceEquals(_used, told);
            return _isRunning ? _used : null;
        }
    }

    /// <summary>False when it is worth another try.</summary>
    private async Task<bool> TryTellAsync(SecretValue value)
    {
        try
        {
            await owner.Source.AcknowledgeAsync(name, value.Version, owner.Stop);
            return true;
        }
        catch (SecretSourceException failure)
        {
            owner.Options.Logger?.LogWarning(
                "{Secret}: the use of a version was not reported. {Failure}",
                name,
                failure.Message
            );
            return failure.Reason is not (SecretFailure.Unreachable or SecretFailure.Throttled);
        }
    }
}
