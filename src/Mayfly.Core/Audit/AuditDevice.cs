using Mayfly.Crypto;
using Mayfly.Crypto.Audit;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Audit;

/// <summary>
/// A device that takes entries, and the queue before it. Entries go in from any thread; one writer at a time takes
/// everything that waits, and writes it as one group. For a plain file the writer is whoever finds none at work: it writes
/// its own entry without a change of threads, and what others put in meanwhile. While the device has failed nothing goes
/// in, so it delays nobody; it is tried again with growing pauses. Safe for concurrent use.
/// </summary>
internal sealed class AuditDevice : IAsyncDisposable, IThreadPoolWorkItem
{
    /// <summary>More than this may not wait: a device that is so far behind gets no more.</summary>
    private const int QueueLimit = 16 * 1024 * 1024;

    /// <summary>Groups that a request writes for others before it hands them to the thread pool and goes on.</summary>
    private const int InlineGroups = 4;

    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly AuditContext _context;
    private readonly AuditSink _sink;
    private readonly SecretBytes _key;
    private readonly DeviceWriter _writer;
    private readonly DeviceHealth _health;
    private readonly ITimer _retryTimer;
    private readonly SemaphoreSlim? _wake;
    private readonly List<TaskCompletionSource> _idle = [];
    private EntryQueue _filling = new();
    private EntryQueue _writing = new();
    private List<AuditWait>? _inFlight;
    private bool _active;
    private bool _checkpointDue;
    private bool _retryDue;
    private bool _closing;
    private bool _closed;
    private DateTimeOffset _lastCheckpoint;
    private long _writingSince;

