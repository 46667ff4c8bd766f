using Mayfly.Core.Consumers;
using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Rotation;

/// <summary>What every run needs. Immutable.</summary>
internal sealed record RotationContext(
    RotationRecords Records,
    Func<RotationId, RotationRecord, CancellationToken, ValueTask<RotationTarget?>> FindAsync,
    ConsumerBook Consumers,
    RotationAudit Audit,
    TimeProvider Time,
    ILogger Log
);

/// <summary>
/// The state machine: takes one rotation as far as it goes now. Each step is stored before it is carried out, and what came of it
/// after, so that a run which ends anywhere is taken up by the next. Only one run per rotation at a time.
/// </summary>
internal sealed partial class RotationRun(RotationContext context, RotationId id, Action wake)
{
    /// <summary>No step may take longer.</summary>
    public static readonly TimeSpan StepLimit = TimeSpan.FromMinutes(2);

    private RotationEntry? _entry;
    private string _error = "";
    private RotationTarget _target = null!;

    public async Task RunAsync(CancellationToken cancellation)
    {
        RotationRecord? last = null;
        try
        {
            while (true)
            {
                var (record, version) = await context.Records.GetAsync(id, cancellation);
                last = record;
                if (record is null || !IsAwake(record))
                {
                    return;
                }

                if (await context.FindAsync(id, record, cancellation) is not { } target)
                {
                    await context.Records.RemoveAsync(id, version, cancellation);
                    return;
                }

                _target = target;
                var next = await AdvanceAsync(record, cancellation);
                if (ReferenceEquals(next, record))
                {
                    return;
                }

                var result = next is null
                    ? await context.Records.RemoveAsync(id, version, cancellation)
                    : await context.Records.SaveAsync(id, next, version, cancellation);
                if (result.Status == Storage.CommitStatus.Unavailable)
                {
                    // It is still due, and taken up again.
                    context.Log.LogWarning("a rotation cannot be stored: {Reason}", result.Reason);
                    return;
                }

                if (result.Succeeded)
                {
                    last = next;
                    Tell(record, next);
                }
            }
        }
        finally
        {
            if (_entry is not null)
            {
                await RotationAudit.EndAsync(_entry, last, _error);
            }
        }
    }

    /// <summary>Tells the readers of the secret, once it is stored.</summary>
    private void Tell(RotationRecord before, RotationRecord? after)
    {
        if (after?.Attempt is not { } attempt)
        {
            return;
        }

        if (after.Step == RotationStep.Wait && attempt.WaitingSince != before.Attempt?.WaitingSince)
        {
            _target.Tell("rotation/offer", attempt.Version);
        }
        else if (after.CurrentVersion != before.CurrentVersion)
        {
            _target.Tell("rotation/promote", attempt.Version);
        }
        else if (before.Step == RotationStep.Revert && after.Step == RotationStep.Idle)
        {
            _target.Tell("rotation/revert", attempt.Version);
        }
    }

    private DateTimeOffset Now => context.Time.GetUtcNow();

    /// <summary>Whoever waits is looked at whenever something may have changed.</summary>
    private bool IsAwake(RotationRecord record) => record.Step == RotationStep.Wait || record.Due() <= Now;

    /// <summary>The record after the next step; the same one when there is nothing to do yet, null when the target is gone.</summary>
    private async ValueTask<RotationRecord?> AdvanceAsync(RotationRecord record, CancellationToken cancellation)
    {
        if (record.Step == RotationStep.Wait)
        {
            return await WaitAsync(record, cancellation);
        }

        if (record.Step == RotationStep.Idle && MissedWindow(record) is { } missed)
        {
            return missed;
        }

        if (await AuditAsync(record) is { } unrecorded)
        {
            return unrecorded;
        }

        return record.Step switch
        {
            RotationStep.Idle => Begin(record),
            RotationStep.Create => await CreateAsync(record, cancellation),
            RotationStep.Set => await ForwardAsync(record, RotationStep.Test, Rotator.SetAsync, cancellation),
            RotationStep.Test => await ForwardAsync(record, AfterTest(record), Rotator.TestAsync, cancellation),
            RotationStep.Promote => await PromoteAsync(record, cancellation),
            RotationStep.Retire => await RetireAsync(record, cancellation),
            _ => await RevertAsync(record, cancellation),
        };
    }

