using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Leases;

/// <summary>
/// The leases that exist: below each mount's folder a record for each lease at its path, due when something is to happen
/// to it, and one for each intent; and, below each token that owns leases, a line for each of them. Safe for concurrent use.
/// </summary>
internal sealed class LeaseStore(View leases, View owners)
{
    /// <summary>What the addresses of the few folders that hold leases and intents stand for.</summary>
    private readonly ConcurrentDictionary<StoreKey, (string Mount, bool IsRecord)> _folders = new();

    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int RandomLength = 24;
    private const int LineNameLength = 16;
    private const string Records = "/id/";
    private const string Intents = "/intent/";
    private const string Irrevocable = "/irrevocable/";

    public View View => leases;

    /// <summary>The random part of a lease's id.</summary>
    public static string NewRandomPart() => RandomNumberGenerator.GetString(Alphabet, RandomLength);

    /// <summary>Where the lease stands that was issued below a mount; <paramref name="below"/> is its id without the mount's path.</summary>
    public static string Record(string mount, string below) => mount + Records + below;

    /// <summary>Where the intent stands.</summary>
    public static string Intent(string mount, string random) => mount + Intents + random;

    /// <summary>Whether a path of the view is a lease's; otherwise it is an intent's.</summary>
    public static bool IsRecord(string path) =>
        path.AsSpan(MountOf(path).Length).StartsWith(Records, StringComparison.Ordinal);

    /// <summary>The UUID of the mount whose record that is.</summary>
    public static string MountOf(string path) => path[..path.IndexOf('/', StringComparison.Ordinal)];

    /// <summary>The path below its mount that issued the lease whose record that is.</summary>
    public static string IssuedAt(string path) => path[(MountOf(path).Length + Records.Length)..path.LastIndexOf('/')];

    /// <summary>A lease or intent that the due index returned.</summary>
    public (StoredLease Lease, bool IsIntent) Open(KeyedRecord found)
    {
        var mount = leases.Root.Append(found.Key.ChildOf(leases.Root, out _));
        var folder = mount.Append(found.Key.ChildOf(mount, out _));
        if (!_folders.TryGetValue(folder, out var known))
        {
            var path = leases.PathOf(found.Key)!;
            known = _folders.GetOrAdd(folder, (MountOf(path), IsRecord(path)));
        }

        using var entry = leases.Open(found);
        var lease = LeaseCodec.Decode(entry.Value);
        var random = lease.Id[(lease.Id.LastIndexOf('/') + 1)..];
        return known.IsRecord
            ? (
                new StoredLease(Record(known.Mount, $"{lease.Path}/{random}"), lease, entry.Version)
                {
                    Key = found.Key,
                },
                false
            )
            : (new StoredLease(Intent(known.Mount, random), lease, entry.Version), true);
    }

    /// <summary>Whether a lease is still as it was read.</summary>
    public async ValueTask<bool> IsAsReadAsync(StoredLease lease, CancellationToken cancellation) =>
        await leases.VersionAsync(KeyOf(lease), cancellation) == lease.Version;

    public async ValueTask<StoredLease?> FindAsync(string path, CancellationToken cancellation)
    {
        using var record = await leases.GetAsync(path, cancellation);
        return record is null ? null : new StoredLease(path, LeaseCodec.Decode(record.Value), record.Version);
    }

    /// <summary>Adds the write of a new lease, and of its owner's line.</summary>
    public void Add(Batch batch, StoredLease lease)
    {
        Put(batch, lease.Path, lease.Entry, lease.Entry.Due, expectedVersion: 0);
        if (LineOf(lease) is { } line)
        {
            owners.Put(batch, line, Encoding.UTF8.GetBytes(lease.Path));
        }
    }

    /// <summary>Adds a write of <paramref name="lease"/> as it is to be, on condition that it still is as it was read.</summary>
    public void Change(Batch batch, StoredLease lease, LeaseEntry changed)
    {
        Put(batch, lease.Path, changed, changed.Due, lease.Version);
        var isIrrevocable = changed.State == LeaseState.Irrevocable;
        if (isIrrevocable == (lease.Entry.State == LeaseState.Irrevocable))
        {
            return;
        }

        if (isIrrevocable)
        {
            leases.Put(batch, IrrevocableLine(lease), Encoding.UTF8.GetBytes(lease.Path));
        }
        else
        {
            leases.Delete(batch, IrrevocableLine(lease));
        }
    }

    /// <summary>Adds the deletion of the lease and of its lines, whatever became of it meanwhile.</summary>
    public void Delete(Batch batch, StoredLease lease)
    {
        batch.Delete(KeyOf(lease));
        if (LineOf(lease) is { } line)
        {
            batch.Delete(line);
        }

        if (lease.Entry.State == LeaseState.Irrevocable)
        {
            leases.Delete(batch, IrrevocableLine(lease));
        }
    }

    /// <summary>Adds a write of an intent, which is looked at again at <paramref name="due"/>.</summary>
    public void PutIntent(Batch batch, string path, LeaseEntry entry, DateTimeOffset due) =>
        Put(batch, path, entry, due, expectedVersion: null);

    public void DeleteIntent(Batch batch, string path) => leases.Delete(batch, path);

    public ValueTask<CommitResult> CommitAsync(Batch batch, CancellationToken cancellation) =>
        leases.CommitAsync(batch, cancellation);

