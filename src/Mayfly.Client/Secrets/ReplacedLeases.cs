using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Mayfly.Client.Secrets;

/// <summary>Credentials that a newer one has replaced, until they are revoked, where that is wanted. Safe for concurrent use.</summary>
internal sealed class ReplacedLeases(LiveSecrets owner)
{
    private readonly ConcurrentDictionary<SecretLease, string> _waiting = [];

    public void Replaced(string name, SecretLease lease)
    {
        if (owner.Source.Source is not ILeasingSecretSource)
        {
            return;
        }

        if (owner.IsDisposed)
        {
            // It came when nobody wanted it any more.
            if (owner.Options.RevokeAtEnd)
            {
                _ = TryRevokeAsync(name, lease, CancellationToken.None);
            }
        }
        else if (owner.Options.RevokeReplacedAfter is { } overlap)
        {
            _waiting[lease] = name;
            _ = RevokeAfterAsync(name, lease, overlap);
        }
    }

    /// <summary>Revokes what is left, and what has been waiting for its time.</summary>
    public async Task EndAsync(IEnumerable<(string Name, SecretLease Lease)> left, CancellationToken limit)
    {
        if (owner.Source.Source is not ILeasingSecretSource)
        {
            return;
        }

        var all = left.Concat(_waiting.Where(pair => _waiting.TryRemove(pair)).Select(pair => (pair.Value, pair.Key)));
        await Task.WhenAll(all.Select(each => TryRevokeAsync(each.Item1, each.Item2, limit)).ToList());
    }

    private async Task RevokeAfterAsync(string name, SecretLease lease, TimeSpan overlap)
    {
        try
        {
            await Task.Delay(overlap, owner.Options.Time, owner.Stop);
            for (var failures = 1; !await TryRevokeAsync(name, lease, owner.Stop); failures++)
            {
                // By then the lease has ended by itself.
                if (failures > 8)
                {
                    break;
                }

                await Task.Delay(
                    RefreshSchedule.Retry(failures, owner.Options.LongestBackOff, asked: null),
                    owner.Options.Time,
                    owner.Stop
                );
            }

            _waiting.TryRemove(lease, out _);
        }
        catch (OperationCanceledException)
        {
            // EndAsync revokes it.
        }
    }

    private async Task<bool> TryRevokeAsync(string name, SecretLease lease, CancellationToken stop)
    {
        try
        {
            await owner.Source.RevokeAsync(name, lease, stop);
            return true;
        }
        catch (Exception failure) when (failure is SecretSourceException or OperationCanceledException)
        {
            owner.Options.Logger?.LogWarning(
                "{Secret}: a credential that is not needed any more was not revoked, and ends with its lease. {Failure}",
                name,
                failure.Message
            );
            return false;
        }
    }
}
