using Microsoft.Extensions.Primitives;

namespace Mayfly.Client.Secrets;

/// <summary>How good a live secret's value is.</summary>
public enum SecretState
{
    /// <summary>There is none yet.</summary>
    Cold,

    /// <summary>Read within its TTL, and the last attempt succeeded.</summary>
    Fresh,

    /// <summary>It is handed out, but the source could not be read lately.</summary>
    Stale,

    /// <summary>It was too old to be handed out any longer.</summary>
    Expired,
}

/// <summary>What has changed.</summary>
/// <param name="previous">The value before; null for the first.</param>
/// <param name="value">The value now.</param>
public sealed class SecretChangedEventArgs(SecretValue? previous, SecretValue value) : EventArgs
{
    /// <summary>The value before; null for the first.</summary>
    public SecretValue? Previous => previous;

    /// <summary>The value now.</summary>
    public SecretValue Value => value;
}

/// <summary>
/// A secret that stays up to date: what <see cref="Current"/> gives is kept fresh in the background. One object per name, from
/// <see cref="LiveSecrets.Get"/>; hold on to it rather than to its values. Safe for concurrent use.
/// </summary>
/// <remarks>
/// Reading <see cref="Current"/> once there is a value neither waits, locks, allocates nor asks for the time. The bound on stale
/// values is held by a timer that takes the value away.
/// </remarks>
public sealed partial class LiveSecret
{
    // "For ever", as somebody may write TimeSpan.MaxValue: what is added up from it is still a time.
    private static readonly TimeSpan LongestSpan = TimeSpan.FromDays(36500);

    private readonly LiveSecrets _owner;
    private readonly LiveSecretsOptions _options;
    private readonly TimeSpan _ttl;
    private readonly TimeSpan _maxStale;
    private readonly Acknowledgement _acknowledgement;
    private readonly UseReport _report;

    // What readers get; null while there is nothing that may be handed out.
    private volatile SecretValue? _current;

