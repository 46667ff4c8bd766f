using System.Collections.Concurrent;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Quotas;

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

    /// <summary>The most consumers of one path. Further ones read as always, with a warning, and are not waited for.</summary>
    public const int MostPerPath = 3_000;

    /// <summary>The most consumers at all: some 30 MB.</summary>
    public const int MostAtAll = 100_000;

    /// <summary>The most paths. The consumers of further ones are not known.</summary>
    public const int MostPaths = 20_000;

    private const string Full =
        "the server remembers as many consumers as it can: this one is not among them, and no rotation waits for it. A token that "
        + "stands for many consumers may be the reason; let each program log in by itself";

    private readonly ConcurrentDictionary<string, ReadersOfPath> _paths = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Offered> _offers = new(StringComparer.Ordinal);
    private readonly FairShares _total = new(MostAtAll);
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
        if (path.EndsWith('/') || request.CallerOrNull is not { } caller)
        {
            // Who may read below a path may ask for it with a slash at its end: that is not the secret that is on offer.
            return await handler(request, cancellation);
        }

        if (!ConsumerRight.Has(caller.Acl, path, consumer))
        {
            return Warned(await handler(request, cancellation), ConsumerRight.Lacking(consumer));
        }

        var owner = TokenName.Of(request);

        if (
            _offers.TryGetValue(path, out var offer)
            && offer.Read is { } read
            && request.Request.Query.Count == 0
            && await read(cancellation) is { Succeeded: true } offered
        )
        {
            offer.Shown = offered.Response!.OfferedVersion;
            return Note(path, consumer, owner, offer.Version, acknowledged: false) ? offered : Warned(offered, Full);
        }

        var outcome = await handler(request, cancellation);
        return outcome.Succeeded && !Note(path, consumer, owner, version: "", acknowledged: false)
            ? Warned(outcome, Full)
            : outcome;
    }

    /// <summary>A consumer says that it uses <paramref name="version"/> now; "" for the one that it was given last.</summary>
    /// <param name="path">What it reads.</param>
    /// <param name="consumer">Its name.</param>
    /// <param name="owner">The token, for the limits.</param>
    /// <param name="version">The version.</param>
    /// <returns>Null, or that there is no place for it.</returns>
    public Fault? Acknowledge(string path, string consumer, string owner, string version)
    {
        path = path.TrimEnd('/');
        var offer = _offers.GetValueOrDefault(path);
        var isOffered = version.Length > 0 && offer is not null && (version == offer.Version || version == offer.Shown);
        return Note(path, consumer, owner, isOffered ? offer!.Version : version, acknowledged: true)
            ? null
            : Fault.Throttled(Full, Lifetime);
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

    private static Outcome Warned(Outcome outcome, string warning)
    {
        outcome.Response?.Warnings.Add(warning);
        return outcome;
    }

    /// <summary>False when there is no place for the consumer.</summary>
    private bool Note(string path, string consumer, string owner, string version, bool acknowledged)
    {
        var now = time.GetUtcNow();
        Sweep(now);
        bool? noted;
        do
        {
            if (!_paths.ContainsKey(path) && _paths.Count >= MostPaths)
            {
                return false;
            }

            var readers = _paths.GetOrAdd(path, _ => new ReadersOfPath(_total));
            noted = readers.TryNote(consumer, owner, version, acknowledged, now);
        } while (noted is null);

        if (noted == false)
        {
            return false;
        }

        if (_offers.TryGetValue(path, out var offer) && (acknowledged || version == offer.Version))
        {
            offer.Taken();
        }

        return true;
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
}
