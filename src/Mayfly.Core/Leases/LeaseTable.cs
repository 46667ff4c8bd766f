using Mayfly.Core.Engines;
using Mayfly.Core.Identity;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Leases;

/// <summary>
/// All leases of an unsealed vault by their ids, and what is done with them: those of credentials, and those of tokens, whose
/// record is the token's own. Safe for concurrent use.
/// </summary>
internal sealed class LeaseTable : IDisposable
{
    private const int PerScan = 512;

    private readonly LeaseMetrics _metrics = new();
    private readonly LeaseStore _store;
    private readonly MountRegistry _mounts;
    private readonly TokenStore _tokens;
    private readonly PrefixRevocations _revocations;

    public LeaseTable(
        LeaseStore store,
        MountRegistry mounts,
        TokenStore tokens,
        PrefixRevocations revocations,
        VaultOptions server,
        TimeProvider time,
        ILogger log
    )
    {
        _store = store;
        _mounts = mounts;
        _tokens = tokens;
        _revocations = revocations;
        var locks = new LeaseLocks();
        var late = new LateRenewals(time);
        Revoker = new LeaseRevoker(store, locks, late, mounts, _metrics, time, log);
        Issuer = new LeaseIssuer(store, Revoker, tokens, mounts, revocations, _metrics, server, time, log);
        Renewal = new LeaseRenewal(store, locks, late, mounts, revocations, server, time);
        Expiry = new LeaseExpiry(store, Revoker, Issuer, _metrics, time, log);
    }

    public LeaseRevoker Revoker { get; }

    public LeaseIssuer Issuer { get; }

    public LeaseRenewal Renewal { get; }

    public LeaseExpiry Expiry { get; }

    /// <summary>The folder of everything that <see cref="Expiry"/> handles.</summary>
    public View View => _store.View;

    /// <summary>The records themselves.</summary>
    internal LeaseStore Store => _store;

    /// <summary>Finishes what the last run of the server left unfinished, before anything is issued.</summary>
    public async ValueTask StartAsync(CancellationToken cancellation)
    {
        foreach (var mounted in _mounts.Table.All)
        {
            _metrics.Irrevocable(await _store.CountIrrevocableAsync(mounted.Mount.Uuid, cancellation));
        }

        await Revoker.RecoverAsync(cancellation);
    }

    public void Dispose() => _metrics.Dispose();

    /// <summary>Where the lease of a credential stands, or null when no mount could have given that id.</summary>
    public string? PathOf(string id) =>
        IsWellFormed(id) && _mounts.Table.Route(id) is { } mounted
            ? LeaseStore.Record(mounted.Mount.Uuid, id[mounted.Mount.Path.Length..])
            : null;

    /// <summary>A credential's lease that counts, or null.</summary>
    public async ValueTask<LeaseEntry?> FindAsync(string id, CancellationToken cancellation) =>
        PathOf(id) is { } path
        && await _store.FindAsync(path, cancellation) is { } lease
        && !_revocations.Cover(lease.Entry.Generation, lease.Entry.Id, "")
            ? lease.Entry
            : null;

    /// <summary>The live token that is the lease of that id, or null.</summary>
    public async ValueTask<TokenEntry?> FindTokenAsync(string id, CancellationToken cancellation) =>
        IsWellFormed(id) ? await _tokens.FindByLeaseAsync(id, cancellation) : null;

    /// <summary>Ends a lease: <paramref name="now"/>, or soon and durably decided. Fine when there is none.</summary>
    public async ValueTask<Fault?> RevokeAsync(string id, bool now, CancellationToken cancellation)
    {
        if (await FindTokenAsync(id, cancellation) is { } token)
        {
            return await _tokens.Revoker.RevokeAsync(token.Accessor, orphanChildren: false, cancellation);
        }

        return PathOf(id) is not { } path ? null
            : now ? await Revoker.RevokeAsync(path, cancellation)
            : await Revoker.RevokeSoonAsync(path, cancellation);
    }

    /// <summary>The names directly below a folder of lease ids ("" or ending with a slash), sorted; folders end with a slash.</summary>
    public async ValueTask<IReadOnlyList<string>> ListAsync(string folder, CancellationToken cancellation)
    {
        var names = new SortedSet<string>(await _tokens.ListPathsAsync(folder, cancellation), StringComparer.Ordinal);
        foreach (var (mount, below) in FoldersOf(folder))
        {
            var path = LeaseStore.Record(mount.Uuid, below);
            if (mount.Path.Length <= folder.Length)
            {
                names.UnionWith(await _store.ListAsync(path, cancellation));
            }
            else if ((await _store.ScanAsync(path, after: null, limit: 1, cancellation)).Count > 0)
            {
                names.Add(mount.Path[folder.Length..(mount.Path.IndexOf('/', folder.Length) + 1)]);
            }
        }

        return [.. names];
    }