    /// <summary>Up to <paramref name="limit"/> leases (or intents) below a folder of the view, after the one given.</summary>
    public async ValueTask<IReadOnlyList<StoredLease>> ScanAsync(
        string folder,
        StoredLease? after,
        int limit,
        CancellationToken cancellation
    )
    {
        var found = await leases.ScanAsync(folder, after?.Path, limit, cancellation);
        var result = new List<StoredLease>(found.Count);
        foreach (var (path, entry) in found)
        {
            using (entry)
            {
                result.Add(new StoredLease(path, LeaseCodec.Decode(entry.Value), entry.Version));
            }
        }

        return result;
    }

    /// <summary>A token's lines, each with the path of the lease.</summary>
    public async ValueTask<IReadOnlyList<(StoreKey Line, string Lease)>> OwnedAsync(
        string accessor,
        CancellationToken cancellation
    )
    {
        const int PerScan = 512;
        var owned = new List<(StoreKey, string)>();
        StoreKey? after = null;
        while (true)
        {
            var found = await owners.ScanKeysAsync(accessor + "/", after, PerScan, cancellation);
            foreach (var record in found)
            {
                using var line = owners.Open(record);
                owned.Add((record.Key, Encoding.UTF8.GetString(line.Value.Span)));
                after = record.Key;
            }

            if (found.Count < PerScan)
            {
                return owned;
            }
        }
    }

    /// <summary>Accessors of the tokens that have lines.</summary>
    public async ValueTask<IReadOnlyList<string>> OwnersAsync(CancellationToken cancellation) =>
        [.. (await owners.ListAsync("", cancellation)).Select(folder => folder.TrimEnd('/'))];

    /// <summary>Removes an owner's lines of leases that are gone.</summary>
    public async ValueTask TidyOwnerAsync(string accessor, CancellationToken cancellation)
    {
        const int PerCommit = 512;
        foreach (var part in (await OwnedAsync(accessor, cancellation)).Chunk(PerCommit))
        {
            var batch = new Batch();
            foreach (var (line, lease) in part)
            {
                if (!await leases.ExistsAsync(lease, cancellation))
                {
                    batch.Delete(line);
                }
            }

            if (!batch.IsEmpty)
            {
                await owners.CommitAsync(batch, cancellation);
            }
        }
    }

    /// <summary>Paths of the leases of a mount that could not be revoked, up to <paramref name="limit"/>.</summary>
    public async ValueTask<IReadOnlyList<string>> IrrevocableAsync(
        string mount,
        int limit,
        CancellationToken cancellation
    )
    {
        var paths = new List<string>();
        foreach (var (_, entry) in await leases.ScanAsync(mount + Irrevocable, after: null, limit, cancellation))
        {
            using (entry)
            {
                paths.Add(Encoding.UTF8.GetString(entry.Value.Span));
            }
        }

        return paths;
    }

    /// <summary>How many leases of a mount could not be revoked.</summary>
    public ValueTask<long> CountIrrevocableAsync(string mount, CancellationToken cancellation) =>
        leases.CountAsync(mount + Irrevocable, cancellation);

    /// <summary>How many leases a mount has.</summary>
    public ValueTask<long> CountAsync(string mount, CancellationToken cancellation) =>
        leases.CountAsync(mount + Records, cancellation);

    /// <summary>The names directly below a folder of leases.</summary>
    public ValueTask<IReadOnlyList<string>> ListAsync(string folder, CancellationToken cancellation) =>
        leases.ListAsync(folder, cancellation);

    /// <summary>The folder of all intents of a mount.</summary>
    public static string IntentsOf(string mount) => mount + Intents;

    /// <summary>The UUIDs of the mounts that have leases or intents.</summary>
    public async ValueTask<IReadOnlyList<string>> MountsAsync(CancellationToken cancellation) =>
        [.. (await leases.ListAsync("", cancellation)).Select(folder => folder.TrimEnd('/'))];

    private void Put(Batch batch, string path, LeaseEntry entry, DateTimeOffset? due, long? expectedVersion)
    {
        var bytes = LeaseCodec.Encode(entry);
        leases.Put(batch, path, bytes, due?.ToUnixTimeMilliseconds(), expectedVersion);
        CryptographicOperations.ZeroMemory(bytes);
    }

    private static string IrrevocableLine(StoredLease lease) =>
        $"{MountOf(lease.Path)}{Irrevocable}{lease.Path[(lease.Path.LastIndexOf('/') + 1)..]}";

    private StoreKey KeyOf(StoredLease lease) => lease.Key ?? leases.KeyOf(lease.Path);

    /// <summary>
    /// Where its owner's line of a lease stands, if it has an owner. Lines of one owner stand in the order in which their leases
    /// were issued, which is about the one in which they end: so one write of the store takes many away together. A
    /// name from the lease's own, which is encrypted, makes each line the only one of its kind.
    /// </summary>
    private StoreKey? LineOf(StoredLease lease)
    {
        if (lease.Entry.Owner.Length == 0)
        {
            return null;
        }

        Span<byte> name = stackalloc byte[sizeof(long) + LineNameLength];
        BinaryPrimitives.WriteInt64BigEndian(name, lease.Entry.IssuedAt.ToUnixTimeMilliseconds());
        KeyOf(lease).Bytes[^LineNameLength..].CopyTo(name[sizeof(long)..]);
        return owners.KeyOf(lease.Entry.Owner).Append(name);
    }
}

/// <summary>A lease with where it stands. Immutable.</summary>
/// <param name="Path">In the view of leases.</param>
/// <param name="Entry">The lease.</param>
/// <param name="Version">The record's version in the store; 0 for one that is not stored yet.</param>
internal sealed record StoredLease(string Path, LeaseEntry Entry, long Version)
{
    /// <summary>Its address in the store, where that is known already.</summary>
    public StoreKey? Key { get; init; }
}
