using Mayfly.Core.Leases;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Identity;

/// <summary>
/// The records of tokens as they are stored: one each, at its accessor, due when it expires; a line below the path that made it, and
/// one below its parent; and what a wrapping token wraps. Safe for concurrent use.
/// </summary>
internal sealed class TokenRecords(View view, PrefixRevocations revocations, TimeProvider time, ClockHistory clock)
{
    /// <summary>The folder of the records themselves.</summary>
    public const string Folder = "id/";

    /// <summary>Below a parent's accessor: those of its children.</summary>
    public const string Children = "child/";

    /// <summary>At a wrapping token's accessor: the reply.</summary>
    public const string WrappedReplies = "wrapped/";

    /// <summary>Below the path that made a token: its accessor.</summary>
    public const string Paths = "path/";

    /// <summary>How many records are read or committed at once.</summary>
    public const int PerBatch = 256;

    /// <summary>How often a change is tried that others come before.</summary>
    public const int Retries = 64;

    private readonly TokenCache _cache = new();

    public View View => view;

    /// <summary>The record of a service token that is alive, or null; from memory when it is there.</summary>
    public ValueTask<TokenEntry?> FindAsync(TokenDigest digest, CancellationToken cancellation) =>
        _cache.Find(digest) is { } cached
            ? new(IsLive(cached.Entry) ? cached.Entry : null)
            : LoadAsync(digest, cancellation);

    /// <summary>To be called before and after a commit that changes the record at <paramref name="accessor"/>.</summary>
    public void Forget(string accessor) => _cache.Forget(accessor);

    /// <summary>The record at an accessor, and its version; null and 0 when there is none.</summary>
    public async ValueTask<(TokenEntry? Entry, long Version)> ReadAsync(string accessor, CancellationToken cancellation)
    {
        using var record = await view.GetAsync(Folder + accessor, cancellation);
        return record is null ? (null, 0) : (TokenCodec.Decode(record.Value), record.Version);
    }

    /// <summary>Adds a record to a batch, due when its token ends.</summary>
    public void Put(Batch batch, TokenEntry entry, long expectedVersion)
    {
        var due = entry.Spent ? time.GetUtcNow() : entry.ExpiresAt;
        view.Put(
            batch,
            Folder + entry.Accessor,
            TokenCodec.Encode(entry),
            due?.ToUnixTimeMilliseconds(),
            expectedVersion
        );
    }

    /// <summary>Commits a record in the place of the version that was read.</summary>
    public async ValueTask<CommitResult> WriteAsync(TokenEntry entry, long version, CancellationToken cancellation)
    {
        var batch = new Batch();
        Put(batch, entry, version);
        Forget(entry.Accessor);
        var result = await view.CommitAsync(batch, cancellation);
        Forget(entry.Accessor);
        return result;
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
                if (await clock.CoverAsync(cancellation) is { } unwritten)
                {
                    return (null, unwritten);
                }

                changed = changed with { Epoch = clock.Epoch };
            }

            var result = await WriteAsync(changed, version, cancellation);
            if (result.Status != CommitStatus.Conflict)
            {
                return result.Succeeded ? (changed, null) : (null, Fault.From(result));
            }
        }

        return (null, Fault.Unavailable("the token is being changed by too many requests at once; try again"));
    }

    /// <summary>Whether the token may be used now: not spent, within its time, and not revoked by its path.</summary>
    public bool IsLive(TokenEntry entry) =>
        !entry.Spent
        && (entry.ExpiresAt is not { } end || IsWithin(entry, end, time.GetUtcNow()))
        && !(
            revocations.Cover(entry.Generation, entry.Path, entry.Accessor)
            && (entry.Type == TokenType.Batch || IsLease(entry))
        );

    /// <summary>Tokens that somebody asked for are leases: they are listed and revoked by the path that made them.</summary>
    public static bool IsLease(TokenEntry entry) =>
        entry.Type == TokenType.Service && entry.Path != TokenIssuer.RootPath;

    /// <summary>Where the line of a token that is a lease stands.</summary>
    public static string PathLine(TokenEntry entry) => $"{Paths}{entry.Path.TrimEnd('/')}/{entry.Accessor}";

    private bool IsWithin(TokenEntry entry, DateTimeOffset end, DateTimeOffset now) =>
        end > now && clock.Trusts(entry, now);

    private async ValueTask<TokenEntry?> LoadAsync(TokenDigest digest, CancellationToken cancellation)
    {
        var accessor = TokenText.Accessor(digest);
        var stamp = _cache.Stamp(accessor);
        using var record = await view.GetAsync(Folder + accessor, cancellation);
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
}
