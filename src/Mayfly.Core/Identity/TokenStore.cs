using Mayfly.Core.Leases;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Identity;

/// <summary>The tokens that exist: made, found, changed and used here. Safe for concurrent use.</summary>
internal sealed class TokenStore
{
    private readonly TokenRecords _records;
    private readonly TokenText _text;
    private readonly PrefixRevocations _revocations;
    private readonly ClockHistory _clock;

    public TokenStore(View view, TokenText text, PrefixRevocations revocations, TimeProvider time, ClockHistory clock)
    {
        _records = new TokenRecords(view, revocations, time, clock);
        _text = text;
        _revocations = revocations;
        _clock = clock;
        Revoker = new TokenRevoker(_records, time, clock);
        Leftovers = new TokenLeftovers(_records);
    }

    /// <summary>Ends them.</summary>
    public TokenRevoker Revoker { get; }

    /// <summary>What may be left of those that are gone.</summary>
    public TokenLeftovers Leftovers { get; }

    public View View => _records.View;

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

    /// <summary>The record of a live token, or null. Does not look at bound addresses, and does not count a use.</summary>
    public ValueTask<TokenEntry?> FindAsync(string token, CancellationToken cancellation) =>
        !TokenText.IsPlausible(token) ? default
        : TokenText.IsBatch(token) ? FindBatchAsync(token, cancellation)
        : _records.FindAsync(_text.Digest(token), cancellation);

    /// <summary>The record of a live token by its accessor, or null.</summary>
    public async ValueTask<TokenEntry?> FindByAccessorAsync(string accessor, CancellationToken cancellation)
    {
        if (!IsAccessor(accessor))
        {
            return null;
        }

        var (entry, _) = await _records.ReadAsync(accessor, cancellation);
        return entry is not null && _records.IsLive(entry) ? entry : null;
    }

    /// <summary>The live token that the lease id <paramref name="id"/> names: the path that made it, and its accessor.</summary>
    public async ValueTask<TokenEntry?> FindByLeaseAsync(string id, CancellationToken cancellation)
    {
        var slash = id.LastIndexOf('/');
        return
            await FindByAccessorAsync(id[(slash + 1)..], cancellation) is { } entry
            && TokenRecords.IsLease(entry)
            && id.AsSpan(0, Math.Max(0, slash)).Equals(entry.Path.AsSpan().TrimEnd('/'), StringComparison.Ordinal)
            ? entry
            : null;
    }

    public ValueTask<IReadOnlyList<string>> ListAccessorsAsync(CancellationToken cancellation) =>
        _records.View.ListAsync(TokenRecords.Folder, cancellation);

    /// <summary>The parts that follow <paramref name="folder"/> in the paths that made tokens, and accessors where a path ends.</summary>
    public ValueTask<IReadOnlyList<string>> ListPathsAsync(string folder, CancellationToken cancellation) =>
        _records.View.ListAsync(TokenRecords.Paths + folder, cancellation);

    /// <summary>How many tokens that stand for themselves as leases the paths below <paramref name="folder"/> have made.</summary>
    public ValueTask<long> CountPathsAsync(string folder, CancellationToken cancellation) =>
        _records.View.CountAsync(TokenRecords.Paths + folder, cancellation);

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
            (slot, var refusal) = await Admit(
                entry,
                _records.View.KeyOf(TokenRecords.Folder + entry.Accessor),
                cancellation
            );
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

    /// <inheritdoc cref="TokenRecords.ChangeAsync"/>
    public ValueTask<(TokenEntry? Entry, Fault? Fault)> ChangeAsync(
        string accessor,
        Func<TokenEntry, TokenEntry> change,
        CancellationToken cancellation
    ) => _records.ChangeAsync(accessor, change, cancellation);

    /// <summary>
    /// Makes a commit depend on a token: it is refused when the token changes in between, so that nothing comes to belong to
    /// a token that is being revoked.
    /// </summary>
    /// <returns>Whether the token is alive.</returns>
    public async ValueTask<bool> ExpectLiveAsync(Batch batch, string accessor, CancellationToken cancellation)
    {
        var (entry, version) = await _records.ReadAsync(accessor, cancellation);
        if (entry is null || !_records.IsLive(entry))
        {
            return false;
        }

        _records.View.Expect(batch, TokenRecords.Folder + accessor, version);
        return true;
    }

