namespace Mayfly.Client.Secrets;

/// <summary>
/// Runs one thing at a time for however many ask for it. Who asks for a run that begins afterwards waits for the next one,
/// which all who ask meanwhile share. Safe for concurrent use.
/// </summary>
/// <param name="run">The thing. Told to stop by the token; does not throw otherwise.</param>
/// <param name="interval">The least time from the begin of one run to a run that somebody asks for.</param>
/// <param name="time">The clock; only its monotonic side is used.</param>
/// <param name="stop">Ends waits.</param>
internal sealed class SingleFlight<T>(
    Func<CancellationToken, Task<T>> run,
    TimeSpan interval,
    TimeProvider time,
    CancellationToken stop
)
{
    private readonly Lock _gate = new();
    private Task<T>? _running;
    private Task<T>? _next;
    private long? _begun;

    /// <summary>The run under way, or null.</summary>
    public Task<T>? Running
    {
        get
        {
            lock (_gate)
            {
                return _running;
            }
        }
    }

    /// <summary>A run that begins now, or after the one that is under way.</summary>
    public Task<T> Now()
    {
        lock (_gate)
        {
            return _running is null ? Begin() : Next();
        }
    }

    /// <summary>The run under way, or one that begins as soon as the interval allows.</summary>
    public Task<T> Soon()
    {
        lock (_gate)
        {
            return _running ?? Next();
        }
    }

    /// <summary>A run that begins after this call, as soon as the interval allows.</summary>
    public Task<T> Afterwards()
    {
        lock (_gate)
        {
            return Next();
        }
    }

    /// <summary>Ends when nothing runs.</summary>
    public async Task IdleAsync()
    {
        while (Running is { } running)
        {
            await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private Task<T> Next()
    {
        if (_next is not null)
        {
            return _next;
        }

        return _running is null && Wait() <= TimeSpan.Zero ? Begin() : _next = NextAsync(_running);
    }

    private TimeSpan Wait() => _begun is { } begun ? interval - time.GetElapsedTime(begun) : TimeSpan.Zero;

    private Task<T> Begin()
    {
        _begun = time.GetTimestamp();
        return _running = RunAsync();
    }

    private async Task<T> RunAsync()
    {
        // Away from the caller, who holds the gate, and from whatever thread it came on.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            return await run(stop).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                _running = null;
            }
        }
    }

    private async Task<T> NextAsync(Task<T>? before)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (true)
        {
            if (before is not null)
            {
                await ((Task)before).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            TimeSpan wait;
            lock (_gate)
            {
                before = _running;
                wait = Wait();
                if (before is null && wait <= TimeSpan.Zero)
                {
                    _next = null;
                    before = Begin();
                    wait = TimeSpan.MinValue;
                }
            }

            if (wait == TimeSpan.MinValue)
            {
                return await before!.ConfigureAwait(false);
            }

            if (before is null)
            {
                await Task.Delay(wait, time, stop).ConfigureAwait(false);
            }
        }
    }
}
