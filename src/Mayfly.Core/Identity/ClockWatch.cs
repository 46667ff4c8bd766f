using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Identity;

/// <summary>
/// Has the clock looked at every few minutes while the vault is unsealed, by all who would be misled when it was wrong.
/// </summary>
internal sealed class ClockWatch(
    TimeProvider time,
    ILogger log,
    params IReadOnlyList<Func<ILogger, CancellationToken, ValueTask>> lookers
) : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(5);

    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    /// <summary>Looks at once, and then periodically.</summary>
    public void Start() => _loop = Task.Run(RunAsync);

    /// <summary>Looks now. For tests, which move the clock.</summary>
    public async ValueTask LookAsync(CancellationToken cancellation)
    {
        foreach (var look in lookers)
        {
            await look(log, cancellation);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            do
            {
                try
                {
                    await LookAsync(_stop.Token);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    log.LogError(e, "looking at the clock failed; trying again later");
                }
            } while (await timer.WaitForNextTickAsync(_stop.Token));
        }
        catch (OperationCanceledException)
        {
            // Sealed.
        }
    }
}
