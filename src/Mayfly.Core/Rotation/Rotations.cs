using Mayfly.Core.Consumers;
using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Rotation;

/// <summary>
/// Runs rotations: when they come due, when somebody asks, and when a consumer that was waited for has changed over. One at a
/// time per name, and a limited number at all. Safe for concurrent use.
/// </summary>
internal sealed class Rotations(RotationContext context) : IAsyncDisposable
{
    /// <summary>So many run at once; more would crowd out the requests.</summary>
    private const int AtOnce = 16;

    /// <summary>So many may stand in line; what comes due beyond that is offered again by the index of due records.</summary>
    private const int InLine = 1_024;

    /// <summary>What a time service corrects without being noticed.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(1);

    private readonly Dictionary<RotationId, Line> _running = [];
    private readonly SemaphoreSlim _slots = new(AtOnce, AtOnce);
    private readonly CancellationTokenSource _stop = new();
    private (DateTimeOffset Shown, long At)? _clock;

    public RotationRecords Records => context.Records;

    public ConsumerBook Consumers => context.Consumers;

    public TimeProvider Time => context.Time;

    /// <inheritdoc cref="RotationContext.FindAsync"/>
    public ValueTask<RotationTarget?> FindAsync(RotationId id, RotationRecord record, CancellationToken cancellation) =>
        context.FindAsync(id, record, cancellation);

    /// <summary>Puts what waits for consumers on offer again.</summary>
    public async ValueTask StartAsync(CancellationToken cancellation)
    {
        foreach (var id in await Records.WaitingAsync(cancellation))
        {
            Wake(id);
        }
    }

    /// <summary>
    /// To be called every few minutes: when the clock may have been ahead, brings the rotations that were stored then back within
    /// reach. Nothing is lost if the clock is wrong only now: a rotation then begins early.
    /// </summary>
    public async ValueTask LookAtClockAsync(ILogger log, CancellationToken cancellation)
    {
        var now = Time.GetUtcNow();
        var wasRight = _clock is { } before && now - before.Shown > Time.GetElapsedTime(before.At) - Slack;
        _clock = (now, Time.GetTimestamp());
        if (wasRight)
        {
            return;
        }

        foreach (var id in await Records.AllAsync(cancellation))
        {
            var (record, version) = await Records.GetAsync(id, cancellation);
            if (record is null || record.By(now) is var mended && mended == record)
            {
                continue;
            }

            if ((await Records.SaveAsync(id, mended, version, cancellation)).Succeeded)
            {
                log.LogWarning(
                    "the clock was ahead of {Now:u} when a rotation was stored: it is due {Due:u} at the latest",
                    now,
                    mended.Due()
                );
            }
        }
    }

    /// <summary>A record has come due. Returns at once; it stays due until the run has stored what is next.</summary>
    public void OnDue(StoreKey key)
    {
        bool isFull;
        lock (_running)
        {
            isFull = _running.Count >= InLine;
        }

        if (!isFull && Records.View.PathOf(key) is { } path && RotationId.From(path) is { } id)
        {
            Wake(id);
        }
    }

    /// <summary>Takes a rotation as far as it goes now. It looks at what is stored after this call, also when it runs already.</summary>
    public Task RunAsync(RotationId id)
    {
        lock (_running)
        {
            if (_running.TryGetValue(id, out var line))
            {
                line.Again = true;
            }
            else
            {
                line = new Line();
                _running.Add(id, line);
                line.Task = Task.Run(() => RunAloneAsync(id, line));
            }

            return line.Task;
        }
    }

