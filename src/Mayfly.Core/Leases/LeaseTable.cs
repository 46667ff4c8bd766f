using Mayfly.Core.Identity;
using Mayfly.Core.Mounts;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Leases;

/// <summary>All leases of an unsealed vault, and what is done with them. Safe for concurrent use.</summary>
internal sealed class LeaseTable
{
    private readonly LeaseStore _store;

    public LeaseTable(
        View leases,
        View owners,
        MountRegistry mounts,
        TokenStore tokens,
        VaultOptions server,
        TimeProvider time,
        ILogger log
    )
    {
        _store = new LeaseStore(leases, owners);
        Revoker = new LeaseRevoker(_store, mounts, time, log);
        Issuer = new LeaseIssuer(_store, Revoker, tokens, server, time, log);
    }

    public LeaseRevoker Revoker { get; }

    public LeaseIssuer Issuer { get; }

    /// <summary>Below it stands everything that <see cref="DueAsync"/> handles.</summary>
    public StoreKey Root => _store.View.Root;

    /// <summary>Is called when a record below <see cref="Root"/> has come due.</summary>
    public ValueTask DueAsync(StoreKey key, CancellationToken cancellation)
    {
        var path = _store.View.PathOf(key)!;
        return LeaseStore.IsRecord(path)
            ? Revoker.DueAsync(path, cancellation)
            : Issuer.IntentDueAsync(path, cancellation);
    }
}
