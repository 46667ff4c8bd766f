using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Mayfly.Client.Secrets.Sources;

/// <summary>
/// Several sources, one behind the other: a secret that one does not have is looked for in the next. Any other failure is final,
/// so that a source that is away does not make a program use another one's secrets. Safe for concurrent use.
/// </summary>
public sealed class FallbackSecretSource : IWatchableSecretSource, ILeasingSecretSource, IReportingSecretSource
{
    private readonly ISecretSource[] _sources;

    // By the object itself, so that it forgets leases which nobody has any more.
    private readonly ConditionalWeakTable<SecretLease, ILeasingSecretSource> _leases = [];
    private readonly ConcurrentDictionary<string, ISecretSource> _found = new(StringComparer.Ordinal);

    /// <summary>Looks in <paramref name="sources"/> in their order.</summary>
    /// <param name="sources">The sources; at least one.</param>
    /// <exception cref="ArgumentException">There is none.</exception>
    public FallbackSecretSource(params ISecretSource[] sources)
    {
        if (sources.Length == 0)
        {
            throw new ArgumentException("at least one source is needed", nameof(sources));
        }

        _sources = [.. sources];
        Id = string.Join(", then ", sources.Select(source => source.Id));
        foreach (var leasing in _sources.OfType<ILeasingSecretSource>())
        {
            leasing.LeasesEnding += (_, e) => LeasesEnding?.Invoke(this, e);
        }
    }

    /// <inheritdoc/>
    public event EventHandler? LeasesEnding;

    /// <inheritdoc/>
    public string Id { get; }

    /// <inheritdoc/>
    public bool Reports => Array.Exists(_sources, source => source is IReportingSecretSource { Reports: true });

    /// <inheritdoc/>
    public async Task<FetchedSecret> FetchAsync(string name, CancellationToken cancellationToken)
    {
        var reasons = new List<string>();
        foreach (var source in _sources)
        {
            try
            {
                var fetched = await source.FetchAsync(name, cancellationToken);
                _found[name] = source;
                if (fetched.Lease is { } lease && source is ILeasingSecretSource leasing)
                {
                    _leases.AddOrUpdate(lease, leasing);
                }

                return fetched;
            }
            catch (SecretSourceException failure) when (failure.Reason == SecretFailure.NotFound)
            {
                reasons.Add(failure.Message);
            }
        }

        throw new SecretSourceException(SecretFailure.NotFound, string.Join(" ", reasons));
    }

    /// <summary>The changes of those sources that tell them.</summary>
    /// <inheritdoc/>
    public async IAsyncEnumerable<SecretChange> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var watchable = _sources.OfType<IWatchableSecretSource>().ToList();
        if (watchable.Count == 0)
        {
            throw new SecretSourceException(SecretFailure.Invalid, $"{Id}: none of these tells changes.");
        }

        var silent = new HashSet<IWatchableSecretSource>();
        var changes = Channel.CreateUnbounded<(IWatchableSecretSource Source, SecretChange Change)>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var listening = watchable.Select(source => ListenAsync(source, changes.Writer, stop.Token)).ToList();
        try
        {
            await foreach (var (source, change) in changes.Reader.ReadAllAsync(cancellationToken))
            {
                var wasSilent = silent.Count > 0;
                _ = change.IsInterruption ? silent.Add(source) : silent.Remove(source);
                var isSilent = silent.Count > 0;
                if (!change.IsInterruption && !change.IsResumption)
                {
                    yield return change;
                }

                // Changes are heard of when all of them are.
                if (isSilent)
                {
                    yield return SecretChange.Interrupted;
                }
                else if (wasSilent)
                {
                    yield return SecretChange.Resumed;
                }
            }
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(listening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <inheritdoc/>
    public async Task<SecretLease> RenewAsync(SecretLease lease, CancellationToken cancellationToken) =>
        await Of(lease).RenewAsync(lease, cancellationToken);

    /// <inheritdoc/>
    public async Task RevokeAsync(SecretLease lease, CancellationToken cancellationToken) =>
        await Of(lease).RevokeAsync(lease, cancellationToken);

    /// <inheritdoc/>
    public Task AcknowledgeAsync(string name, string? version, CancellationToken cancellationToken) =>
        _found.TryGetValue(name, out var source) && source is IReportingSecretSource { Reports: true } reporting
            ? reporting.AcknowledgeAsync(name, version, cancellationToken)
            : Task.CompletedTask;

    private ILeasingSecretSource Of(SecretLease lease) =>
        _leases.TryGetValue(lease, out var source)
            ? source
            : throw new SecretSourceException(SecretFailure.Invalid, "none of the sources gave this lease.");

    private static async Task ListenAsync(
        IWatchableSecretSource source,
        ChannelWriter<(IWatchableSecretSource Source, SecretChange Change)> changes,
        CancellationToken stop
    )
    {
        try
        {
            await foreach (var change in source.WatchAsync(stop))
            {
                changes.TryWrite((source, change));
            }

            changes.TryComplete();
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            changes.TryComplete(failure);
        }
    }
}
