using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Quotas;

/// <summary>
/// The quotas that operators have set, stored and at work. Changes are made one at a time; requests see what is at work
/// without a lock, and find null where there is nothing to check. Safe for concurrent use.
/// </summary>
internal sealed class QuotaRules : IAsyncDisposable
{
    private const string RateLimitFolder = "rate-limit/";
    private const string LeaseCountFolder = "lease-count/";
    private const string ConfigRecord = "config";

    private readonly View _view;
    private readonly IStore _store;
    private readonly IReadOnlyList<LeaseSource> _sources;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly QuotaMetrics _metrics;
    private readonly SemaphoreSlim _changing = new(1, 1);
    private volatile RateLimits? _rateLimits;
    private volatile LeaseCounts? _leaseCounts;
    private volatile QuotaConfig _config = new();
    private volatile ImmutableSortedDictionary<string, LeaseCountQuota> _leaseQuotas = NoLeaseQuotas;

    /// <param name="view">Where they are stored.</param>
    /// <param name="store">Where the leases are that are counted.</param>
    /// <param name="sources">What counts as a lease.</param>
    /// <param name="time">All time comes from here.</param>
    /// <param name="log">For the operator.</param>
    public QuotaRules(View view, IStore store, IReadOnlyList<LeaseSource> sources, TimeProvider time, ILogger log)
    {
        _view = view;
        _store = store;
        _sources = sources;
        _time = time;
        _log = log;
        _metrics = new QuotaMetrics(() => _leaseCounts?.Counters ?? []);
    }

    /// <summary>The rate limits, or null when there is none.</summary>
    public RateLimits? RateLimits => _rateLimits;

    /// <summary>What lease-count quotas have counted, or null when there is none.</summary>
    public LeaseCounts? LeaseCounts => _leaseCounts;

    public QuotaConfig Config => _config;

    public IEnumerable<RateLimitQuota> AllRateLimits => _rateLimits?.Limiters.Select(limiter => limiter.Quota) ?? [];

    public IEnumerable<LeaseCountQuota> AllLeaseCounts => _leaseQuotas.Values;

    private static ImmutableSortedDictionary<string, LeaseCountQuota> NoLeaseQuotas { get; } =
        ImmutableSortedDictionary.Create<string, LeaseCountQuota>(StringComparer.Ordinal);

    /// <summary>Reads what is stored.</summary>
    public async ValueTask LoadAsync(CancellationToken cancellation)
    {
        using (var entry = await _view.GetAsync(ConfigRecord, cancellation))
        {
            _config = entry is null ? _config : QuotaCodec.Decode(entry.Value, QuotaCodec.Default.QuotaConfig);
        }

        Limit(await LoadAsync(RateLimitFolder, QuotaCodec.Default.RateLimitQuota, cancellation));
        var counts = await LoadAsync(LeaseCountFolder, QuotaCodec.Default.LeaseCountQuota, cancellation);
        _leaseQuotas = _leaseQuotas.AddRange(counts.Select(quota => KeyValuePair.Create(quota.Name, quota)));
    }

    /// <summary>
    /// Begins to count leases, where a quota wants it, in the background: whoever wants a lease that a quota holds for waits
    /// for it. The mounts have to be there.
    /// </summary>
    public ValueTask StartAsync() => CountAsync(_leaseQuotas);

    /// <summary>Counts one request against the rate limits.</summary>
    /// <returns>Why it may not go on, or null.</returns>
    public async ValueTask<Fault?> TakeAsync(
        RateLimits limits,
        Request request,
        MountedEngine? mounted,
        CancellationToken cancellation
    )
    {
        if (await limits.TakeAsync(request, mounted, cancellation) is not { } taken)
        {
            return null;
        }

        if (limits.Config.ShowAllowance)
        {
            request.RateStatus = taken.Status;
        }

        if (taken.Status.Allowed)
        {
            return null;
        }

        _metrics.RateLimited(taken.Quota);
        return Fault.Throttled($"request path \"{request.Path}\": rate limit quota exceeded", taken.Status.RetryAfter);
    }