    internal LiveSecret(LiveSecrets owner, string name, LiveSecretOptions? options)
    {
        _owner = owner;
        _options = owner.Options;
        Name = name;
        _ttl = Bounded(options?.Ttl ?? _options.Ttl);
        _maxStale = Bounded(options?.MaxStale ?? _options.MaxStale ?? _ttl);
        _acknowledgement = options?.Acknowledgement ?? _options.Acknowledgement;
        _report = new UseReport(owner, name);
        _flight = new SingleFlight<SecretSourceException?>(
            UpdateAsync,
            _options.LeastInterval,
            _options.Time,
            owner.Stop
        );
        _timer = _options.Time.CreateTimer(
            static state => ((LiveSecret)state!).OnTimer(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
    }

    /// <summary>A value has become the current one. Handlers run in the background, one change after the other.</summary>
    public event EventHandler<SecretChangedEventArgs>? Changed;

    /// <summary>The secret's name.</summary>
    public string Name { get; }

    /// <summary>The value now. Never waits.</summary>
    /// <exception cref="SecretExpiredException">The last value is too old to be handed out.</exception>
    /// <exception cref="SecretUnavailableException">No value has been read yet: await <see cref="GetAsync"/> first.</exception>
    public SecretValue Current
    {
        get
        {
            var value = _current;
            return value is { IsGiven: true } ? value : Given(value ?? throw Unavailable());
        }
    }

    /// <summary>The value now, when there is one that may be handed out. Never waits.</summary>
    /// <param name="value">The value.</param>
    public bool TryGetCurrent([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out SecretValue? value)
    {
        value = _current;
        if (value is null)
        {
            return false;
        }

        Given(value);
        return true;
    }

    /// <summary>How good the value is.</summary>
    public SecretState State
    {
        get
        {
            lock (_gate)
            {
                return _entry is not { } entry ? SecretState.Cold
                    : _current is null ? SecretState.Expired
                    : _failure is null && _options.Time.GetTimestamp() < entry.StaleAt ? SecretState.Fresh
                    : SecretState.Stale;
            }
        }
    }

    /// <summary>Why the last attempt to read the source failed; null when it succeeded.</summary>
    public SecretSourceException? LastFailure
    {
        get
        {
            lock (_gate)
            {
                return _failure;
            }
        }
    }

    /// <summary>The time since the value was read from the source; null before there was one.</summary>
    public TimeSpan? Age
    {
        get
        {
            lock (_gate)
            {
                return _entry is { } entry ? _options.Time.GetElapsedTime(entry.ReadAt) : null;
            }
        }
    }

    /// <summary>
    /// The value. Waits only when there is none, or after <see cref="Invalidate"/>; as long as one read of the source may take.
    /// </summary>
    /// <param name="cancellationToken">Stops waiting. The read goes on for others.</param>
    /// <exception cref="SecretExpiredException">The last value is too old, and there is no newer one to be had.</exception>
    /// <exception cref="SecretUnavailableException">There is no value to be had.</exception>
    public ValueTask<SecretValue> GetAsync(CancellationToken cancellationToken = default) =>
        _current is { } value && Volatile.Read(ref _invalidation) is null
            ? new(Given(value))
            : new(ReadAsync(cancellationToken));

    /// <summary>Reads the source now, past the cache. Callers at the same time share one read.</summary>
    /// <param name="cancellationToken">Stops waiting. The read goes on for others.</param>
    /// <returns>The value that is current after it, which may be the same.</returns>
    /// <exception cref="SecretSourceException">It could not be read. What was current stays so, within its bound.</exception>
    public async Task<SecretValue> RefreshAsync(CancellationToken cancellationToken = default)
    {
        var failure = await Refetch().WaitAsync(cancellationToken);
        return failure is null && _current is { } value ? Given(value) : throw failure ?? ItIsGone();
    }

    /// <summary>
    /// The value is known to be outdated: it is read again at once, and <see cref="GetAsync"/> waits for that.
    /// <see cref="Current"/> gives the old one until then.
    /// </summary>
    public void Invalidate()
    {
        var read = Refetch();
        Volatile.Write(ref _invalidation, read);
        _ = ForgetAsync();

        async Task ForgetAsync()
        {
            await ((Task)read).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _ = Interlocked.CompareExchange(ref _invalidation, null, read);
        }
    }

    /// <summary>Says that the program uses the current version now, where that is left to it.</summary>
    public void Acknowledge()
    {
        if (_current is { } value)
        {
            _report.Use(value);
        }
    }

    /// <summary>
    /// Says that the program uses this value now, where that is left to it: for what takes a while to change over, and must not
    /// say so of a value that has come meanwhile.
    /// </summary>
    /// <param name="value">
    /// A value of this secret. One without a <see cref="SecretValue.Version"/> is passed over when it is not the current one any
    /// more, since it could not be told from that.
    /// </param>
    public void Acknowledge(SecretValue value)
    {
        if (value.Version is not null || ReferenceEquals(value, _current))
        {
            _report.Use(value);
        }
    }

    /// <summary>Waits for a value other than <paramref name="known"/>.</summary>
    /// <param name="known">The value that the caller has; null for none.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<SecretValue> WaitForChangeAsync(SecretValue? known, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var next = Volatile.Read(ref _change);
            if (_current is { } value && !ReferenceEquals(value, known))
            {
                return Given(value);
            }

            _owner.ThrowIfDisposed();
            await next.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>A token that fires once, at the next change; in the background.</summary>
    public IChangeToken GetChangeToken() => new ChangeToken(Volatile.Read(ref _change).Task);

    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({State})";

    private async Task<SecretValue> ReadAsync(CancellationToken cancellationToken)
    {
        _owner.ThrowIfDisposed();
        _owner.StartWatching();
        var change = Volatile.Read(ref _change).Task;
        if (Volatile.Read(ref _invalidation) is { } invalidation)
        {
            await ((Task)invalidation.WaitAsync(cancellationToken)).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing
            );
            cancellationToken.ThrowIfCancellationRequested();
        }
        else if (_current is null)
        {
            // A value that was kept on disk comes before the run has ended.
            await Task.WhenAny(_flight.Soon(), change).WaitAsync(cancellationToken);
        }

        return Given(_current ?? throw Unavailable());
    }

    /// <summary>The program has it in its hands from now on.</summary>
    private SecretValue Given(SecretValue value)
    {
        if (!value.IsGiven)
        {
            value.IsGiven = true;
            if (_acknowledgement == Acknowledgement.WhenGiven)
            {
                _report.Use(value);
            }
        }

        return value;
    }

    private SecretUnavailableException Unavailable()
    {
        _owner.ThrowIfDisposed();
        lock (_gate)
        {
            return _entry is not null
                ? new SecretExpiredException(Name, _failure)
                : new SecretUnavailableException(
                    Name,
                    _failure is null ? $"{Name}: not read yet; await GetAsync first." : $"{Name}: there is no value.",
                    _failure
                );
        }
    }

    private SecretSourceException ItIsGone() =>
        new(SecretFailure.Unreachable, $"{Name}: the answer took longer than its value may be used.");

    private static TimeSpan Bounded(TimeSpan span) => span < LongestSpan ? span : LongestSpan;
}
