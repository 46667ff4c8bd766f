using System.Collections.Concurrent;
using System.Security.Cryptography;
using Mayfly.Client.Telemetry;

namespace Mayfly.Client.Secrets;

/// <summary>
/// Secrets of one source, kept fresh in the background: <c>secrets.Get("secret/data/app").Current["password"]</c> is always the
/// value of now. Make one for the whole program. Safe for concurrent use.
/// </summary>
public sealed class LiveSecrets : IAsyncDisposable, IDisposable
{
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, LiveSecret> _secrets = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly ChangeWatch? _watch;
    private int _isEnded;

    /// <summary>Secrets of <paramref name="source"/>. Nothing is read before somebody asks.</summary>
    /// <param name="source">Where the secrets come from. It is not disposed of here.</param>
    /// <param name="options">How they are kept fresh.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public LiveSecrets(ISecretSource source, LiveSecretsOptions? options = null)
    {
        Options = options ?? new LiveSecretsOptions();
        Options.Validate();
        Stop = _stop.Token;
        Source = new GuardedSource(source, Options);
        Digest = new ContentDigest(
            Options.VersionHashKey?.ToArray() ?? RandomNumberGenerator.GetBytes(ContentDigest.KeySize)
        );
        Leases = new ReplacedLeases(this);
        LiveSecretsInUse.Add(this);
        if (source is ILeasingSecretSource leasing)
        {
            leasing.LeasesEnding += OnLeasesEnding;
        }

        _watch = Options.Watch && source is IWatchableSecretSource watchable ? new ChangeWatch(watchable, this) : null;
    }

    /// <summary>Changes are heard of as they happen. Otherwise they are found when secrets are read again.</summary>
    public bool IsWatching => _watch is { IsListening: true };

    /// <summary>Why changes cannot be heard of; null when they can, or need not be.</summary>
    public SecretSourceException? WatchFailure => _watch?.Failure;

    /// <summary>All secrets that have been asked for.</summary>
    public IReadOnlyCollection<LiveSecret> All => [.. _secrets.Values];

    internal LiveSecretsOptions Options { get; }

    internal GuardedSource Source { get; }

    internal ContentDigest Digest { get; }

    internal ReplacedLeases Leases { get; }

    internal CancellationToken Stop { get; }

    internal bool IsDisposed => Stop.IsCancellationRequested;

    /// <summary>There is somebody to report the versions in use to.</summary>
    internal bool Reports => Source.Source is IReportingSecretSource { Reports: true };

    /// <summary>The live secret of a name. Reads nothing: <see cref="LiveSecret.GetAsync"/> does.</summary>
    /// <param name="name">The secret, in the words of the source: <c>secret/data/app</c>.</param>
    /// <param name="options">What is different for this one. Whoever asks for a name first decides.</param>
    public LiveSecret Get(string name, LiveSecretOptions? options = null)
    {
        ThrowIfDisposed();
        return _secrets.TryGetValue(name, out var known)
            ? known
            : _secrets.GetOrAdd(
                name,
                static (name, its) => new LiveSecret(its.Owner, name, its.options),
                (Owner: this, options)
            );
    }

    /// <summary>The value of a secret. Waits only for the first one; see <see cref="LiveSecret.GetAsync"/>.</summary>
    /// <param name="name">The secret.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="SecretUnavailableException">There is no value to be had.</exception>
    public ValueTask<SecretValue> GetAsync(string name, CancellationToken cancellationToken = default) =>
        Get(name).GetAsync(cancellationToken);

    /// <summary>The value of a secret is known to be outdated; see <see cref="LiveSecret.Invalidate"/>.</summary>
    /// <param name="name">The secret. One that nobody has asked for needs nothing.</param>
    public void Invalidate(string name)
    {
        if (_secrets.TryGetValue(name, out var secret))
        {
            secret.Invalidate();
        }
    }

    /// <summary>
    /// Stops, and revokes leased credentials where <see cref="LiveSecretsOptions.RevokeAtEnd"/> says so; takes five seconds at
    /// most. Values are not handed out any more.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (End() is { } left)
        {
            using var limit = new CancellationTokenSource(Farewell, Options.Time);
            await Leases.EndAsync(Options.RevokeAtEnd ? left : [], limit.Token);
            var idle = Task.WhenAll(_secrets.Values.Select(secret => secret.IdleAsync()));
            await idle.WaitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Stops at once. Leased credentials are left to end with their leases.</summary>
    public void Dispose()
    {
        _ = End();
    }

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(IsDisposed, this);

    internal void StartWatching() => _watch?.Start();

    internal void Notice(SecretChange change)
    {
        if (change.Name is not { } name)
        {
            foreach (var secret in _secrets.Values)
            {
                secret.Notice(Options.LostSpread);
            }
        }
        else if (_secrets.TryGetValue(name, out var secret))
        {
            secret.Notice(Options.ChangeSpread);
        }
    }

    private void OnLeasesEnding(object? sender, EventArgs e)
    {
        foreach (var secret in _secrets.Values)
        {
            secret.ReplaceLeased();
        }
    }

    internal void Poll()
    {
        foreach (var secret in _secrets.Values)
        {
            secret.Poll();
        }
    }

    /// <summary>Stops everything; gives the leases that are left, or null when it had been stopped before.</summary>
    private List<(string Name, SecretLease Lease)>? End()
    {
        if (Interlocked.Exchange(ref _isEnded, 1) != 0)
        {
            return null;
        }

        LiveSecretsInUse.Remove(this);
        if (Source.Source is ILeasingSecretSource leasing)
        {
            leasing.LeasesEnding -= OnLeasesEnding;
        }

        _stop.Cancel();
        var left = new List<(string, SecretLease)>();
        foreach (var secret in _secrets.Values)
        {
            if (secret.End() is { } lease)
            {
                left.Add((secret.Name, lease));
            }
        }

        return left;
    }
}