    public AuditDevice(
        AuditDeviceRecord record,
        AuditSettings settings,
        AuditSink sink,
        AuditContext context,
        ChainPosition? known
    )
    {
        Record = record;
        Settings = settings;
        _key = context.DeriveKey($"audit-hmac:{record.Uuid}");
        Tokens = new TokenCache(settings.HmacAccessor);
        _context = context;
        _sink = sink;
        _writer = new DeviceWriter(record, sink, context, known);
        _health = new DeviceHealth(record.Path, context);
        _lastCheckpoint = context.Time.GetUtcNow();
        _retryTimer = context.Time.CreateTimer(_ => Retry(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (sink.Blocks)
        {
            _wake = new SemaphoreSlim(0);
            new Thread(Work) { IsBackground = true, Name = $"audit {record.Path}" }.Start();
        }
    }

    public AuditDeviceRecord Record { get; }

    public AuditSettings Settings { get; }

    public TokenCache Tokens { get; }

    public AuditHeaders Headers => _context.Headers;

    /// <summary>Hashes this device's strings.</summary>
    public Redactor NewRedactor() => new(_key.Span, Settings.LogRaw);

    /// <summary>Whether what it acknowledges is durable.</summary>
    public bool Durable => Settings.Fsync;

    public AuditStatus Status
    {
        get
        {
            lock (_gate)
            {
                return _health.Status(_writer.Remark);
            }
        }
    }

    /// <summary>Nobody writes at this moment.</summary>
    internal bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return !_active;
            }
        }
    }

    public ChainPosition Position => _writer.Position;

    /// <summary>The newest signed checkpoint as it stands in the log, or null.</summary>
    public byte[]? Head => _writer.Head;

    /// <summary>
    /// Puts one or two entries in. The last of them ends the wait of <paramref name="wait"/>; when the device takes
    /// nothing now, that happens at once.
    /// </summary>
    public void Enqueue(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, AuditWait wait)
    {
        var schedule = false;
        lock (_gate)
        {
            if (_health.Works && !_closing && Fits(first.Length, second.Length))
            {
                var now = _context.Time.GetTimestamp();
                if (!first.IsEmpty)
                {
                    _filling.Add(first, now);
                }

                if (!second.IsEmpty)
                {
                    _filling.Add(second, now);
                }

                _filling.Waits.Add(wait);
                schedule = !_active;
                _active = true;
                wait = null!;
            }
            else
            {
                _health.Lose((first.IsEmpty ? 0 : 1) + (second.IsEmpty ? 0 : 1));
                if (_health.Works && !_closing)
                {
                    _health.RemarkOverflow();
                }
            }
        }

        if (schedule && _wake is null)
        {
            Drain(InlineGroups);
        }
        else if (schedule)
        {
            Schedule();
        }
        else
        {
            wait?.Complete(Durable, recorded: false);
        }
    }

    /// <summary>Signs a checkpoint when there are entries since the last one, and notices a write that takes too long.</summary>
    public void Tick()
    {
        List<AuditWait>? stuck = null;
        lock (_gate)
        {
            var now = _context.Time.GetUtcNow();
            var isDue = (now - _lastCheckpoint).Duration() >= DeviceWriter.CheckpointPeriod;
            if (isDue && _writer.Unsigned > 0 && _health.Works)
            {
                _checkpointDue = true;
            }

            var since =
                _inFlight is not null ? _writingSince
                : _filling.Count > 0 ? _filling.Since
                : 0;
            if (_health.Works && since != 0 && _context.Time.GetElapsedTime(since) > Settings.WriteTimeout)
            {
                stuck = Fail($"a write took longer than {Settings.WriteTimeout.TotalSeconds:0.#} s");
                _sink.Abort();
            }
        }

        CompleteAll(stuck, recorded: false);
        Wake();
    }

    /// <summary>What this device shows instead of <paramref name="input"/>.</summary>
    public string Hash(string input)
    {
        using var redactor = new Redactor(_key.Span, raw: false);
        var line = new LineBuffer();
        redactor.Secret(line, input);
        return System.Text.Encoding.ASCII.GetString(line.Written[1..^1]);
    }

    /// <summary>Sends a test entry through. Null, or why the device did not take it.</summary>
    public async ValueTask<string?> TestAsync()
    {
        var line = new LineBuffer();
        line.Raw("{\"time\":"u8);
        line.Time(_context.Time.GetUtcNow());
        line.Raw(
            ",\"type\":\"request\",\"auth\":{},\"request\":{\"operation\":\"update\",\"path\":\"sys/audit/test\"}"u8
        );
        var wait = AuditWait.Rent(Durable ? 1 : 0, Durable ? 0 : 1);
        var task = wait.Task;
        Enqueue(line.Written, [], wait);
        try
        {
            var recorded = await task.AsTask().WaitAsync(Settings.WriteTimeout, _context.Time) is null;
            return recorded ? null : Status.Failure ?? "it takes nothing now";
        }
        catch (TimeoutException)
        {
            _sink.Abort();
            return $"it took longer than {Settings.WriteTimeout.TotalSeconds:0.#} s";
        }
    }

    /// <summary>Looks whether the file has been rotated, and follows. Ends when that has been done.</summary>
    public Task ReopenAsync() => CheckpointAsync();

    /// <summary>Signs what has been written so far, opening the device first where that is due.</summary>
    public Task CheckpointAsync()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_closed)
            {
                return Task.CompletedTask;
            }

            _idle.Add(done);
            _retryDue |= !_health.Works;
            _checkpointDue = true;
        }

        Wake();
        return done.Task;
    }

    /// <summary>Writes what waits and a last checkpoint, within a limit, and lets go of the device.</summary>
    public async ValueTask DisposeAsync()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_closing)
            {
                return;
            }

            _closing = true;
            _retryDue |= !_health.Works;
            _idle.Add(done);
        }

        Wake();
        try
        {
            await done.Task.WaitAsync(CloseLimit);
        }
        catch (TimeoutException)
        {
            _sink.Abort();
            _context.Log.LogWarning("audit device {Path} did not close in time", Record.Path);
            List<AuditWait>? stuck;
            lock (_gate)
            {
                stuck = Fail("it was closed");
            }

            CompleteAll(stuck, recorded: false);
        }

        await _retryTimer.DisposeAsync();
    }

    void IThreadPoolWorkItem.Execute() => Drain(int.MaxValue);

    private void Work()
    {
        while (!_closed)
        {
            _wake!.Wait();
            Drain(int.MaxValue);
        }
    }

    private void Retry()
    {
        lock (_gate)
        {
            _retryDue = true;
        }

        Wake();
    }

    private void Wake()
    {
        lock (_gate)
        {
            if (_active || _closed || !HasWork)
            {
                return;
            }

            _active = true;
        }

        Schedule();
    }

    private bool HasWork => (_health.Works ? _filling.Count > 0 || _checkpointDue : _retryDue) || _idle.Count > 0;

    private void Schedule()
    {
        if (_wake is null)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
        else
        {
            _wake.Release();
        }
    }

    private void Drain(int groups)
    {
        while (true)
        {
            if (groups-- == 0)
            {
                Schedule();
                return;
            }

            bool checkpoint;
            bool closing;
            long lost;
            TaskCompletionSource[] idle;
            lock (_gate)
            {
                if (!HasWork)
                {
                    _active = false;
                    return;
                }

                idle = _idle.Count == 0 ? [] : [.. _idle];
                _idle.Clear();
                closing = _closing;
                checkpoint = _checkpointDue || _retryDue || closing;
                _checkpointDue = _retryDue = false;
                (_filling, _writing) = (_writing, _filling);
                _inFlight = _writing.Waits;
                _writingSince = _context.Time.GetTimestamp();
                lost = _health.Lost;
                if (checkpoint)
                {
                    _lastCheckpoint = _context.Time.GetUtcNow();
                }
            }

            var error = Write(checkpoint, closing, lost);
            Finish(error, lost, error is null || _writer.Took ? 0 : _writing.Count);
            _writing.Clear();
            if (closing)
            {
                // Before anybody hears of it: who waits for the end may open the same file again.
                Close();
            }

            foreach (var done in idle)
            {
                done.SetResult();
            }

            if (closing)
            {
                return;
            }
        }
    }

    /// <summary>A bug in a sink must not take the server down, nor let a request pass unrecorded.</summary>
    private string? Write(bool checkpoint, bool closing, long lost)
    {
        try
        {
            return _writer.Write(_writing, checkpoint, closing, lost);
        }
#pragma warning disable CA1031
        catch (Exception e)
#pragma warning restore CA1031
        {
            _context.Log.LogError(e, "audit device {Path}: unexpected error", Record.Path);
            return "unexpected error; see the server's log";
        }
    }

    private void Finish(string? error, long lost, int dropped)
    {
        List<AuditWait>? waits;
        List<AuditWait>? others = null;
        lock (_gate)
        {
            waits = _inFlight;
            _inFlight = null;
            if (error is null)
            {
                _health.Recover(lost);
            }
            else
            {
                _health.Lose(dropped);
                others = Fail(error);
            }
        }

        AuditMetrics.GroupSeconds.Record(_context.Time.GetElapsedTime(_writingSince).TotalSeconds);
        CompleteAll(waits, error is null);
        CompleteAll(others, recorded: false);
    }

    private bool Fits(int first, int second) =>
        Math.Max(first, second) <= _sink.LongestLine - AuditChain.LongestTail
        && (_filling.Count == 0 || _filling.Bytes < QueueLimit);

    /// <summary>Marks it failed. Returns those who must be told; the caller does that outside the lock.</summary>
    private List<AuditWait>? Fail(string reason)
    {
        // Also when the writer was never reached: nobody else would come back to the device.
        _retryTimer.Change(_health.Fail(reason), Timeout.InfiniteTimeSpan);
        List<AuditWait> waits = [.. _inFlight ?? [], .. _filling.Waits];
        _inFlight = null;
        _filling.Waits.Clear();
        return waits;
    }

    private void Close()
    {
        List<AuditWait> waits;
        List<TaskCompletionSource> late;
        lock (_gate)
        {
            _closed = true;
            waits = [.. _filling.Waits];
            _filling.Clear();
            late = [.. _idle];
            _idle.Clear();
        }

        CompleteAll(waits, recorded: false);
        _writer.Dispose();
        _sink.Dispose();
        late.ForEach(static done => done.SetResult());
    }

    private void CompleteAll(List<AuditWait>? waits, bool recorded)
    {
        if (waits is null)
        {
            return;
        }

        foreach (var wait in waits)
        {
            wait.Complete(Durable, recorded);
        }
    }
}
