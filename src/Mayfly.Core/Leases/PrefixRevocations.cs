using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Crypto;

namespace Mayfly.Core.Leases;

/// <summary>
/// Everything below a path ended at once: one durable write makes a generation, and whatever was made in an earlier one
/// below the path does not count any more. What is left of it is cleaned away afterwards; then the revocation goes.
/// Reading takes no lock, and costs one comparison while nothing is revoked. Safe for concurrent use.
/// </summary>
internal sealed partial class PrefixRevocations(View view, VaultOptions server, TimeProvider time) : IDisposable
{
    private const string Counter = "generation";
    private const string Prefixes = "prefix/";
    private const int Retries = 8;

    /// <summary>
    /// How long a revocation stays at least: longer than a request that began in an earlier generation can take to store what
    /// it made.
    /// </summary>
    private static readonly TimeSpan Shortest = TimeSpan.FromMinutes(5);

    /// <summary>How far the clock may be set back without a batch token coming to life again.</summary>
    private static readonly TimeSpan ClockMargin = TimeSpan.FromHours(2);

    private readonly SemaphoreSlim _changing = new(1, 1);
    private volatile State _state = State.Empty;

    /// <summary>Below it stand the revocations, due when they are to be cleaned up or removed.</summary>
    public StoreKey Root => view.Root;

    /// <summary>The path of a record below <see cref="Root"/>.</summary>
    public string PathOf(StoreKey key) => view.PathOf(key)!;

    /// <summary>The generation of what is made now, with what its commit has to expect.</summary>
    public Generation Now => _state.Now;

    /// <summary>Makes a commit fail when a prefix has been revoked since <paramref name="generation"/> was looked at.</summary>
    public void Expect(Batch batch, Generation generation) => view.Expect(batch, Counter, generation.Version);