    /// <summary>
    /// Ends everything below a prefix of lease ids, at once and with one durable write; what is left of it is removed soon, or
    /// before this returns when <paramref name="now"/>.
    /// </summary>
    public async ValueTask<Fault?> RevokePrefixAsync(string prefix, bool now, CancellationToken cancellation)
    {
        var (revocation, fault) = await _revocations.RevokeAsync(Folder(prefix), cancellation);
        if (revocation is null || !now)
        {
            return fault;
        }

        fault = await _tokens.Revoker.RevokePrefixAsync(Folder(prefix), revocation.Generation, cancellation);
        return fault
            ?? await ForEachAsync(
                Folder(prefix),
                lease => lease.Entry.Generation < revocation.Generation,
                (lease, _) => Revoker.RevokeAsync(lease.Path, cancellation),
                cancellation
            );
    }

    /// <summary>Ends everything below a prefix of lease ids, and forgets also what could not be ended.</summary>
    public async ValueTask<Fault?> ForgetPrefixAsync(string prefix, CancellationToken cancellation)
    {
        var (revocation, fault) = await _revocations.RevokeAsync(Folder(prefix), cancellation);
        if (revocation is null)
        {
            return fault;
        }

        fault = await _tokens.Revoker.RevokePrefixAsync(Folder(prefix), revocation.Generation, cancellation);
        if (fault is not null)
        {
            return fault;
        }

        await ForEachAsync(
            Folder(prefix),
            lease => lease.Entry.Generation < revocation.Generation,
            (lease, isAway) => Revoker.ForgetAsync(lease.Path, call: !isAway, cancellation),
            cancellation
        );
        return null;
    }

    /// <summary>Removes what a revoked prefix ended: tokens at once, and leases by making them due.</summary>
    public async ValueTask CleanAsync(string prefix, long generation, CancellationToken cancellation)
    {
        var fault = await _tokens.Revoker.RevokePrefixAsync(prefix, generation, cancellation);
        fault ??= await EndSoonAsync(prefix, generation, cancellation);
        if (fault is not null)
        {
            throw new StoreUnavailableException(string.Join("; ", fault.Messages));
        }
    }

    /// <summary>
    /// Ends what a mount has issued, before the mount goes away: its engine is the only one that can. Nothing is left behind
    /// silently: what cannot be ended keeps the mount.
    /// </summary>
    public async ValueTask<Fault?> MountLeavesAsync(MountedEngine mounted, CancellationToken cancellation)
    {
        var mount = mounted.Mount;
        if (mount.Kind == EngineKind.Auth)
        {
            return (await _revocations.RevokeAsync(mount.Path, cancellation)).Fault;
        }

        if (await Issuer.DrainAsync(mount.Uuid, cancellation) is { } busy)
        {
            return busy;
        }

        var failed = await ForEachAsync(
            mount.Path,
            _ => true,
            (lease, isAway) =>
                isAway ? new(Fault.Unavailable("its engine is away")) : Revoker.RevokeAsync(lease.Path, cancellation),
            cancellation
        );
        return failed is null
            ? null
            : failed with
            {
                Messages =
                [
                    $"{mount.Path} stays, since not all of its leases could be revoked: {string.Join("; ", failed.Messages)}. "
                        + $"Try again, or forget them with sys/leases/revoke-force/{mount.Path.TrimEnd('/')} first.",
                ],
            };
    }

    /// <summary>Leases that could not be revoked, up to a limit, of all mounts.</summary>
    public async ValueTask<IReadOnlyList<LeaseEntry>> IrrevocableAsync(int limit, CancellationToken cancellation)
    {
        var found = new List<LeaseEntry>();
        foreach (var mounted in _mounts.Table.All)
        {
            foreach (var path in await _store.IrrevocableAsync(mounted.Mount.Uuid, limit - found.Count, cancellation))
            {
                if (await _store.FindAsync(path, cancellation) is { } lease)
                {
                    found.Add(lease.Entry);
                }
            }
        }

        return found;
    }

