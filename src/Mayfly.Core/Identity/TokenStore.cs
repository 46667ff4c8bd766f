using Mayfly.Core.Leases;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Identity;

/// <summary>
/// The tokens that exist: one record each, at its accessor, due when it expires, which is its lease too; a line below the
/// path that made it, and one below its parent; and what a wrapping token wraps. Safe for concurrent use.
/// </summary>
internal sealed class TokenStore
{
    /// <summary>The folder of the records themselves.</summary>
    public const string Records = "id/";
    private const string Children = "child/";
    private const string WrappedReplies = "wrapped/";
    private const string Paths = "path/";
    private const int PerBatch = 256;
    private const int Retries = 64;

    private readonly View _view;
    private readonly TokenText _text;
    private readonly PrefixRevocations _revocations;
    private readonly TimeProvider _time;
    private readonly TokenCache _cache = new();
    private readonly ClockHistory _clock;

    public TokenStore(View view, TokenText text, PrefixRevocations revocations, TimeProvider time, ClockHistory clock)
    {
        _revocations = revocations;
        _view = view;
        _text = text;
        _time = time;
        _clock = clock;
    }

    /// <summary>Called after a token has ended, with its accessor; what belonged to it alone is removed there.</summary>
    public Func<string, CancellationToken, ValueTask>? Ended { get; set; }

    /// <summary>
    /// Asked before a token is made, with the key of its record: makes room for it among those that quotas hold for, or says
    /// why there is none. What it gives is disposed when the attempt is over.
    /// </summary>
    public Func<
        TokenEntry,
        StoreKey,
        CancellationToken,
        ValueTask<(IDisposable? Slot, Fault? Fault)>
    >? Admit { get; set; }

    public View View => _view;

    /// <summary>Looks at the clock, and revokes tokens from a time that has turned out wrong. To be called every few minutes.</summary>
    public async ValueTask LookAtClockAsync(ILogger log, CancellationToken cancellation)
    {
        if (await _clock.LookAsync(log, cancellation))
        {
            foreach (var accessor in await ListAccessorsAsync(cancellation))
            {
                var (entry, _) = await ReadAsync(accessor, cancellation);
                if (entry is not null && !_clock.Trusts(entry, _time.GetUtcNow()))
                {
                    // What is not removed now stays refused, and is removed when its record comes due.
                    _ = await RevokeAsync(accessor, orphanChildren: false, cancellation);
                }
            }
        }
    }

    /// <summary>The record of a live token, or null. Does not look at bound addresses, and does not count a use.</summary>
    public async ValueTask<TokenEntry?> FindAsync(string token, CancellationToken cancellation)
    {
        if (!TokenText.IsPlausible(token))
        {
            return null;
        }

        if (TokenText.IsBatch(token))
        {
            var batch = _text.OpenBatch(token);
            return batch is not null && IsLive(batch) && await ParentLivesAsync(batch, cancellation) ? batch : null;
        }

        var digest = _text.Digest(token);
        if (_cache.Find(digest) is { } cached)
        {
            return IsLive(cached.Entry) ? cached.Entry : null;
        }

        var accessor = TokenText.Accessor(digest);
        var stamp = _cache.Stamp(accessor);
        using var record = await _view.GetAsync(Records + accessor, cancellation);
        if (record is null)
        {
            return null;
        }

        var entry = TokenCodec.Decode(record.Value);
        if (!IsLive(entry))
        {
            return null;
        }

        _cache.Keep(digest, new CachedToken(digest, entry, record.Version), stamp);
        return entry;
    }

    /// <summary>The record of a live token by its accessor, or null.</summary>
    public async ValueTask<TokenEntry?> FindByAccessorAsync(string accessor, CancellationToken cancellation)
    {
        if (!IsAccessor(accessor))
        {
            return null;
        }

        var (entry, _) = await ReadAsync(accessor, cancellation);
        return entry is not null && IsLive(entry) ? entry : null;
    }