    /// <summary>Nothing is done that is not on record: without an audit the rotation pauses where it is.</summary>
    private async ValueTask<RotationRecord?> AuditAsync(RotationRecord record)
    {
        if (_entry is not null)
        {
            return null;
        }

        (_entry, var fault) = await context.Audit.BeginAsync(_target.Name, record);
        if (fault is null)
        {
            return null;
        }

        var failures = record.StepFailures + 1;
        return record with
        {
            StepFailures = failures,
            NotBefore = Now + Backoff.OfStep(failures),
            LastError = RotationText.Of(fault),
        };
    }

    /// <summary>What was due in a window that has passed waits for the next one.</summary>
    private RotationRecord? MissedWindow(RotationRecord record)
    {
        var now = Now;
        var schedule = record.Terms.Schedule;
        return record.Request is null && record.NextRotation is { } due && due <= now && !schedule.IsOpen(due, now)
            ? record with
            {
                NextRotation = schedule.After(now),
                LastError =
                    $"the window of {GoTime.Format(due)} passed without a rotation{(record.LastError.Length > 0 ? ": " + record.LastError : "")}",
            }
            : null;
    }

    private RotationRecord Begin(RotationRecord record)
    {
        var now = Now;
        var request = record.Request;
        return record with
        {
            Step = RotationStep.Create,
            Attempt = new RotationAttempt(
                Guid.NewGuid().ToString(),
                now,
                request?.Reason ?? RotationText.BySchedule,
                request is { Emergency: true }
            )
            {
                IsFirst = request is { IsFirst: true },
            },
            Request = null,
            NotBefore = null,
            StepFailures = 0,
        };
    }

    private async ValueTask<RotationRecord?> CreateAsync(RotationRecord record, CancellationToken cancellation)
    {
        var next = record.Terms.Mode == RotationMode.Coordinated ? RotationStep.Wait : RotationStep.Set;
        var (fault, _) = await CallAsync(record, Rotator.CreateAsync, cancellation);
        return fault switch
        {
            null => record with { Step = next },
            { Kind: FaultKind.NotFound } => null,
            _ => Failed(record, fault),
        };
    }

    private async ValueTask<RotationRecord?> ForwardAsync(
        RotationRecord record,
        RotationStep next,
        Func<SecretRotation, CancellationToken, ValueTask<Fault?>> step,
        CancellationToken cancellation
    )
    {
        var (fault, _) = await CallAsync(record, step, cancellation);
        return fault is null ? record with { Step = next } : Failed(record, fault);
    }

    private static RotationStep AfterTest(RotationRecord record) =>
        record.Terms.Mode == RotationMode.DualCredential ? RotationStep.Wait : RotationStep.Promote;

    private async ValueTask<RotationRecord?> PromoteAsync(RotationRecord record, CancellationToken cancellation)
    {
        var (fault, isUnknown) = await CallAsync(record, Rotator.PromoteAsync, cancellation);
        if (fault is not null)
        {
            return isUnknown ? Again(record, fault) : Failed(record, fault);
        }

        context.Consumers.Withdraw(_target.ReadPath);
        var now = Now;
        var attempt = record.Attempt!;
        var terms = record.Terms;
        var grace =
            attempt.Emergency || (terms.RetireAfter is null && terms.Mode != RotationMode.DualCredential)
                ? TimeSpan.Zero
                : terms.RetireAfter;
        return (
            record with
            {
                // With two users the old one simply has its turn next, unless it is to end before.
                Step = grace is null ? RotationStep.Idle : RotationStep.Retire,
                LookAgain = now + grace,
                StepFailures = 0,
                Failures = 0,
                NotBefore = null,
                LastError = "",
                CurrentVersion = attempt.Version,
                LastRotation = now,
                NextRotation = terms.Schedule.After(now),
            }
        ).WithHistory(OutcomeOf(attempt, now));
    }