    /// <summary>
    /// Looks again at what commits have to expect, after one was refused: also rotating the keys writes the counter anew.
    /// </summary>
    public async ValueTask RefreshAsync(CancellationToken cancellation)
    {
        await _changing.WaitAsync(cancellation);
        try
        {
            _state = _state with { Now = await ReadCounterAsync(cancellation) };
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Whether something made in <paramref name="generation"/> has been revoked by its path.</summary>
    /// <param name="generation">The number of the generation that it was made in.</param>
    /// <param name="path">The path that made it.</param>
    /// <param name="name">Its own name below the path, or "".</param>
    public bool Cover(long generation, string path, string name)
    {
        var state = _state;
        return generation < state.Newest && state.Cover(generation, path, name);
    }

    /// <summary>Reads what is stored, before anything is asked.</summary>
    public async ValueTask LoadAsync(CancellationToken cancellation)
    {
        const int PerScan = 256;
        var state = State.Empty with { Now = await ReadCounterAsync(cancellation) };
        string? after = null;
        while (true)
        {
            var found = await view.ScanAsync(Prefixes, after, PerScan, cancellation);
            foreach (var (path, entry) in found)
            {
                using (entry)
                {
                    state = state.With(PrefixOf(path), Codec.Decode(entry.Value).Generation);
                }

                after = path;
            }

            if (found.Count < PerScan)
            {
                _state = state;
                return;
            }
        }
    }

    /// <summary>Ends everything below <paramref name="prefix"/> (which ends with a slash): when it returns, nothing of it counts.</summary>
    public async ValueTask<(PrefixRevocation? Revocation, Fault? Fault)> RevokeAsync(
        string prefix,
        CancellationToken cancellation
    )
    {
        await _changing.WaitAsync(cancellation);
        try
        {
            for (var attempt = 0; ; attempt++)
            {
                var state = _state;
                var next = state.Now.Number + 1;
                var now = time.GetUtcNow();
                var revocation = new PrefixRevocation(next, now, IsClean: false);
                var batch = new Batch();
                view.Put(batch, Counter, BitConverter.GetBytes(next), due: null, state.Now.Version);
                view.Put(batch, RecordOf(prefix), Codec.Encode(revocation), now.ToUnixTimeMilliseconds());
                var result = await view.CommitAsync(batch, CancellationToken.None);
                if (result.Succeeded)
                {
                    _state = (state with { Now = new(next, result.Sequence) }).With(prefix, next);
                    return (revocation, null);
                }

                if (result.Status != CommitStatus.Conflict || attempt >= Retries)
                {
                    return (null, Fault.From(result));
                }

                _state = state with { Now = await ReadCounterAsync(cancellation) };
            }
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>
    /// Is called when a revocation has come due: what it ended is to be cleaned away, or nothing is left that it counts for.
    /// </summary>
    /// <param name="path">Of the record.</param>
    /// <param name="clean">Removes what stands below the prefix and is older than the generation.</param>
    /// <param name="cancellation">Gives up; it is gone on with later.</param>
    public async ValueTask DueAsync(
        string path,
        Func<string, long, CancellationToken, ValueTask> clean,
        CancellationToken cancellation
    )
    {
        using var entry = await view.GetAsync(path, cancellation);
        if (entry is null || entry.Due > time.GetUtcNow().ToUnixTimeMilliseconds())
        {
            return;
        }

        var revocation = Codec.Decode(entry.Value);
        var prefix = PrefixOf(path);
        var ends = revocation.RevokedAt + Lifetime(prefix);
        var batch = new Batch();
        if (!revocation.IsClean)
        {
            await clean(prefix, revocation.Generation, cancellation);
            revocation = revocation with { IsClean = true };
        }

        if (ends > time.GetUtcNow())
        {
            view.Put(batch, path, Codec.Encode(revocation), ends.ToUnixTimeMilliseconds(), entry.Version);
            await view.CommitAsync(batch, cancellation);
            return;
        }

        await _changing.WaitAsync(cancellation);
        try
        {
            view.Delete(batch, path, entry.Version);
            if ((await view.CommitAsync(batch, CancellationToken.None)).Succeeded)
            {
                _state = _state.Without(prefix);
            }
        }
        finally
        {
            _changing.Release();
        }
    }

    public void Dispose() => _changing.Dispose();

    /// <summary>Batch tokens stand nowhere, so nothing can clean them away: the revocation stays until the last has expired.</summary>
    private TimeSpan Lifetime(string prefix) =>
        prefix.StartsWith("auth/", StringComparison.Ordinal) ? server.MaxLeaseTtl + ClockMargin : Shortest;

    private async ValueTask<Generation> ReadCounterAsync(CancellationToken cancellation)
    {
        using var counter = await view.GetAsync(Counter, cancellation);
        return counter is null
            ? State.Empty.Now
            : new Generation(BitConverter.ToInt64(counter.Value.Span), counter.Version);
    }

    private static string RecordOf(string prefix) => Prefixes + prefix.TrimEnd('/');

    private static string PrefixOf(string record) => record[Prefixes.Length..] + "/";

    [JsonSerializable(typeof(PrefixRevocation))]
    private sealed partial class Codec : JsonSerializerContext
    {
        public static byte[] Encode(PrefixRevocation revocation) =>
            JsonSerializer.SerializeToUtf8Bytes(revocation, Default.PrefixRevocation);

        public static PrefixRevocation Decode(SecretBytes stored) =>
            JsonSerializer.Deserialize(stored.Span, Default.PrefixRevocation)!;
    }

    /// <summary>What is revoked. Immutable, and swapped whole.</summary>
    private sealed record State(Generation Now, long Newest, FrozenDictionary<string, long> ByPrefix)
    {
        public static readonly State Empty = new(default, 0, FrozenDictionary<string, long>.Empty);

        public State With(string prefix, long generation) =>
            this with
            {
                Newest = Math.Max(Newest, generation),
                ByPrefix = ByPrefix
                    .Where(pair => pair.Key != prefix)
                    .Append(new(prefix, generation))
                    .ToFrozenDictionary(StringComparer.Ordinal),
            };

        public State Without(string prefix)
        {
            var rest = ByPrefix.Where(pair => pair.Key != prefix).ToFrozenDictionary(StringComparer.Ordinal);
            return this with { Newest = rest.Values.Length == 0 ? 0 : rest.Values.Max(), ByPrefix = rest };
        }

        public bool Cover(long generation, string path, string name)
        {
            var whole = name.Length == 0 ? path + "/" : $"{path}/{name}/";
            var lookup = ByPrefix.GetAlternateLookup<ReadOnlySpan<char>>();
            for (var end = whole.IndexOf('/'); end >= 0; end = whole.IndexOf('/', end + 1))
            {
                if (lookup.TryGetValue(whole.AsSpan(0, end + 1), out var revoked) && generation < revoked)
                {
                    return true;
                }
            }

            return false;
        }
    }
}

/// <summary>A generation, and the version of the record that counts them.</summary>
internal readonly record struct Generation(long Number, long Version);

/// <summary>The record of a revoked prefix. Immutable.</summary>
/// <param name="Generation">What is older does not count any more.</param>
/// <param name="RevokedAt">When.</param>
/// <param name="IsClean">Nothing is stored any more that it ended.</param>
internal sealed record PrefixRevocation(long Generation, DateTimeOffset RevokedAt, bool IsClean);
