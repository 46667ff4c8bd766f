using System.Collections.Concurrent;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Consumers;

/// <summary>
/// Who reads what: programs that say who they are when they read, and which version of a secret they hold. In memory alone,
/// since a read must not cost a write; so for a while after the start it does not know everybody (<see cref="KnownFrom"/>).
/// Safe for concurrent use.
/// </summary>
internal sealed class ConsumerBook(TimeProvider time)
{
    /// <summary>A consumer that has neither read nor acknowledged for this long is gone.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    /// <summary>The most consumers of one path. Further ones read as always, but are not waited for.</summary>
    public const int MostPerPath = 1_000;

    /// <summary>The most paths. The consumers of further ones are not known.</summary>
    public const int MostPaths = 20_000;

    private readonly ConcurrentDictionary<string, ReadersOfPath> _paths = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Offered> _offers = new(StringComparer.Ordinal);
    private readonly DateTimeOffset _start = time.GetUtcNow();
    private long _swept = time.GetUtcNow().Ticks;

    /// <summary>From when on every live consumer has been heard of.</summary>
    public DateTimeOffset KnownFrom => _start + Lifetime;

    /// <summary>
    /// Answers a read of a consumer: with the version that is on offer, where there is one, otherwise as for everybody; and
    /// remembers that it was here.
    /// </summary>
    public async ValueTask<Outcome> ReadAsync(
        AuthorizedRequest request,
        Handler handler,
        CancellationToken cancellation
    )
    {
        var path = request.Request.Path;
        var consumer = request.Request.Consumer!;
        if (path.EndsWith('/'))
        {
            // Who may read below a path may ask for it with a slash at its end: that is not the secret that is on offer.
            return await handler(request, cancellation);
        }

        if (
            _offers.TryGetValue(path, out var offer)
            && offer.Read is { } read
            && request.Request.Query.Count == 0
            && await read(cancellation) is { Succeeded: true } offered
        )
        {
            offer.Shown = offered.Response!.OfferedVersion;
            Note(path, consumer, offer.Version, acknowledged: false);
            return offered;
        }

        var outcome = await handler(request, cancellation);
        if (outcome.Succeeded)
        {
            Note(path, consumer, version: "", acknowledged: false);
        }

        return outcome;
    }

    /// <summary>A consumer says that it uses <paramref name="version"/> now; "" for the one that it was given last.</summary>
    public void Acknowledge(string path, string consumer, string version)
    {
        path = path.TrimEnd('/');
        var offer = _offers.GetValueOrDefault(path);
        var isOffered = version.Length > 0 && offer is not null && (version == offer.Version || version == offer.Shown);
        Note(path, consumer, isOffered ? offer!.Version : version, acknowledged: true);
    }

    /// <summary>The live consumers of a path.</summary>
    public IReadOnlyList<Consumer> Of(string path) =>
        _paths.TryGetValue(path, out var readers) ? readers.Live(time.GetUtcNow() - Lifetime) : [];

    /// <summary>The live consumers of a path that do not hold <paramref name="version"/>.</summary>
    public IReadOnlyList<Consumer> BehindOf(string path, string version) =>
        [.. Of(path).Where(consumer => !consumer.Holds(version))];

    /// <summary>
    /// From now on consumers of <paramref name="path"/> get this version; without <paramref name="read"/> they are only told of
    /// it elsewhere, and acknowledge it. <paramref name="taken"/> is called whenever one has.
    /// </summary>
    public void Offer(string path, string version, Func<CancellationToken, ValueTask<Outcome>>? read, Action taken)
    {
        if (_offers.GetValueOrDefault(path)?.Version != version)
        {
            _offers[path] = new Offered(version, read, taken);
        }
    }

    public void Withdraw(string path) => _offers.TryRemove(path, out _);

    private void Note(string path, string consumer, string version, bool acknowledged)
    {
        var now = time.GetUtcNow();
        Sweep(now);
        ReadersOfPath readers;
        do
        {
            if (!_paths.ContainsKey(path) && _paths.Count >= MostPaths)
            {
                return;
            }

            readers = _paths.GetOrAdd(path, _ => new ReadersOfPath());
        } while (!readers.TryNote(consumer, version, acknowledged, now));

        if (_offers.TryGetValue(path, out var offer) && (acknowledged || version == offer.Version))
        {
            offer.Taken();
        }
    }

    /// <summary>Forgets who is gone, once per lifetime.</summary>
    private void Sweep(DateTimeOffset now)
    {
        var last = Volatile.Read(ref _swept);
        if (now.Ticks - last < Lifetime.Ticks || Interlocked.CompareExchange(ref _swept, now.Ticks, last) != last)
        {
            return;
        }

        foreach (var (path, readers) in _paths)
        {
            if (readers.Forget(now - Lifetime))
            {
                _paths.TryRemove(new(path, readers));
            }
        }
    }

    /// <param name="version">The version's UUID.</param>
    /// <param name="read">Answers reads with it, or null.</param>
    /// <param name="taken">Called when a consumer has taken it up.</param>
    private sealed class Offered(string version, Func<CancellationToken, ValueTask<Outcome>>? read, Action taken)
    {
        private volatile string _shown = "";

        public string Version => version;

        public Func<CancellationToken, ValueTask<Outcome>>? Read => read;

        public Action Taken => taken;

        /// <summary>How the replies themselves name the version.</summary>
        public string Shown
        {
            get => _shown;
            set => _shown = value;
        }
    }

    private sealed class ReadersOfPath
    {
        private readonly Dictionary<string, Consumer> _consumers = new(StringComparer.Ordinal);
        private bool _forgotten;

        /// <summary>False when this object has been forgotten, and another one stands for the path.</summary>
        public bool TryNote(string name, string version, bool acknowledged, DateTimeOffset now)
        {
            lock (_consumers)
            {
                if (_forgotten)
                {
                    return false;
                }

                if (!_consumers.TryGetValue(name, out var consumer))
                {
                    if (_consumers.Count >= MostPerPath)
                    {
                        return true;
                    }

                    consumer = new Consumer(name, now, "", null);
                }

                _consumers[name] =
                    !acknowledged ? consumer with { Seen = now, Given = version }
                    : version.Length > 0 ? consumer with { Seen = now, Acknowledged = version }
                    : consumer with { Seen = now, Acknowledged = consumer.Given };
                return true;
            }
        }

        public IReadOnlyList<Consumer> Live(DateTimeOffset since)
        {
            lock (_consumers)
            {
                return [.. _consumers.Values.Where(consumer => consumer.Seen > since)];
            }
        }

        /// <summary>Removes who was last seen before; tells whether nobody is left.</summary>
        public bool Forget(DateTimeOffset since)
        {
            lock (_consumers)
            {
                foreach (var gone in _consumers.Values.Where(consumer => consumer.Seen <= since).ToList())
                {
                    _consumers.Remove(gone.Name);
                }

                _forgotten = _consumers.Count == 0;
                return _forgotten;
            }
        }
    }
}

/// <summary>A program that reads a secret and says who it is. Immutable.</summary>
/// <param name="Name">As it calls itself: <c>app/instance</c>.</param>
/// <param name="Seen">When it last read or acknowledged.</param>
/// <param name="Given">The offered version that its last read gave it; "" when that was the current one.</param>
/// <param name="Acknowledged">The version that it said it uses; null when it has never said so.</param>
internal sealed record Consumer(string Name, DateTimeOffset Seen, string Given, string? Acknowledged)
{
    /// <summary>Whoever acknowledges is taken at their word; of the others it is known what they were given.</summary>
    public bool Holds(string version) => (Acknowledged ?? Given) == version;
}