    /// <summary>
    /// Takes one of the uses of a token that has a limited number. After the last one the token is spent: whoever took it
    /// revokes the token when the request is over.
    /// </summary>
    /// <returns>The record after it, or null when there was no use left.</returns>
    public ValueTask<(TokenEntry? Entry, Fault? Fault)> UseAsync(TokenEntry token, CancellationToken cancellation) =>
        _records.ChangeAsync(
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

        using var wrapped = await _records.View.GetAsync(TokenRecords.WrappedReplies + entry.Accessor, cancellation);
        var (_, version) = await _records.ReadAsync(entry.Accessor, cancellation);
        if (wrapped is null || version == 0)
        {
            return (null, null, null);
        }

        var batch = new Batch();
        _records.View.Delete(batch, TokenRecords.Folder + entry.Accessor, version);
        _records.View.Delete(batch, TokenRecords.WrappedReplies + entry.Accessor);
        _records.Forget(entry.Accessor);
        var result = await _records.View.CommitAsync(batch, cancellation);
        _records.Forget(entry.Accessor);
        return result.Status switch
        {
            CommitStatus.Committed => (wrapped.Value.Span.ToArray(), entry, null),
            CommitStatus.Conflict => (null, null, null),
            _ => (null, null, Fault.From(result)),
        };
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
        for (var attempt = 0; attempt < TokenRecords.Retries; attempt++)
        {
            var batch = new Batch();
            var generation = _revocations.Now;
            entry = entry with { Generation = generation.Number };
            _records.Put(batch, entry, expectedVersion: 0);
            _revocations.Expect(batch, generation);
            if (TokenRecords.IsLease(entry))
            {
                _records.View.Put(batch, TokenRecords.PathLine(entry), []);
            }

            if (entry.Parent is { } parent)
            {
                // The child must not slip in while its parent is being revoked.
                var (parentEntry, parentVersion) = await _records.ReadAsync(parent, cancellation);
                if (parentEntry is null || !_records.IsLive(parentEntry))
                {
                    return (null, Fault.Denied());
                }

                _records.View.Put(batch, $"{TokenRecords.Children}{parent}/{entry.Accessor}", []);
                _records.View.Expect(batch, TokenRecords.Folder + parent, parentVersion);
            }

            if (!wrapped.IsEmpty)
            {
                _records.View.Put(batch, TokenRecords.WrappedReplies + entry.Accessor, wrapped.Span);
            }

            var result = await _records.View.CommitAsync(batch, cancellation);
            if (result.Succeeded)
            {
                return (new IssuedToken(token, entry, entry.CreationTtl), null);
            }

            if (result.Status != CommitStatus.Conflict)
            {
                return (null, Fault.From(result));
            }

            if ((await _records.ReadAsync(entry.Accessor, cancellation)).Entry is not null)
            {
                return (null, Fault.Invalid("cannot create a token with a duplicate ID"));
            }

            await _revocations.RefreshAsync(cancellation);
        }

        return (null, Fault.Unavailable("the parent token is being changed by too many requests at once; try again"));
    }

    private async ValueTask<TokenEntry?> FindBatchAsync(string token, CancellationToken cancellation)
    {
        var batch = _text.OpenBatch(token);
        return batch is not null && _records.IsLive(batch) && await ParentLivesAsync(batch, cancellation)
            ? batch
            : null;
    }

    /// <summary>Accessors are 24 letters and digits; anything else must not become part of a path.</summary>
    private static bool IsAccessor(string text) => text.Length is > 0 and <= 64 && text.All(char.IsAsciiLetterOrDigit);

    private async ValueTask<bool> ParentLivesAsync(TokenEntry batch, CancellationToken cancellation) =>
        batch.Parent is not { } parent || await FindByAccessorAsync(parent, cancellation) is not null;
}
