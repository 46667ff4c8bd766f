using System.Collections.Concurrent;
using Mayfly.Core.Engines;
using Mayfly.Core.Identity;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Leases;

/// <summary>
/// Has an engine issue what it planned, such that nothing outlives a crash: the intent is durable before the engine acts,
/// the lease before the reply leaves, and the intent goes only when the reply has left. Whatever an intent is still there
/// for at the next start was never handed to anybody, and is revoked. Safe for concurrent use.
/// </summary>
internal sealed class LeaseIssuer(
    LeaseStore store,
    LeaseRevoker revoker,
    TokenStore tokens,
    MountRegistry mounts,
    PrefixRevocations revocations,
    LeaseMetrics metrics,
    VaultOptions server,
    TimeProvider time,
    ILogger log
)
{
    /// <summary>No engine may take longer to make a credential, nor to undo it.</summary>
    public static readonly TimeSpan ActLimit = TimeSpan.FromSeconds(60);

    /// <summary>When an intent that nobody has cleared away is looked at, unless its request is still under way.</summary>
    private static readonly TimeSpan IntentLimit = TimeSpan.FromMinutes(5);

    /// <summary>How long a mount that is to go away waits for what is being issued there.</summary>
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(20);

    private const int Retries = 64;

    /// <summary>The intents whose requests have not ended; true when the reply has left, and only the deletion is missing.</summary>
    private readonly ConcurrentDictionary<string, bool> _underWay = new(StringComparer.Ordinal);

    /// <summary>
    /// Asked before anything is made, with the key of the lease's record: makes room for it among those that quotas hold for,
    /// or says why there is none. What it gives is disposed when the attempt is over.
    /// </summary>
    public Func<
        Mount,
        LeaseEntry,
        StoreKey,
        CancellationToken,
        ValueTask<(IDisposable? Slot, Fault? Fault)>
    >? Admit { get; set; }

    /// <summary>Plans, makes and stores what <paramref name="request"/> asks for.</summary>
    /// <param name="mounted">The engine.</param>
    /// <param name="planner">The row's planner.</param>
    /// <param name="request">The request.</param>
    /// <param name="cancellation">Gives up; what was made by then is undone.</param>
    /// <returns>The reply, whose <see cref="Response.Settle"/> must be called when it has left or has been given up.</returns>
    public async ValueTask<Outcome> IssueAsync(
        MountedEngine mounted,
        Planner planner,
        AuthorizedRequest request,
        CancellationToken cancellation
    )
    {
        var owner = request.Caller.Token;
        if (owner.Spent)
        {
            return Fault.Invalid(
                "Secret cannot be returned; token had one use left, so leased credentials were immediately revoked."
            );
        }

        var (plan, refusal) = await planner(request, cancellation);
        if (plan is null)
        {
            return refusal!;
        }

        var generation = revocations.Now;
        var (lease, warning) = Lease(mounted.Mount, request, plan, owner, generation.Number);
        IDisposable? slot = null;
        if (Admit is not null)
        {
            var key = store.View.KeyOf(lease.Path);
            (slot, var full) = await Admit(mounted.Mount, lease.Entry, key, cancellation);
            if (full is not null)
            {
                return full;
            }
        }

        using var held = slot;
        var intent = LeaseStore.Intent(mounted.Mount.Uuid, lease.Entry.Id[(lease.Entry.Id.LastIndexOf('/') + 1)..]);
        _underWay[intent] = false;
        try
        {
            var batch = new Batch();
            store.PutIntent(batch, intent, lease.Entry, time.GetUtcNow() + IntentLimit);
            var stored = await store.CommitAsync(batch, cancellation);
            if (!stored.Succeeded)
            {
                _underWay.TryRemove(intent, out _);
                return Fault.From(stored);
            }

            // Whoever removes or moves a mount waits for its intents: from here on it sees this one, or is seen.
            if (mounts.Table.Of(mounted.Mount.Uuid)?.Mount.Path != mounted.Mount.Path)
            {
                await DropAsync(intent);
                return Fault.NotFound(
                    $"no handler for route \"{mounted.Mount.Path}{request.Path}\". route entry not found."
                );
            }

            return await CarryOutAsync(
                (IIssuesLeases)mounted.Engine,
                plan,
                lease,
                generation,
                intent,
                warning,
                cancellation
            );
        }
        catch
        {
            _underWay.TryRemove(intent, out _);
            throw;
        }
    }

    /// <summary>Waits until nothing is being issued at a mount that no request reaches any more.</summary>
    /// <returns>Why it may not go on, or null.</returns>
    public async ValueTask<Fault?> DrainAsync(string mount, CancellationToken cancellation)
    {
        var start = time.GetTimestamp();
        while ((await store.ScanAsync(LeaseStore.IntentsOf(mount), after: null, limit: 1, cancellation)).Count > 0)
        {
            if (time.GetElapsedTime(start) > DrainLimit)
            {
                return Fault.Unavailable("credentials are still being issued there; try again");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(10), cancellation);
        }

        return null;
    }

    /// <summary>Is called when an intent has come due: its request has ended long ago, or is still waiting.</summary>
    public async ValueTask IntentDueAsync(string intent, CancellationToken cancellation)
    {
        var batch = new Batch();
        if (_underWay.TryGetValue(intent, out var delivered) && !delivered)
        {
            if (await store.FindAsync(intent, cancellation) is { } waiting)
            {
                store.PutIntent(batch, intent, waiting.Entry, time.GetUtcNow() + IntentLimit);
            }
        }
        else if (delivered)
        {
            store.DeleteIntent(batch, intent);
        }
        else
        {
            await revoker.UndoAsync(intent, "its request ended without an answer", cancellation);
            return;
        }

        if ((await store.CommitAsync(batch, cancellation)).Succeeded && delivered)
        {
            _underWay.TryRemove(intent, out _);
        }
    }

    private (StoredLease Lease, string? Warning) Lease(
        Mount mount,
        AuthorizedRequest request,
        LeasePlan plan,
        TokenEntry owner,
        long generation
    )
    {
        var (ttl, warning) = LeaseLifetime.AtIssue(plan, mount.Tuning, server);
        var now = time.GetUtcNow();
        var isBatch = owner.Type == TokenType.Batch;
        var ownerEnds = isBatch ? owner.ExpiresAt : null;
        var below = $"{request.Path.TrimEnd('/')}/{LeaseStore.NewRandomPart()}";
        var entry = new LeaseEntry
        {
            Id = mount.Path + below,
            Path = request.Path.TrimEnd('/'),
            Owner = isBatch ? owner.Parent ?? "" : owner.Accessor,
            OwnerEnds = ownerEnds,
            IssuedAt = now,
            ExpiresAt = ownerEnds < now + ttl ? ownerEnds.Value : now + ttl,
            Ttl = ttl,
            MaxTtl = plan.MaxTtl,
            Renewable = plan.Renewable,
            Data = plan.Data.ToArray(),
            Generation = generation,
        };
        return (new StoredLease(LeaseStore.Record(mount.Uuid, below), entry, Version: 0), warning);
    }

    private async ValueTask<Outcome> CarryOutAsync(
        IIssuesLeases engine,
        LeasePlan plan,
        StoredLease lease,
        Generation generation,
        string intent,
        string? warning,
        CancellationToken cancellation
    )
    {
        Outcome outcome;
        try
        {
            using var limit = new CancellationTokenSource(ActLimit, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
            outcome = await plan.Act(lease.Entry.ExpiresAt, either.Token);
            if (outcome.Response is not null && await StoreAsync(lease, generation) is { } fault)
            {
                outcome.Response.Dispose();
                outcome = fault;
            }
        }
        catch (Exception e)
        {
            await UndoAsync(engine, lease, intent);
            if (e is OperationCanceledException && !cancellation.IsCancellationRequested)
            {
                return Fault.Unavailable($"the credential was not made within {ActLimit.TotalSeconds} s");
            }

            throw;
        }

        if (outcome.Response is not { } response)
        {
            // While an outside system is away, requests that it refuses must not become leases that are to be revoked one by one.
            await (outcome.Fault!.NothingMade ? DropAsync(intent) : UndoAsync(engine, lease, intent));
            return outcome;
        }

        response.LeaseId = lease.Entry.Id;
        response.Renewable = lease.Entry.Renewable;
        response.LeaseDuration = lease.Entry.ExpiresAt - lease.Entry.IssuedAt;
        response.Settle = delivered => SettleAsync(lease, intent, delivered);
        if (warning is not null)
        {
            response.Warnings.Add(warning);
        }

        metrics.Issued();
        plan.OnceIssued?.Invoke();
        return response;
    }

    /// <summary>Stores the lease, unless its owner has ended meanwhile. The intent stays until the reply has left.</summary>
    private async ValueTask<Fault?> StoreAsync(StoredLease lease, Generation generation)
    {
        // Not given up when the caller goes: the batch may have been committed, and then it must be known.
        for (var attempt = 0; attempt < Retries; attempt++)
        {
            var batch = new Batch();
            store.Add(batch, lease);
            revocations.Expect(batch, generation);
            if (
                lease.Entry.Owner.Length > 0
                && !await tokens.ExpectLiveAsync(batch, lease.Entry.Owner, CancellationToken.None)
            )
            {
                return Fault.Denied();
            }

            var result = await store.CommitAsync(batch, CancellationToken.None);
            if (result.Status != CommitStatus.Conflict)
            {
                return result.Succeeded ? null : Fault.From(result);
            }

            await revocations.RefreshAsync(CancellationToken.None);
            generation = revocations.Now;
            if (revocations.Cover(lease.Entry.Generation, lease.Entry.Id, ""))
            {
                return Fault.Unavailable("the path was revoked while the credential was being made; try again");
            }
        }

        return Fault.Unavailable("the token is being changed by too many requests at once; try again");
    }

    /// <summary>Forgets an intent that was not acted on; when the store cannot, it comes due later.</summary>
    private async ValueTask DropAsync(string intent)
    {
        try
        {
            var batch = new Batch();
            store.DeleteIntent(batch, intent);
            await store.CommitAsync(batch, CancellationToken.None);
        }
        finally
        {
            _underWay.TryRemove(intent, out _);
        }
    }

    /// <summary>Removes what may have been made, at once if possible; otherwise it becomes a lease that is being revoked.</summary>
    private async ValueTask UndoAsync(IIssuesLeases engine, StoredLease lease, string intent)
    {
        try
        {
            using var limit = new CancellationTokenSource(ActLimit, time);
            var fault = await engine.RevokeAsync(lease.Entry.Leased, limit.Token);
            if (fault is not null)
            {
                await revoker.UndoAsync(intent, string.Join("; ", fault.Messages), CancellationToken.None);
                return;
            }

            var batch = new Batch();
            store.DeleteIntent(batch, intent);
            store.Delete(batch, lease);
            await store.CommitAsync(batch, CancellationToken.None);
        }
        catch (Exception e)
        {
            log.LogWarning(
                "what {Path} made half-way could not be removed at once ({Failure}); it is tried again",
                lease.Entry.Path,
                e.GetType().Name
            );
            await revoker.UndoAsync(intent, "it could not be undone at once", CancellationToken.None);
        }
        finally
        {
            _underWay.TryRemove(intent, out _);
        }
    }

    private async ValueTask SettleAsync(StoredLease lease, string intent, bool delivered)
    {
        if (!delivered)
        {
            await revoker.UndoAsync(intent, "its reply was not delivered", CancellationToken.None);
            _underWay.TryRemove(intent, out _);
            return;
        }

        _underWay[intent] = true;
        var batch = new Batch();
        store.DeleteIntent(batch, intent);
        if ((await store.CommitAsync(batch, CancellationToken.None)).Succeeded)
        {
            _underWay.TryRemove(intent, out _);
        }
        else
        {
            log.LogWarning("the intent of {Path} is cleared away later: the store cannot write", lease.Entry.Path);
        }
    }
}
