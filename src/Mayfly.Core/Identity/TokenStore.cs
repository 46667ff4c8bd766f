using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Identity;

/// <summary>
/// The tokens that exist: one record each, at its accessor, due when it expires; a line below its parent for each child;
/// and what a wrapping token wraps. Safe for concurrent use.
/// </summary>
internal sealed class TokenStore
{
    private const string Records = "id/";
    private const string Children = "child/";
    private const string WrappedReplies = "wrapped/";
    private const int Retries = 64;

    private readonly View _view;
    private readonly TokenText _text;
    private readonly TimeProvider _time;
    private readonly TokenCache _cache = new();

    public TokenStore(View view, TokenText text, TimeProvider time)
    {
        _view = view;
        _text = text;
        _time = time;
    }

    /// <summary>Called after a token has ended, with its accessor; what belonged to it alone is removed there.</summary>
    public Func<string, CancellationToken, ValueTask>? Ended { get; set; }

    public View View => _view;

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
        if (entry.Type == TokenType.Batch)
        {
            return (new IssuedToken(_text.Batch(entry), entry, entry.CreationTtl), null);
        }

        token ??= TokenText.NewServiceToken();
        entry = entry with { Accessor = TokenText.Accessor(_text.Digest(token)) };
        for (var attempt = 0; attempt < Retries; attempt++)
        {
            var batch = new Batch();
            Put(batch, entry, expectedVersion: 0);
            if (entry.Parent is { } parent)
            {
                // The child must not slip in while its parent is being revoked.
                var (parentEntry, parentVersion) = await ReadAsync(parent, cancellation);
                if (parentEntry is null || parentEntry.Spent)
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
    public async ValueTask<Fault?> RevokeAsync(string accessor, bool orphanChildren, CancellationToken cancellation)
    {
        var pending = new Stack<string>();
        pending.Push(accessor);
        var order = new List<string>();
        while (pending.TryPop(out var next))
        {
            var (marked, fault) = await MarkSpentAsync(next, orphanChildren && next == accessor, cancellation);
            if (fault is not null)
            {
                return fault;
            }

            order.Add(next);
            foreach (var child in await _view.ListAsync($"{Children}{next}/", cancellation))
            {
                if (marked is not { FreesChildren: true })
                {
                    pending.Push(child);
                }
                else if (await OrphanAsync(child, cancellation) is { } kept)
                {
                    return kept;
                }
            }
        }

        // Children first: a parent's record is what leads to them again after a crash.
        for (var i = order.Count - 1; i >= 0; i--)
        {
            if (await RemoveAsync(order[i], cancellation) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    /// <summary>Is called when a token's record has come due.</summary>
    public async ValueTask ExpireAsync(string path, CancellationToken cancellation)
    {
        if (!path.StartsWith(Records, StringComparison.Ordinal))
        {
            return;
        }

        var accessor = path[Records.Length..];
        var (entry, _) = await ReadAsync(accessor, cancellation);
        if (entry is not null && !IsLive(entry))
        {
            await RevokeAsync(accessor, orphanChildren: false, cancellation);
        }
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

    /// <summary>Ends every token that <paramref name="selects"/>; for a mount that goes away.</summary>
    public async ValueTask<Fault?> RevokeWhereAsync(Func<TokenEntry, bool> selects, CancellationToken cancellation)
    {
        foreach (var accessor in await ListAccessorsAsync(cancellation))
        {
            var (entry, _) = await ReadAsync(accessor, cancellation);
            if (
                entry is not null
                && selects(entry)
                && await RevokeAsync(accessor, orphanChildren: false, cancellation) is { } fault
            )
            {
                return fault;
            }
        }

        return null;
    }

    /// <summary>Removes lines of children and wrapped replies whose token is gone.</summary>
    public async ValueTask TidyAsync(CancellationToken cancellation)
    {
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
        !entry.Spent && (entry.ExpiresAt is not { } end || end > _time.GetUtcNow());

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
    /// The record, spent; null when there is none any more. The mark says what becomes of the children, because it makes
    /// the token due: the scheduler may finish what is going on here.
    /// </summary>
    private async ValueTask<(TokenEntry? Entry, Fault? Fault)> MarkSpentAsync(
        string accessor,
        bool freesChildren,
        CancellationToken cancellation
    )
    {
        for (var attempt = 0; attempt < Retries; attempt++)
        {
            var (entry, version) = await ReadAsync(accessor, cancellation);
            if (entry is null || entry.Spent)
            {
                return (entry, null);
            }

            var marked = entry with { Spent = true, FreesChildren = freesChildren };
            var result = await WriteAsync(marked, version, cancellation);
            if (result.Status != CommitStatus.Conflict)
            {
                return result.Succeeded ? (marked, null) : (null, Fault.From(result));
            }
        }

        return (null, Fault.Unavailable("the token is being changed by too many requests at once; try again"));
    }

    private async ValueTask<Fault?> OrphanAsync(string accessor, CancellationToken cancellation) =>
        (await ChangeAsync(accessor, entry => entry with { Parent = null }, cancellation)).Fault;

    private async ValueTask<Fault?> RemoveAsync(string accessor, CancellationToken cancellation)
    {
        var (entry, _) = await ReadAsync(accessor, cancellation);
        if (Ended is { } ended)
        {
            await ended(accessor, cancellation);
        }

        var batch = new Batch();
        _view.Delete(batch, Records + accessor);
        if (entry?.Parent is { } parent)
        {
            _view.Delete(batch, $"{Children}{parent}/{accessor}");
        }

        if (entry?.Type == TokenType.Wrapping)
        {
            _view.Delete(batch, WrappedReplies + accessor);
        }

        foreach (var child in await _view.ListAsync($"{Children}{accessor}/", cancellation))
        {
            _view.Delete(batch, $"{Children}{accessor}/{child}");
        }

        _cache.Forget(accessor);
        var result = await _view.CommitAsync(batch, cancellation);
        _cache.Forget(accessor);
        return result.Succeeded ? null : Fault.From(result);
    }
}