    /// <summary>Stores a new token. <paramref name="entry"/>'s accessor is filled in here.</summary>
    /// <param name="entry">The record; a batch token's is put into the token.</param>
    /// <param name="token">The token's text, or null for a random one.</param>
    /// <param name="wrapped">What a wrapping token wraps.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public async ValueTask<(IssuedToken? Issued, Fault? Fault)> CreateAsync(
        TokenEntry entry,
        string? token,
        ReadOnlyMemory<byte> wrapped,
        CancellationToken cancellation
    )
    {
        if (entry.ExpiresAt is not null && await _clock.CoverAsync(cancellation) is { } unwritten)
        {
            return (null, unwritten);
        }

        entry = entry with { Epoch = _clock.Epoch };
        if (entry.Type != TokenType.Batch)
        {
            token ??= TokenText.NewServiceToken();
            entry = entry with { Accessor = TokenText.Accessor(_text.Digest(token)) };
        }

        IDisposable? slot = null;
        if (Admit is not null)
        {
            (slot, var refusal) = await Admit(entry, _view.KeyOf(Records + entry.Accessor), cancellation);
            if (refusal is not null)
            {
                return (null, refusal);
            }
        }

        using (slot)
        {
            return entry.Type == TokenType.Batch
                ? (BatchToken(entry), null)
                : await StoreAsync(entry, token!, wrapped, cancellation);
        }
    }

    private IssuedToken BatchToken(TokenEntry entry)
    {
        entry = entry with { Generation = _revocations.Now.Number };
        return new IssuedToken(_text.Batch(entry), entry, entry.CreationTtl);
    }

    private async ValueTask<(IssuedToken? Issued, Fault? Fault)> StoreAsync(
        TokenEntry entry,
        string token,
        ReadOnlyMemory<byte> wrapped,
        CancellationToken cancellation
    )
    {
        for (var attempt = 0; attempt < Retries; attempt++)
        {
            var batch = new Batch();
            var generation = _revocations.Now;
            entry = entry with { Generation = generation.Number };
            Put(batch, entry, expectedVersion: 0);
            _revocations.Expect(batch, generation);
            if (IsLease(entry))
            {
                _view.Put(batch, PathLine(entry), []);
            }

            if (entry.Parent is { } parent)
            {
                // The child must not slip in while its parent is being revoked.
                var (parentEntry, parentVersion) = await ReadAsync(parent, cancellation);
                if (parentEntry is null || !IsLive(parentEntry))
                {
                    return (null, Fault.Denied());
                }

                _view.Put(batch, $"{Children}{parent}/{entry.Accessor}", []);
                _view.Expect(batch, Records + parent, parentVersion);
            }

            if (!wrapped.IsEmpty)
            {
                _view.Put(batch, WrappedReplies + entry.Accessor, wrapped.Span);
            }

            var result = await _view.CommitAsync(batch, cancellation);
            if (result.Succeeded)
            {
                return (new IssuedToken(token, entry, entry.CreationTtl), null);
            }

            if (result.Status != CommitStatus.Conflict)
            {
                return (null, Fault.From(result));
            }

            if ((await ReadAsync(entry.Accessor, cancellation)).Entry is not null)
            {
                return (null, Fault.Invalid("cannot create a token with a duplicate ID"));
            }

            await _revocations.RefreshAsync(cancellation);
        }

        return (null, Fault.Unavailable("the parent token is being changed by too many requests at once; try again"));
    }

    /// <summary>Changes a record, or gives null when the token is not alive.</summary>
    public async ValueTask<(TokenEntry? Entry, Fault? Fault)> ChangeAsync(
        string accessor,
        Func<TokenEntry, TokenEntry> change,
        CancellationToken cancellation
    )
    {
        for (var attempt = 0; attempt < Retries; attempt++)
        {
            var (entry, version) = await ReadAsync(accessor, cancellation);
            if (entry is null || !IsLive(entry))
            {
                return (null, null);
            }

            var changed = change(entry);
            if (changed.LastRenewal != entry.LastRenewal)
            {
                if (await _clock.CoverAsync(cancellation) is { } unwritten)
                {
                    return (null, unwritten);
                }

                changed = changed with { Epoch = _clock.Epoch };
            }

            var result = await WriteAsync(changed, version, cancellation);
            if (result.Status != CommitStatus.Conflict)
            {
                return result.Succeeded ? (changed, null) : (null, Fault.From(result));
            }
        }

        return (null, Fault.Unavailable("the token is being changed by too many requests at once; try again"));
    }

    /// <summary>
    /// Makes a commit depend on a token: it is refused when the token changes in between, so that nothing comes to belong to
    /// a token that is being revoked.
    /// </summary>
    /// <returns>Whether the token is alive.</returns>
    public async ValueTask<bool> ExpectLiveAsync(Batch batch, string accessor, CancellationToken cancellation)
    {
        var (entry, version) = await ReadAsync(accessor, cancellation);
        if (entry is null || !IsLive(entry))
        {
            return false;
        }

        _view.Expect(batch, Records + accessor, version);
        return true;
    }

    /// <summary>
    /// Takes one of the uses of a token that has a limited number. After the last one the token is spent: whoever took it
    /// revokes the token when the request is over.
    /// </summary>
    /// <returns>The record after it, or null when there was no use left.</returns>
    public ValueTask<(TokenEntry? Entry, Fault? Fault)> UseAsync(TokenEntry token, CancellationToken cancellation) =>
        ChangeAsync(
            token.Accessor,
            entry =>
                entry.UsesLeft <= 1
                    ? entry with
                    {
                        UsesLeft = 0,
                        Spent = true,
                    }
                    : entry with
                    {
                        UsesLeft = entry.UsesLeft - 1,
                    },
            cancellation
        );

    /// <summary>
    /// Ends a token with all its descendants (or, with <paramref name="orphanChildren"/>, sets its children free). At once:
    /// the token is marked before anything is removed, and due, so that a crash half-way is finished later. Idempotent.
    /// </summary>
    public ValueTask<Fault?> RevokeAsync(string accessor, bool orphanChildren, CancellationToken cancellation) =>
        RevokeAsync([accessor], orphanChildren, cancellation);

    /// <summary>Is called when records of tokens have come due.</summary>
    public async ValueTask ExpireAsync(IEnumerable<string> paths, CancellationToken cancellation)
    {
        var ended = new List<string>();
        foreach (var path in paths.Where(path => path.StartsWith(Records, StringComparison.Ordinal)))
        {
            var accessor = path[Records.Length..];
            var (entry, _) = await ReadAsync(accessor, cancellation);
            if (entry is not null && !IsLive(entry))
            {
                ended.Add(accessor);
            }
        }

        if (await RevokeAsync(ended, orphanChildren: false, cancellation) is { } fault)
        {
            throw new StoreUnavailableException(string.Join("; ", fault.Messages));
        }
    }

    /// <summary>
    /// Ends every token that was made below <paramref name="prefix"/> (which ends with a slash), with all their descendants.
    /// </summary>
    /// <param name="prefix">The start of the paths.</param>
    /// <param name="before">Only what was made in an earlier generation than this.</param>
    /// <param name="cancellation">Gives up.</param>
    public async ValueTask<Fault?> RevokePrefixAsync(string prefix, long before, CancellationToken cancellation)
    {
        string? after = null;
        while (true)
        {
            var lines = await _view.ScanAsync(Paths + prefix, after, PerBatch, cancellation);
            var old = new List<string>(lines.Count);
            foreach (var (path, line) in lines)
            {
                line.Dispose();
                after = path;
                var accessor = path[(path.LastIndexOf('/') + 1)..];
                var (entry, _) = await ReadAsync(accessor, cancellation);
                if (entry is null || entry.Generation < before)
                {
                    old.Add(accessor);
                }
            }

            if (await RevokeAsync(old, orphanChildren: false, cancellation) is { } fault)
            {
                return fault;
            }

            if (lines.Count < PerBatch)
            {
                return null;
            }
        }
    }

    /// <summary>The parts that follow <paramref name="folder"/> in the paths that made tokens, and accessors where a path ends.</summary>
    public ValueTask<IReadOnlyList<string>> ListPathsAsync(string folder, CancellationToken cancellation) =>
        _view.ListAsync(Paths + folder, cancellation);

    /// <summary>How many tokens that stand for themselves as leases the paths below <paramref name="folder"/> have made.</summary>
    public ValueTask<long> CountPathsAsync(string folder, CancellationToken cancellation) =>
        _view.CountAsync(Paths + folder, cancellation);

    /// <summary>The live token that the lease id <paramref name="id"/> names: the path that made it, and its accessor.</summary>
    public async ValueTask<TokenEntry?> FindByLeaseAsync(string id, CancellationToken cancellation)
    {
        var slash = id.LastIndexOf('/');
        return
            await FindByAccessorAsync(id[(slash + 1)..], cancellation) is { } entry
            && IsLease(entry)
            && id.AsSpan(0, Math.Max(0, slash)).Equals(entry.Path.AsSpan().TrimEnd('/'), StringComparison.Ordinal)
            ? entry
            : null;
    }

    /// <summary>The reply behind a wrapping token; the token is used up, whoever asks at the same time.</summary>
    /// <returns>The reply, or null when the token is not (or no longer) a wrapping token.</returns>
    public async ValueTask<(byte[]? Wrapped, TokenEntry? Entry, Fault? Fault)> UnwrapAsync(
        string token,
        CancellationToken cancellation
    )
    {
        var entry = await FindAsync(token, cancellation);
        if (entry is not { Type: TokenType.Wrapping })
        {
            return (null, null, null);
        }

        using var wrapped = await _view.GetAsync(WrappedReplies + entry.Accessor, cancellation);
        var (_, version) = await ReadAsync(entry.Accessor, cancellation);
        if (wrapped is null || version == 0)
        {
            return (null, null, null);
        }

        var batch = new Batch();
        _view.Delete(batch, Records + entry.Accessor, version);
        _view.Delete(batch, WrappedReplies + entry.Accessor);
        _cache.Forget(entry.Accessor);
        var result = await _view.CommitAsync(batch, cancellation);
        _cache.Forget(entry.Accessor);
        return result.Status switch
        {
            CommitStatus.Committed => (wrapped.Value.Span.ToArray(), entry, null),
            CommitStatus.Conflict => (null, null, null),
            _ => (null, null, Fault.From(result)),
        };
    }

    public ValueTask<IReadOnlyList<string>> ListAccessorsAsync(CancellationToken cancellation) =>
        _view.ListAsync(Records, cancellation);

    /// <summary>Removes lines of paths, of children, and wrapped replies, whose token is gone.</summary>
    public async ValueTask TidyAsync(CancellationToken cancellation)
    {
        string? after = null;
        for (var more = true; more; )
        {
            var lines = await _view.ScanAsync(Paths, after, PerBatch, cancellation);
            foreach (var (path, line) in lines)
            {
                line.Dispose();
                after = path;
                if ((await ReadAsync(path[(path.LastIndexOf('/') + 1)..], cancellation)).Entry is null)
                {
                    await _view.DeleteAsync(path, cancellation);
                }
            }

            more = lines.Count == PerBatch;
        }

        foreach (var parent in await _view.ListAsync(Children, cancellation))
        {
            foreach (var child in await _view.ListAsync(Children + parent, cancellation))
            {
                if ((await ReadAsync(child, cancellation)).Entry is null)
                {
                    await _view.DeleteAsync(Children + parent + child, cancellation);
                }
            }
        }

        foreach (var accessor in await _view.ListAsync(WrappedReplies, cancellation))
        {
            if ((await ReadAsync(accessor, cancellation)).Entry is null)
            {
                await _view.DeleteAsync(WrappedReplies + accessor, cancellation);
            }
        }
    }

    private bool IsLive(TokenEntry entry) =>
        !entry.Spent
        && (entry.ExpiresAt is not { } end || IsWithin(entry, end, _time.GetUtcNow()))
        && !(
            _revocations.Cover(entry.Generation, entry.Path, entry.Accessor)
            && (entry.Type == TokenType.Batch || IsLease(entry))
        );

    /// <summary>Tokens that somebody asked for are leases: they are listed and revoked by the path that made them.</summary>
    private static bool IsLease(TokenEntry entry) =>
        entry.Type == TokenType.Service && entry.Path != TokenIssuer.RootPath;

    private static string PathLine(TokenEntry entry) => $"{Paths}{entry.Path.TrimEnd('/')}/{entry.Accessor}";

    private bool IsWithin(TokenEntry entry, DateTimeOffset end, DateTimeOffset now) =>
        end > now && _clock.Trusts(entry, now);

    /// <summary>Accessors are 24 letters and digits; anything else must not become part of a path.</summary>
    private static bool IsAccessor(string text) => text.Length is > 0 and <= 64 && text.All(char.IsAsciiLetterOrDigit);

    private async ValueTask<bool> ParentLivesAsync(TokenEntry batch, CancellationToken cancellation) =>
        batch.Parent is not { } parent || await FindByAccessorAsync(parent, cancellation) is not null;

    private async ValueTask<(TokenEntry? Entry, long Version)> ReadAsync(
        string accessor,
        CancellationToken cancellation
    )
    {
        using var record = await _view.GetAsync(Records + accessor, cancellation);
        return record is null ? (null, 0) : (TokenCodec.Decode(record.Value), record.Version);
    }

    private void Put(Batch batch, TokenEntry entry, long expectedVersion)
    {
        var due = entry.Spent ? _time.GetUtcNow() : entry.ExpiresAt;
        _view.Put(
            batch,
            Records + entry.Accessor,
            TokenCodec.Encode(entry),
            due?.ToUnixTimeMilliseconds(),
            expectedVersion
        );
    }

    private async ValueTask<CommitResult> WriteAsync(TokenEntry entry, long version, CancellationToken cancellation)
    {
        var batch = new Batch();
        Put(batch, entry, version);
        _cache.Forget(entry.Accessor);
        var result = await _view.CommitAsync(batch, cancellation);
        _cache.Forget(entry.Accessor);
        return result;
    }

    /// <summary>
    /// Marks them before anything is removed, and due, so that a crash half-way is finished later: level by level, because a
    /// token's mark keeps new children away.
    /// </summary>
    private async ValueTask<Fault?> RevokeAsync(
        IReadOnlyList<string> accessors,
        bool orphanChildren,
        CancellationToken cancellation
    )
    {
        var levels = new Stack<IReadOnlyList<string>>();
        for (var level = accessors; level.Count > 0; )
        {
            levels.Push(level);
            var below = new List<string>();
            foreach (var chunk in level.Chunk(PerBatch))
            {
                var frees = orphanChildren && levels.Count == 1;
                if (await MarkSpentAsync(chunk, frees, below, cancellation) is { } fault)
                {
                    return fault;
                }
            }

            level = below;
        }

        // Children first: a parent's record is what leads to them again after a crash.
        foreach (var chunk in levels.SelectMany(level => level.Chunk(PerBatch)))
        {
            if (await RemoveAsync(chunk, cancellation) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    /// <summary>
    /// Marks tokens as spent, in one commit unless one of them changes at the same time, and adds their children to
    /// <paramref name="children"/>. The mark says what becomes of the children, because it makes the token due: the scheduler
    /// may finish what is going on here.
    /// </summary>
    private async ValueTask<Fault?> MarkSpentAsync(
        IReadOnlyList<string> accessors,
        bool freesChildren,
        List<string> children,
        CancellationToken cancellation
    )
    {
        var batch = new Batch();
        var freed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var accessor in accessors)
        {
            var (entry, version) = await ReadAsync(accessor, cancellation);
            if (entry is { Spent: false })
            {
                entry = entry with { Spent = true, FreesChildren = freesChildren };
                Put(batch, entry, version);
                _cache.Forget(accessor);
            }

            if (entry is { FreesChildren: true })
            {
                freed.Add(accessor);
            }
        }

        if (!batch.IsEmpty)
        {
            var result = await _view.CommitAsync(batch, cancellation);
            foreach (var accessor in accessors)
            {
                _cache.Forget(accessor);
            }

            if (result.Status == CommitStatus.Conflict)
            {
                return await MarkSpentAgainAsync(accessors, freesChildren, children, cancellation);
            }

            if (!result.Succeeded)
            {
                return Fault.From(result);
            }
        }

        foreach (var accessor in accessors)
        {
            foreach (var child in await _view.ListAsync($"{Children}{accessor}/", cancellation))
            {
                if (!freed.Contains(accessor))
                {
                    children.Add(child);
                }
                else if (await OrphanAsync(child, cancellation) is { } kept)
                {
                    return kept;
                }
            }
        }

        return null;
    }

    /// <summary>One of them changed: only that one must be tried again, and whoever changes it must not win for ever.</summary>
    private async ValueTask<Fault?> MarkSpentAgainAsync(
        IReadOnlyList<string> accessors,
        bool freesChildren,
        List<string> children,
        CancellationToken cancellation
    )
    {
        if (accessors.Count == 1)
        {
            for (var attempt = 0; attempt < Retries; attempt++)
            {
                var (entry, version) = await ReadAsync(accessors[0], cancellation);
                if (entry is null or { Spent: true })
                {
                    break;
                }

                var marked = entry with { Spent = true, FreesChildren = freesChildren };
                var result = await WriteAsync(marked, version, cancellation);
                if (result.Succeeded)
                {
                    break;
                }

                if (result.Status != CommitStatus.Conflict || attempt == Retries - 1)
                {
                    return Fault.From(result);
                }
            }
        }

        foreach (
            var half in accessors.Count == 1
                ?
                [
                    [accessors[0]],
                ]
                : accessors.Chunk((accessors.Count + 1) / 2)
        )
        {
            if (await MarkSpentAsync(half, freesChildren, children, cancellation) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    private async ValueTask<Fault?> OrphanAsync(string accessor, CancellationToken cancellation) =>
        (await ChangeAsync(accessor, entry => entry with { Parent = null }, cancellation)).Fault;

    private async ValueTask<Fault?> RemoveAsync(IReadOnlyList<string> accessors, CancellationToken cancellation)
    {
        var batch = new Batch();
        foreach (var accessor in accessors)
        {
            var (entry, _) = await ReadAsync(accessor, cancellation);
            if (Ended is { } ended)
            {
                await ended(accessor, cancellation);
            }

            AddRemoval(batch, accessor, entry);
            foreach (var child in await _view.ListAsync($"{Children}{accessor}/", cancellation))
            {
                _view.Delete(batch, $"{Children}{accessor}/{child}");
            }

            _cache.Forget(accessor);
        }

        var result = await _view.CommitAsync(batch, cancellation);
        foreach (var accessor in accessors)
        {
            _cache.Forget(accessor);
        }

        return result.Succeeded ? null : Fault.From(result);
    }

    private void AddRemoval(Batch batch, string accessor, TokenEntry? entry)
    {
        _view.Delete(batch, Records + accessor);
        if (entry is null)
        {
            return;
        }

        if (IsLease(entry))
        {
            _view.Delete(batch, PathLine(entry));
        }

        if (entry.Parent is { } parent)
        {
            _view.Delete(batch, $"{Children}{parent}/{accessor}");
        }

        if (entry.Type == TokenType.Wrapping)
        {
            _view.Delete(batch, WrappedReplies + accessor);
        }
    }
}