    /// <summary>
    /// Has a rotation begin now. An emergency does not wait for consumers, also when the rotation is under way already.
    /// </summary>
    /// <param name="id">Which.</param>
    /// <param name="request">Why, and how urgent.</param>
    /// <param name="cancellation">Ends the waiting; the rotation goes on.</param>
    /// <returns>Where it stands when it is done, has gone back, or waits.</returns>
    public async ValueTask<(RotationRecord? Record, Fault? Fault)> RotateAsync(
        RotationId id,
        RotationRequest request,
        CancellationToken cancellation
    )
    {
        if (await AskAsync(id, request, cancellation) is { } refused)
        {
            return (null, refused);
        }

        await RunAsync(id).WaitAsync(cancellation);
        var (record, _) = await Records.GetAsync(id, cancellation);
        return record switch
        {
            null => (null, Fault.NotFound("there is nothing to rotate any more")),
            { Step: RotationStep.Retire, StepFailures: > 0 } => (
                record,
                Fault.Unavailable(
                    $"the secret was rotated, but its old credential has not ended yet: {record.LastError}"
                )
            ),
            { IsUnderWay: false, LastError.Length: > 0 } or { Step: RotationStep.Revert } or { StepFailures: > 0 } => (
                record,
                Fault.Unavailable($"the secret was not rotated: {Why(record)}")
            ),
            _ => (record, null),
        };
    }

    /// <summary>What the mount's engine sees of all this.</summary>
    public IRotations ForMount(string uuid) => new MountRotations(this, uuid);

    /// <summary>Ends when nothing runs. For tests, which move the clock.</summary>
    public async Task IdleAsync()
    {
        while (true)
        {
            Task[] running;
            lock (_running)
            {
                running = [.. _running.Values.Select(line => line.Task)];
            }

            if (running.Length == 0)
            {
                return;
            }

            await Task.WhenAll(running);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await IdleAsync();
        _stop.Dispose();
        _slots.Dispose();
    }

    private static string Why(RotationRecord record) =>
        record.Step == RotationStep.Revert && record.Attempt!.Error.Length > 0
            ? $"{record.Attempt.Error}; going back has not succeeded yet: {record.LastError}"
            : record.LastError;

    private async Task RunAloneAsync(RotationId id, Line line)
    {
        do
        {
            try
            {
                await _slots.WaitAsync(_stop.Token);
                try
                {
                    await new RotationRun(context, id, () => Wake(id)).RunAsync(_stop.Token);
                }
                finally
                {
                    _slots.Release();
                }
            }
            catch (OperationCanceledException)
            {
                // Sealing: what is stored is taken up at the next unseal.
            }
            catch (Exception e)
            {
                context.Log.LogError(e, "a rotation could not go on; it is tried again");
            }
        } while (!IsAtEnd(id, line));
    }

    private bool IsAtEnd(RotationId id, Line line)
    {
        lock (_running)
        {
            if (line.Again && !_stop.IsCancellationRequested)
            {
                line.Again = false;
                return false;
            }

            return _running.Remove(id);
        }
    }

    private void Wake(RotationId id) => _ = RunAsync(id);

    private async ValueTask<Fault?> AskAsync(RotationId id, RotationRequest request, CancellationToken cancellation)
    {
        while (true)
        {
            var (record, version) = await Records.GetAsync(id, cancellation);
            if (record is null)
            {
                return Fault.NotFound("there is no such rotation");
            }

            if (record.IsUnderWay && !request.Emergency)
            {
                return Fault.Conflict(
                    $"a rotation is under way (step {RotationText.Of(record.Step)}); wait for its end, or make it an emergency"
                );
            }

            var asked = record.Step switch
            {
                // What goes back goes back first.
                RotationStep.Idle or RotationStep.Retire or RotationStep.Revert => record with { Request = request },
                _ => record with { Attempt = record.Attempt! with { Emergency = true, Reason = request.Reason } },
            };
            var result = await Records.SaveAsync(id, asked with { NotBefore = null }, version, cancellation);
            if (result.Status != CommitStatus.Conflict)
            {
                return result.Succeeded ? null : Fault.From(result);
            }
        }
    }

    /// <summary>A rotation that runs, and whether it is to look again before it ends.</summary>
    private sealed class Line
    {
        public Task Task { get; set; } = Task.CompletedTask;

        public bool Again { get; set; }
    }
}
