namespace Mayfly.Core.Storage;

/// <summary>
/// What an engine sees of the store: its own folder, in plaintext, and nothing else. Paths are names separated by
/// slashes, without one at the start; a path that ends with a slash is a folder. Safe for concurrent use.
/// </summary>
public sealed class View
{
    private readonly Barrier _barrier;
    private readonly StoreKey _root;
    private readonly NameCache _names = new();

    /// <param name="barrier">What encrypts.</param>
    /// <param name="root">The folder. Its own segments are names that the server chose, and stand in clear.</param>
    public View(Barrier barrier, StoreKey root)
    {
        _barrier = barrier;
        _root = root;
    }

    public StoreKey Root => _root;

    /// <summary>The record at <paramref name="path"/>, or null. Dispose it.</summary>
    /// <exception cref="StoreCorruptException">The record is damaged.</exception>
    public ValueTask<Entry?> GetAsync(string path, CancellationToken cancellation) =>
        _barrier.GetAsync(KeyOf(path), cancellation);

    /// <summary>Whether there is a record at <paramref name="path"/>; cheaper than reading it.</summary>
    /// <exception cref="StoreCorruptException">The record is damaged.</exception>
    public ValueTask<bool> ExistsAsync(string path, CancellationToken cancellation) =>
        _barrier.ExistsAsync(KeyOf(path), cancellation);

    /// <summary>
    /// The names directly below <paramref name="folder"/> ("" or ending with a slash), sorted ordinally. Names of folders
    /// end with a slash.
    /// </summary>
    public async ValueTask<IReadOnlyList<string>> ListAsync(string folder, CancellationToken cancellation)
    {
        var key = KeyOf(folder);
        var children = await _barrier.Store.ListAsync(key, cancellation);
        var names = new List<string>(children.Count);
        foreach (var child in children)
        {
            var name = _barrier.DecryptName(key, child.Segment.Span);
            names.Add(child.IsFolder ? name + "/" : name);
        }

        names.Sort(StringComparer.Ordinal);
        return names;
    }

    /// <summary>The version of a record below this view, without reading what is in it; 0 where there is none.</summary>
    internal async ValueTask<long> VersionAsync(StoreKey key, CancellationToken cancellation) =>
        (await _barrier.Store.GetAsync(key, cancellation))?.Version ?? 0;

    /// <summary>
    /// Up to <paramref name="limit"/> records at any depth below <paramref name="folder"/>, after the one at the path
    /// <paramref name="after"/>, in an order that stays the same. Dispose the entries.
    /// </summary>
    /// <exception cref="StoreCorruptException">A record or its name is damaged.</exception>
    public async ValueTask<IReadOnlyList<(string Path, Entry Entry)>> ScanAsync(
        string folder,
        string? after,
        int limit,
        CancellationToken cancellation
    )
    {
        StoreKey? start = after is null ? null : KeyOf(after);
        var found = await _barrier.Store.ScanAsync(KeyOf(folder), start, limit, cancellation);
        var result = new List<(string, Entry)>(found.Count);
        foreach (var record in found)
        {
            result.Add((PathOf(record.Key)!, Open(record)));
        }

        return result;
    }

    /// <summary>As the scan by paths, for records whose names the owner of the view has chosen itself, and which are not encrypted.</summary>
    internal ValueTask<IReadOnlyList<KeyedRecord>> ScanKeysAsync(
        string folder,
        StoreKey? after,
        int limit,
        CancellationToken cancellation
    ) => _barrier.Store.ScanAsync(KeyOf(folder), after, limit, cancellation);

    /// <summary>How many records there are at any depth below <paramref name="folder"/>.</summary>
    public ValueTask<long> CountAsync(string folder, CancellationToken cancellation) =>
        _barrier.Store.CountAsync(KeyOf(folder), cancellation);

    /// <summary>Adds a write to <paramref name="batch"/>. <paramref name="expectedVersion"/> as in <see cref="Batch"/>.</summary>
    public void Put(
        Batch batch,
        string path,
        ReadOnlySpan<byte> plaintext,
        long? due = null,
        long? expectedVersion = null
    ) => _barrier.Put(batch, KeyOf(path), plaintext, due, expectedVersion);

