using Mayfly.Core.Identity;
using Mayfly.Core.Leases;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Quotas;

/// <summary>
/// What counts as a lease, and whether there is room for one more: tokens that expire, and leases. Root tokens that do not
/// expire are never refused, so that an operator can always get in; wrapping tokens do not count, because what they wrap is
/// done already when they are made. Safe for concurrent use.
/// </summary>
internal sealed class LeaseAdmission(Func<MountTable> mounts)
{
    /// <summary>Set before the first request.</summary>
    public QuotaRules Quotas { get; set; } = null!;

    /// <summary>The tokens, for counting.</summary>
    public LeaseSource Tokens(View view) =>
        new(view, TokenRecords.Folder, (_, record) => OriginOf(TokenCodec.Decode(record.Value)));

    /// <summary>The leases of engines, for counting.</summary>
    public LeaseSource Leases(View view) =>
        new(
            view,
            "",
            (path, _) =>
                LeaseStore.IsRecord(path) && mounts().Of(LeaseStore.MountOf(path))?.Mount is { } mount
                    ? new LeaseOrigin(mount.Accessor, LeaseStore.IssuedAt(path), Role: null)
                    : null
        );

    /// <inheritdoc cref="LeaseIssuer.Admit"/>
    public async ValueTask<(IDisposable? Slot, Fault? Fault)> AdmitAsync(
        Mount mount,
        LeaseEntry lease,
        StoreKey key,
        CancellationToken cancellation
    ) =>
        Quotas.LeaseCounts is null
            ? (null, null)
            : await Quotas.AdmitAsync(
                new LeaseOrigin(mount.Accessor, lease.Path, Role: null),
                mount.Path + lease.Path,
                key,
                cancellation
            );

    /// <inheritdoc cref="TokenStore.Admit"/>
    public async ValueTask<(IDisposable? Slot, Fault? Fault)> AdmitAsync(
        TokenEntry token,
        StoreKey key,
        CancellationToken cancellation
    )
    {
        if (Quotas.LeaseCounts is null || OriginOf(token) is not { } origin)
        {
            return (null, null);
        }

        // Nothing of a batch token is stored, so it cannot count; but it would be a way around the quota.
        return token.Type == TokenType.Batch
            ? (null, await Quotas.CheckAsync(origin, token.Path, cancellation))
            : await Quotas.AdmitAsync(origin, token.Path, key, cancellation);
    }

    /// <summary>
    /// Why a login would be refused, or null. Asked before the login is looked at, so that one that cannot succeed uses up
    /// nothing; what a role decides is found out when the token is made.
    /// </summary>
    public ValueTask<Fault?> CheckLoginAsync(Request request, Mount mount, CancellationToken cancellation) =>
        Quotas.LeaseCounts is null
            ? default
            : Quotas.CheckAsync(
                new LeaseOrigin(mount.Accessor, request.Path[mount.Path.Length..], Role: null),
                request.Path,
                cancellation
            );

    private LeaseOrigin? OriginOf(TokenEntry token)
    {
        if (token.Type == TokenType.Wrapping || token.ExpiresAt is null)
        {
            return null;
        }

        // A mount may have moved since: then it is known which one it was, and no longer which path below it.
        var mount = mounts().ByAccessor(token.MountAccessor)?.Mount;
        var below =
            mount is not null && token.Path.StartsWith(mount.Path, StringComparison.Ordinal)
                ? token.Path[mount.Path.Length..]
                : "";
        return new LeaseOrigin(token.MountAccessor, below, token.MethodData.GetValueOrDefault("role_name"));
    }
}
