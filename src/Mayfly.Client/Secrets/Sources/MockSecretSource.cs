using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Mayfly.Client.Secrets.Sources;

/// <summary>One read of a <see cref="MockSecretSource"/>.</summary>
/// <param name="Name">The secret.</param>
/// <param name="At">When, by the mock's clock.</param>
public readonly record struct MockFetch(string Name, DateTimeOffset At);

/// <summary>
/// Secrets for tests and laptops, without a server: the same values at every start, unless the test sets others; every read is
/// recorded; and it fails when told to. Safe for concurrent use.
/// </summary>
/// <param name="time">The clock of the records; a test hands in its own.</param>
public sealed class MockSecretSource(TimeProvider? time = null) : IWatchableSecretSource, ILeasingSecretSource
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly ConcurrentDictionary<string, Stored> _secrets = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _inFlight = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<MockFetch> _fetches = [];
    private readonly ConcurrentDictionary<string, SecretLease> _leases = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Channel<SecretChange>, bool> _watchers = [];
    private readonly Lock _gate = new();
    private SecretSourceException? _failure;
    private SecretSourceException? _watchFailure;
    private TaskCompletionSource? _hold;
    private int _mostInFlight;
    private int _leaseCount;

    /// <inheritdoc/>
    public event EventHandler? LeasesEnding;

    /// <inheritdoc/>
    public string Id => "mock";

    /// <summary>Every read so far, failed ones too, in order.</summary>
    public IReadOnlyCollection<MockFetch> Fetches => _fetches;

    /// <summary>The most reads of one secret that were under way at once.</summary>
    public int MostInFlight => Volatile.Read(ref _mostInFlight);

    /// <summary>The leases that have neither been revoked nor replaced here; they do not end by themselves.</summary>
    public IReadOnlyCollection<SecretLease> Leases => [.. _leases.Values];

    /// <summary>A secret that nobody has set has the field <c>value</c> with this text; null for none, so that it is not found.</summary>
    public Func<string, string?> Default { get; init; } = static name => $"mock value of {name}";

    /// <summary>Sets a secret: a new version of it. Those who watch are told.</summary>
    /// <param name="name">The secret.</param>
    /// <param name="fields">Its fields.</param>
    public void Set(string name, params IEnumerable<KeyValuePair<string, string>> fields) =>
        Put(name, FetchedSecret.Of(fields), lease: null);

    /// <summary>Sets a secret that is one text, its field <c>value</c>.</summary>
    /// <param name="name">The secret.</param>
    /// <param name="value">The text.</param>
    public void Set(string name, string value) => Put(name, FetchedSecret.Of(value), lease: null);

    /// <summary>From now on each read of the name makes a credential (<c>username</c>, <c>password</c>) with a lease.</summary>
    /// <param name="name">The secret.</param>
    /// <param name="duration">How long one lives from when it was given or renewed.</param>
    /// <param name="isRenewable">Whether it can be renewed.</param>
    public void SetDynamic(string name, TimeSpan duration, bool isRenewable = true) =>
        Put(name, FetchedSecret.Of([]), new SecretLease(name, duration, isRenewable));

    /// <summary>Removes a secret: it is not found any more, unless <see cref="Default"/> knows it.</summary>
    /// <param name="name">The secret.</param>
    public void Remove(string name)
    {
        _secrets.TryRemove(name, out _);
        Tell(new SecretChange(name));
    }

    /// <summary>Every read, renewal and revocation fails from now on.</summary>
    /// <param name="reason">How.</param>
    public void Fail(SecretFailure reason = SecretFailure.Unreachable) =>
        Volatile.Write(ref _failure, new SecretSourceException(reason, $"the mock was told to fail as {reason}."));

    /// <summary>Reads succeed again.</summary>
    public void Recover() => Volatile.Write(ref _failure, null);

    /// <summary>Reads wait, from now on, until <see cref="Release"/>.</summary>
    public void Hold() =>
        Interlocked.CompareExchange(
            ref _hold,
            new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously),
            null
        );

    /// <summary>Lets reads go on.</summary>
    public void Release() => Interlocked.Exchange(ref _hold, null)?.SetResult();

    /// <summary>Changes are not told any more, and why; null to tell them again.</summary>
    /// <param name="reason">As which failure the watching ends.</param>
    public void FailWatching(SecretFailure? reason)
    {
        lock (_gate)
        {
            _watchFailure = reason is { } failure
                ? new SecretSourceException(failure, $"the mock was told to fail watching as {failure}.")
                : null;
            if (_watchFailure is not null)
            {
                foreach (var watcher in _watchers.Keys)
                {
                    watcher.Writer.TryComplete(_watchFailure);
                }
            }
        }
    }

    /// <summary>Tells those who watch of a change, or that they may have missed some.</summary>
    /// <param name="change">The change.</param>
    public void Tell(SecretChange change)
    {
        foreach (var watcher in _watchers.Keys)
        {
            watcher.Writer.TryWrite(change);
        }
    }

    /// <inheritdoc/>
    public async Task<FetchedSecret> FetchAsync(string name, CancellationToken cancellationToken)
    {
        _fetches.Enqueue(new MockFetch(name, _time.GetUtcNow()));
        var inFlight = _inFlight.AddOrUpdate(name, 1, static (_, count) => count + 1);
        try
        {
            lock (_gate)
            {
                _mostInFlight = Math.Max(_mostInFlight, inFlight);
            }

            // As with a server, the answer is what holds when the read arrives there.
            var failure = Volatile.Read(ref _failure);
            var answer = failure is null ? Answer(name) : null;
            if (Volatile.Read(ref _hold) is { } hold)
            {
                await hold.Task.WaitAsync(cancellationToken);
            }

            return answer
                ?? throw failure
                    ?? new SecretSourceException(SecretFailure.NotFound, $"{name}: the mock has no such secret.");
        }
        finally
        {
            _inFlight.AddOrUpdate(name, 0, static (_, count) => count - 1);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<SecretChange> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var changes = Channel.CreateUnbounded<SecretChange>();
        lock (_gate)
        {
            changes.Writer.TryWrite(SecretChange.Everything);
            if (_watchFailure is not null)
            {
                throw _watchFailure;
            }

            _watchers[changes] = true;
        }

        try
        {
            await foreach (var change in changes.Reader.ReadAllAsync(cancellationToken))
            {
                yield return change;
            }
        }
        finally
        {
            _watchers.TryRemove(changes, out _);
        }
    }

    /// <inheritdoc/>
    public Task<SecretLease> RenewAsync(SecretLease lease, CancellationToken cancellationToken) =>
        Volatile.Read(ref _failure) is { } failure ? Task.FromException<SecretLease>(failure)
        : _leases.TryGetValue(lease.Id, out var known) ? Task.FromResult(known)
        : Task.FromException<SecretLease>(
            new SecretSourceException(SecretFailure.Invalid, "the mock knows no such lease.")
        );

    /// <inheritdoc/>
    public Task RevokeAsync(SecretLease lease, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _failure) is { } failure)
        {
            return Task.FromException(failure);
        }

        _leases.TryRemove(lease.Id, out _);
        return Task.CompletedTask;
    }

    /// <summary>Says that all leases end, and ends them.</summary>
    public void EndLeases()
    {
        _leases.Clear();
        LeasesEnding?.Invoke(this, EventArgs.Empty);
    }

    /// <summary>Ends a lease, or gives it another duration when it is renewed the next time.</summary>
    /// <param name="lease">The lease.</param>
    /// <param name="duration">The duration; null to end it.</param>
    public void SetLease(SecretLease lease, TimeSpan? duration)
    {
        if (duration is { } next)
        {
            _leases[lease.Id] = lease with { Duration = next };
        }
        else
        {
            _leases.TryRemove(lease.Id, out _);
        }
    }

    private void Put(string name, FetchedSecret fetched, SecretLease? lease)
    {
        _secrets.AddOrUpdate(
            name,
            static (_, put) => new Stored(put.fetched, 1, put.lease),
            static (_, old, put) => new Stored(put.fetched, old.Version + 1, put.lease),
            (fetched, lease)
        );
        Tell(new SecretChange(name));
    }

    private FetchedSecret? Answer(string name)
    {
        if (!_secrets.TryGetValue(name, out var stored))
        {
            return Default(name) is { } value ? FetchedSecret.Of(value) : null;
        }

        if (stored.Lease is null)
        {
            return new FetchedSecret(stored.Fetched.Fields)
            {
                Version = stored.Version.ToString(CultureInfo.InvariantCulture),
                VersionNumber = stored.Version,
            };
        }

        var number = Interlocked.Increment(ref _leaseCount).ToString(CultureInfo.InvariantCulture);
        var lease = stored.Lease with { Id = $"{name}/{number}" };
        _leases[lease.Id] = lease;
        var made = FetchedSecret.Of([new("username", $"user-{number}"), new("password", $"password-{number}")]);
        return new FetchedSecret(made.Fields) { Lease = lease };
    }

    private sealed record Stored(FetchedSecret Fetched, long Version, SecretLease? Lease);
}