    /// <summary>Adds a write of a record below this view whose address is known.</summary>
    internal void Put(Batch batch, StoreKey key, ReadOnlySpan<byte> plaintext) => _barrier.Put(batch, key, plaintext);

    /// <summary>Adds a deletion to <paramref name="batch"/>; deleting what is not there is fine.</summary>
    public void Delete(Batch batch, string path, long? expectedVersion = null) =>
        batch.Delete(KeyOf(path), expectedVersion);

    /// <summary>Makes the commit depend on <paramref name="path"/> still having that version (0: not existing).</summary>
    public void Expect(Batch batch, string path, long expectedVersion) => batch.Expect(KeyOf(path), expectedVersion);

    public ValueTask<CommitResult> CommitAsync(Batch batch, CancellationToken cancellation) =>
        _barrier.Store.CommitAsync(batch, cancellation);

    /// <summary>Writes one record.</summary>
    public ValueTask<CommitResult> PutAsync(
        string path,
        ReadOnlySpan<byte> plaintext,
        CancellationToken cancellation,
        long? expectedVersion = null
    )
    {
        var batch = new Batch();
        Put(batch, path, plaintext, due: null, expectedVersion);
        return CommitAsync(batch, cancellation);
    }

    /// <summary>Deletes one record.</summary>
    public ValueTask<CommitResult> DeleteAsync(string path, CancellationToken cancellation)
    {
        var batch = new Batch();
        Delete(batch, path);
        return CommitAsync(batch, cancellation);
    }

    /// <summary>Deletes everything below <paramref name="folder"/>, in batches: a crash half-way leaves the rest.</summary>
    public async ValueTask<CommitResult> DeleteTreeAsync(string folder, CancellationToken cancellation)
    {
        const int PerBatch = 512;
        var prefix = KeyOf(folder);
        var last = CommitResult.Committed(0);
        while (true)
        {
            var found = await _barrier.Store.ScanAsync(prefix, after: null, PerBatch, cancellation);
            if (found.Count == 0)
            {
                return last;
            }

            var batch = new Batch();
            foreach (var (key, _) in found)
            {
                batch.Delete(key);
            }

            last = await CommitAsync(batch, cancellation);
            if (!last.Succeeded)
            {
                return last;
            }
        }
    }

    /// <summary>A view of a folder of this one.</summary>
    public View Sub(string folder) => new(_barrier, KeyOf(folder));

    /// <summary>The path below this view's folder that <paramref name="key"/> stands for, or null when it is not below it.</summary>
    /// <exception cref="StoreCorruptException">A name does not authenticate.</exception>
    public string? PathOf(StoreKey key)
    {
        if (!key.StartsWith(_root) || key == _root)
        {
            return null;
        }

        var folder = _root;
        var path = new System.Text.StringBuilder();
        while (true)
        {
            var segment = key.ChildOf(folder, out var isFolder);
            path.Append(_barrier.DecryptName(folder, segment));
            if (!isFolder)
            {
                return path.ToString();
            }

            path.Append('/');
            folder = folder.Append(segment);
        }
    }

    /// <summary>Decrypts a record that a scan or the due index returned.</summary>
    public Entry Open(KeyedRecord found) => _barrier.Open(found.Key, found.Record);

    /// <summary>The address of <paramref name="path"/>; the ciphertext of names is remembered, since it never changes.</summary>
    public StoreKey KeyOf(string path)
    {
        if (path.Length == 0)
        {
            return _root;
        }

        if (_names.TryGet(path, out var known))
        {
            return known;
        }

        var plain = path.AsSpan().TrimEnd('/');
        var slash = plain.LastIndexOf('/');
        var folder = slash < 0 ? _root : FolderOf(plain[..slash]);
        var key = folder.Append(_barrier.EncryptName(folder, plain[(slash + 1)..]));
        _names.Add(path, key);
        return key;
    }

    /// <summary>Records of one folder share its address, so that is remembered too.</summary>
    private StoreKey FolderOf(ReadOnlySpan<char> path)
    {
        if (_names.TryGet(path, out var known))
        {
            return known;
        }

        var key = _root;
        foreach (var range in path.Split('/'))
        {
            key = key.Append(_barrier.EncryptName(key, path[range]));
        }

        _names.Add(path.ToString(), key);
        return key;
    }
}
