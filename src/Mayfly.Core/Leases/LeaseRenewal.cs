using Mayfly.Core.Engines;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Leases;

/// <summary>Renewing leases: the engine prolongs what stands behind one, then the lease gets its new end. Safe for concurrent use.</summary>
internal sealed class LeaseRenewal(
    LeaseStore store,
    LeaseLocks locks,
    LateRenewals late,
    MountRegistry mounts,
    PrefixRevocations revocations,
    VaultOptions server,
    TimeProvider time
)
{
    /// <summary>How long an engine may take to renew one lease.</summary>
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(30);

    /// <summary>Gives a lease more time.</summary>
    /// <param name="path">Where the lease stands.</param>
    /// <param name="increment">How much from now; zero for as much as at first. The limits hold.</param>
    /// <param name="cancellation">Gives up.</param>
    public async ValueTask<Outcome> RenewAsync(string path, TimeSpan increment, CancellationToken cancellation)
    {
        using var held = await locks.HoldAsync(path, cancellation);
        var now = time.GetUtcNow();
        if (
            await store.FindAsync(path, cancellation) is not { } lease
            || revocations.Cover(lease.Entry.Generation, lease.Entry.Id, "")
        )
        {
            return Fault.Invalid("lease not found");
        }

        if (lease.Entry.State != LeaseState.Active || lease.Entry.ExpiresAt <= now)
        {
            return Fault.Invalid("lease expired");
        }

        var uuid = LeaseStore.MountOf(path);
        var mounted = mounts.ByUuid(uuid);
        if (!lease.Entry.Renewable || mounted?.Engine is not IIssuesLeases engine)
        {
            return Fault.Invalid("lease is not renewable");
        }

        var (end, warning) = LeaseLifetime.Renewed(lease.Entry, increment, mounted.Mount.Tuning, server, now);
        if (end <= now)
        {
            return Fault.Invalid("past the max TTL, cannot renew");
        }

        var renewed = lease.Entry with { ExpiresAt = end, LastRenewal = now };
        if (await CallAsync(engine, renewed, cancellation) is { } fault)
        {
            return fault;
        }

        // The engine has prolonged it, so what is stored must follow, also when the caller has gone.
        var batch = new Batch();
        store.Change(batch, lease, renewed);
        var result = await store.CommitAsync(batch, CancellationToken.None);
        if (time.GetUtcNow() >= lease.Entry.ExpiresAt)
        {
            late.Add(path);
        }

        if (!result.Succeeded)
        {
            return result.Status == CommitStatus.Conflict ? Fault.Invalid("lease expired") : Fault.From(result);
        }

        return new Response
        {
            LeaseId = renewed.Id,
            Renewable = renewed.Renewable,
            LeaseDuration = end - now,
            Warnings = warning is null ? [] : [warning],
        };
    }

    private async ValueTask<Fault?> CallAsync(IIssuesLeases engine, LeaseEntry lease, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(CallLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await engine.RenewAsync(lease.Leased, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Fault.Unavailable($"the lease was not renewed within {CallLimit.TotalSeconds} s");
        }
    }
}