    private async ValueTask<RotationRecord?> RetireAsync(RotationRecord record, CancellationToken cancellation)
    {
        var (fault, _) = await CallAsync(record, Rotator.RetireAsync, cancellation);
        return fault is { Kind: not FaultKind.NotFound }
            ? Again(record, fault)
            : record with
            {
                Step = RotationStep.Idle,
                LookAgain = null,
                NotBefore = null,
                StepFailures = 0,
                LastError = "",
            };
    }

    private async ValueTask<RotationRecord?> RevertAsync(RotationRecord record, CancellationToken cancellation)
    {
        var attempt = record.Attempt!;
        _error = attempt.Error;
        context.Consumers.Withdraw(_target.ReadPath);
        var (fault, _) = await CallAsync(record, Rotator.RevertAsync, cancellation);
        if (fault is not null)
        {
            return fault.Kind == FaultKind.NotFound ? null : Again(record, fault);
        }

        var now = Now;
        var failures = record.Failures + 1;
        context.Log.LogWarning("rotation of {Name} went back: {Reason}", _target.Name, attempt.Error);
        return (
            record with
            {
                Step = RotationStep.Idle,
                Failures = failures,
                StepFailures = 0,
                NotBefore = now + Backoff.OfAttempt(failures),
                LastError = attempt.Error,
                LookAgain = null,
                Awaited = [],
                // A leaked credential is not left as it is because one try failed.
                Request =
                    record.Request
                    ?? (attempt.Emergency ? new RotationRequest(now, attempt.Reason, Emergency: true) : null),
            }
        ).WithHistory(OutcomeOf(attempt, now));
    }

    private static RotationOutcome OutcomeOf(RotationAttempt attempt, DateTimeOffset now) =>
        new(attempt.Version, attempt.StartedAt, now, attempt.Reason, attempt.Emergency, attempt.Error);

    private IRotatesSecrets Rotator => _target.Rotator;

    private static RotationRecord Failed(RotationRecord record, Fault fault) =>
        record with
        {
            Step = RotationStep.Revert,
            Attempt = record.Attempt! with { Error = $"{RotationText.Of(record.Step)}: {RotationText.Of(fault)}" },
            NotBefore = null,
            StepFailures = 0,
        };

    /// <summary>The step stands until it succeeds.</summary>
    private RotationRecord Again(RotationRecord record, Fault fault)
    {
        _error = $"{RotationText.Of(record.Step)}: {RotationText.Of(fault)}";
        var failures = record.StepFailures + 1;
        return record with { StepFailures = failures, NotBefore = Now + Backoff.OfStep(failures), LastError = _error };
    }

    /// <summary>Carries out one step within its limit.</summary>
    /// <returns>Why it failed, or null; and whether that leaves open if it came about.</returns>
    private async ValueTask<(Fault? Fault, bool IsUnknown)> CallAsync(
        RotationRecord record,
        Func<SecretRotation, CancellationToken, ValueTask<Fault?>> step,
        CancellationToken cancellation
    )
    {
        using var limit = new CancellationTokenSource(StepLimit, context.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            return (await step(RotationOf(record), both.Token), false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return (Fault.Unavailable($"it took longer than {StepLimit.TotalSeconds:0} seconds"), true);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            context.Log.LogError(e, "a step of a rotation failed");
            return (Fault.Unavailable("internal error; the server's log says more"), true);
        }
    }

    private SecretRotation RotationOf(RotationRecord record) =>
        new(id.Target, record.Attempt!.Version, record.Attempt.StartedAt, record.Attempt.Emergency);
}