    /// <summary>How many leases (or only those that could not be revoked) each mount has, by accessor; without the ones that have none.</summary>
    public async ValueTask<IReadOnlyDictionary<string, long>> CountAsync(
        bool irrevocable,
        CancellationToken cancellation
    )
    {
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var mounted in _mounts.Table.All)
        {
            var mount = mounted.Mount;
            var count =
                irrevocable ? await _store.CountIrrevocableAsync(mount.Uuid, cancellation)
                : mount.Kind == EngineKind.Auth ? await _tokens.CountPathsAsync(mount.Path, cancellation)
                : await _store.CountAsync(mount.Uuid, cancellation);
            if (count > 0)
            {
                counts[mount.Accessor] = count;
            }
        }

        return counts;
    }

    /// <summary>Removes lines of leases that are gone, and ends leases whose owner is gone.</summary>
    public async ValueTask TidyAsync(CancellationToken cancellation)
    {
        foreach (var owner in await _store.OwnersAsync(cancellation))
        {
            await _store.TidyOwnerAsync(owner, cancellation);
            if (await _tokens.FindByAccessorAsync(owner, cancellation) is null)
            {
                await Revoker.OwnerEndedAsync(owner, cancellation);
            }
        }
    }

    private async ValueTask<Fault?> EndSoonAsync(string prefix, long generation, CancellationToken cancellation)
    {
        foreach (var (mount, below) in FoldersOf(prefix))
        {
            StoredLease? after = null;
            var exact = await FindExactAsync(mount, below, cancellation);
            for (var more = true; more; )
            {
                var found = await _store.ScanAsync(LeaseStore.Record(mount.Uuid, below), after, PerScan, cancellation);
                var old = (exact is null ? found : found.Append(exact))
                    .Where(lease => lease.Entry.Generation < generation && lease.Entry.State != LeaseState.Revoking)
                    .Select(lease => lease.Path)
                    .ToList();
                if (await Revoker.RevokeSoonAsync(old, cancellation) is { } fault)
                {
                    return fault;
                }

                more = found.Count == PerScan;
                after = more ? found[^1] : null;
                exact = null;
            }
        }

        return null;
    }

    /// <summary>
    /// Calls <paramref name="act"/> for each lease below a prefix that <paramref name="selects"/>, some at a time; it is told
    /// whether what the mount's engine depends on has turned out to be away. The first fault is the result.
    /// </summary>
    private async ValueTask<Fault?> ForEachAsync(
        string prefix,
        Func<StoredLease, bool> selects,
        Func<StoredLease, bool, ValueTask<Fault?>> act,
        CancellationToken cancellation
    )
    {
        Fault? first = null;
        foreach (var (mount, below) in FoldersOf(prefix))
        {
            StoredLease? after = null;
            var isAway = false;
            while (true)
            {
                var found = await _store.ScanAsync(LeaseStore.Record(mount.Uuid, below), after, PerScan, cancellation);
                await Parallel.ForEachAsync(
                    found.Where(selects),
                    new ParallelOptions
                    {
                        MaxDegreeOfParallelism = LeaseRevoker.AtOnce,
                        CancellationToken = cancellation,
                    },
                    async (lease, _) =>
                    {
                        if (await act(lease, Volatile.Read(ref isAway)) is { } fault)
                        {
                            Volatile.Write(ref isAway, isAway || fault.Kind == FaultKind.Unavailable);
                            Interlocked.CompareExchange(ref first, fault, null);
                        }
                    }
                );
                if (found.Count < PerScan)
                {
                    break;
                }

                after = found[^1];
            }

            if (await FindExactAsync(mount, below, cancellation) is { } exact && selects(exact))
            {
                first = await act(exact, isAway) ?? first;
            }
        }

        return first;
    }

    /// <summary>A prefix may also be the whole id of one lease.</summary>
    private async ValueTask<StoredLease?> FindExactAsync(Mount mount, string below, CancellationToken cancellation) =>
        below.Length == 0
            ? null
            : await _store.FindAsync(LeaseStore.Record(mount.Uuid, below.TrimEnd('/')), cancellation);

    /// <summary>The folders of leases, mount by mount, that make up a folder of ids; also of a mount that is leaving.</summary>
    private IEnumerable<(Mount Mount, string Below)> FoldersOf(string folder)
    {
        foreach (var mounted in _mounts.AllAndLeaving)
        {
            var mount = mounted.Mount;
            if (mount.Path.StartsWith(folder, StringComparison.Ordinal))
            {
                yield return (mount, "");
            }
            else if (folder.StartsWith(mount.Path, StringComparison.Ordinal))
            {
                yield return (mount, folder[mount.Path.Length..]);
            }
        }
    }

    private static string Folder(string prefix) => prefix.Trim('/') + "/";

    private static bool IsWellFormed(string id) =>
        KeyPath.Problem(id, Operation.Update) is null && id.Contains('/', StringComparison.Ordinal);
}