    /// <summary>Makes room for a lease that is to be stored at <paramref name="key"/> for a request of <paramref name="path"/>.</summary>
    /// <returns>A slot to dispose when the attempt is over, or null when no quota holds; or why it may not be issued.</returns>
    public async ValueTask<(IDisposable? Slot, Fault? Fault)> AdmitAsync(
        LeaseOrigin origin,
        string path,
        StoreKey key,
        CancellationToken cancellation
    )
    {
        while (_leaseCounts is { } counts)
        {
            try
            {
                var (slot, exceeded) = await counts.AdmitAsync(origin, key, cancellation);
                return (slot, exceeded is null ? null : Exceeded(exceeded, path));
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested && _leaseCounts != counts)
            {
                // The quotas were changed while it waited for these to be counted.
            }
        }

        return (null, null);
    }

    /// <summary>Why one more lease would not be issued for a request of <paramref name="path"/>, or null; makes no room.</summary>
    public async ValueTask<Fault?> CheckAsync(LeaseOrigin origin, string path, CancellationToken cancellation)
    {
        while (_leaseCounts is { } counts)
        {
            try
            {
                return await counts.ExceededAsync(origin, cancellation) is { } exceeded
                    ? Exceeded(exceeded, path)
                    : null;
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested && _leaseCounts != counts)
            {
                // As above.
            }
        }

        return null;
    }

    /// <summary>How many leases and tokens count for a quota, once they are counted; 0 when it has been removed meanwhile.</summary>
    public async ValueTask<long> CountOfAsync(LeaseCountQuota quota, CancellationToken cancellation)
    {
        while (_leaseCounts is { } counts)
        {
            try
            {
                await counts.CaughtUpAsync(cancellation);
                return counts.Counters.FirstOrDefault(counter => counter.Quota == quota)?.Count ?? 0;
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested && _leaseCounts != counts)
            {
                // As above.
            }
        }

        return 0;
    }

    public async ValueTask<Fault?> ConfigureAsync(Func<QuotaConfig, QuotaConfig> change, CancellationToken cancellation)
    {
        await _changing.WaitAsync(cancellation);
        try
        {
            var config = change(_config);
            var fault = await SaveAsync(ConfigRecord, config, QuotaCodec.Default.QuotaConfig, cancellation);
            if (fault is null)
            {
                _config = config;
                Limit([.. AllRateLimits]);
            }

            return fault;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Sets a quota, in place of one of the same name; null, or why not.</summary>
    public ValueTask<Fault?> PutAsync(RateLimitQuota quota, CancellationToken cancellation) =>
        PutAsync(
            RateLimitFolder,
            quota,
            () => AllRateLimits,
            QuotaCodec.Default.RateLimitQuota,
            () =>
            {
                Limit([.. AllRateLimits.Where(other => other.Name != quota.Name), quota]);
                return default;
            },
            cancellation
        );

    /// <inheritdoc cref="PutAsync(RateLimitQuota, CancellationToken)"/>
    public ValueTask<Fault?> PutAsync(LeaseCountQuota quota, CancellationToken cancellation) =>
        PutAsync(
            LeaseCountFolder,
            quota,
            () => AllLeaseCounts,
            QuotaCodec.Default.LeaseCountQuota,
            () => CountAsync(_leaseQuotas.SetItem(quota.Name, quota)),
            cancellation
        );

    public ValueTask<Fault?> DeleteRateLimitAsync(string name, CancellationToken cancellation) =>
        DeleteAsync(quota => quota is RateLimitQuota && quota.Name == name, cancellation);

    public ValueTask<Fault?> DeleteLeaseCountAsync(string name, CancellationToken cancellation) =>
        DeleteAsync(quota => quota is LeaseCountQuota && quota.Name == name, cancellation);

    /// <summary>Removes what was set for a mount that goes away.</summary>
    public ValueTask<Fault?> MountEndedAsync(Mount mount, CancellationToken cancellation) =>
        DeleteAsync(quota => quota.Scope.Mount == mount.Accessor, cancellation);

    public async ValueTask DisposeAsync()
    {
        // Whoever waits for the counting goes on, and meets the store that is closing.
        if (Interlocked.Exchange(ref _leaseCounts, null) is { } counts)
        {
            await counts.DisposeAsync();
        }

        _metrics.Dispose();
        _changing.Dispose();
    }

    private async ValueTask<Fault?> DeleteAsync(Func<Quota, bool> selects, CancellationToken cancellation)
    {
        await _changing.WaitAsync(cancellation);
        try
        {
            var rates = AllRateLimits.Where(selects).ToHashSet<Quota>();
            var counts = AllLeaseCounts.Where(selects).ToHashSet<Quota>();
            if (rates.Count + counts.Count == 0)
            {
                return null;
            }

            var batch = new Batch();
            foreach (var quota in rates.Concat(counts))
            {
                _view.Delete(batch, (quota is RateLimitQuota ? RateLimitFolder : LeaseCountFolder) + quota.Name);
            }

            var result = await _view.CommitAsync(batch, cancellation);
            if (!result.Succeeded)
            {
                return Fault.From(result);
            }

            if (rates.Count > 0)
            {
                Limit([.. AllRateLimits.Where(quota => !rates.Contains(quota))]);
            }

            if (counts.Count > 0)
            {
                await CountAsync(_leaseQuotas.RemoveRange(counts.Select(quota => quota.Name)));
            }

            return null;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Puts these rate limits to work. What clients have used up of one that stays the same stays used up.</summary>
    private void Limit(List<RateLimitQuota> quotas)
    {
        var running = _rateLimits?.Limiters ?? [];
        _rateLimits =
            quotas.Count == 0
                ? null
                : new RateLimits(
                    [
                        .. quotas
                            .OrderBy(quota => quota.Name, StringComparer.Ordinal)
                            .Select(quota =>
                                running.FirstOrDefault(limiter => limiter.Quota == quota)
                                ?? new RateLimiter(quota, _time)
                            ),
                    ],
                    _config
                );
    }

    /// <summary>Puts these lease-count quotas to work; they begin to count.</summary>
    private async ValueTask CountAsync(ImmutableSortedDictionary<string, LeaseCountQuota> quotas)
    {
        var before = _leaseCounts;
        _leaseQuotas = quotas;
        _leaseCounts = quotas.IsEmpty ? null : new LeaseCounts([.. quotas.Values], _store, _sources, _log);
        if (before is not null)
        {
            await before.DisposeAsync();
        }
    }

    private Fault Exceeded(LeaseCountQuota quota, string path)
    {
        _metrics.LeaseRefused(quota);
        return Fault.Throttled($"request path \"{path}\": lease count quota exceeded");
    }

    private async ValueTask<List<T>> LoadAsync<T>(string folder, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        var loaded = new List<T>();
        foreach (var name in await _view.ListAsync(folder, cancellation))
        {
            using var entry = await _view.GetAsync(folder + name, cancellation);
            if (entry is not null)
            {
                loaded.Add(QuotaCodec.Decode(entry.Value, type));
            }
        }

        return loaded;
    }

    private async ValueTask<Fault?> PutAsync<T>(
        string folder,
        T quota,
        Func<IEnumerable<T>> all,
        JsonTypeInfo<T> type,
        Func<ValueTask> use,
        CancellationToken cancellation
    )
        where T : Quota
    {
        await _changing.WaitAsync(cancellation);
        try
        {
            var fault = Similar(all(), quota) ?? await SaveAsync(folder + quota.Name, quota, type, cancellation);
            if (fault is null)
            {
                await use();
            }

            return fault;
        }
        finally
        {
            _changing.Release();
        }
    }

    private async ValueTask<Fault?> SaveAsync<T>(
        string path,
        T value,
        JsonTypeInfo<T> type,
        CancellationToken cancellation
    )
    {
        var result = await _view.PutAsync(path, JsonSerializer.SerializeToUtf8Bytes(value, type), cancellation);
        return result.Succeeded ? null : Fault.From(result);
    }

    private static Fault? Similar(IEnumerable<Quota> quotas, Quota quota) =>
        quotas.FirstOrDefault(other => other.Scope == quota.Scope && other.Name != quota.Name) is { } other
            ? Fault.Invalid($"quota rule with similar properties exists under the name \"{other.Name}\"")
            : null;
}
