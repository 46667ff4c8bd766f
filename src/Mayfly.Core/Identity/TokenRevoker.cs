using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;

namespace Mayfly.Core.Identity;

/// <summary>Ends tokens: with their descendants, those below a path, those that have come due. Safe for concurrent use.</summary>
internal sealed class TokenRevoker(TokenRecords records, TimeProvider time, ClockHistory clock)
{
    /// <summary>Called after a token has ended, with its accessor; what belonged to it alone is removed there.</summary>
    public Func<string, CancellationToken, ValueTask>? Ended { get; set; }

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
        foreach (var path in paths.Where(path => path.StartsWith(TokenRecords.Folder, StringComparison.Ordinal)))
        {
            var accessor = path[TokenRecords.Folder.Length..];
            var (entry, _) = await records.ReadAsync(accessor, cancellation);
            if (entry is not null && !records.IsLive(entry))
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
            var lines = await records.View.ScanAsync(
                TokenRecords.Paths + prefix,
                after,
                TokenRecords.PerBatch,
                cancellation
            );
            var old = new List<string>(lines.Count);
            foreach (var (path, line) in lines)
            {
                line.Dispose();
                after = path;
                var accessor = path[(path.LastIndexOf('/') + 1)..];
                var (entry, _) = await records.ReadAsync(accessor, cancellation);
                if (entry is null || entry.Generation < before)
                {
                    old.Add(accessor);
                }
            }

            if (await RevokeAsync(old, orphanChildren: false, cancellation) is { } fault)
            {
                return fault;
            }

            if (lines.Count < TokenRecords.PerBatch)
            {
                return null;
            }
        }
    }

    /// <summary>Looks at the clock, and revokes tokens from a time that has turned out wrong. To be called every few minutes.</summary>
    public async ValueTask LookAtClockAsync(ILogger log, CancellationToken cancellation)
    {
        if (await clock.LookAsync(log, cancellation))
        {
            foreach (var accessor in await records.View.ListAsync(TokenRecords.Folder, cancellation))
            {
                var (entry, _) = await records.ReadAsync(accessor, cancellation);
                if (entry is not null && !clock.Trusts(entry, time.GetUtcNow()))
                {
                    // What is not removed now stays refused, and is removed when its record comes due.
                    _ = await RevokeAsync(accessor, orphanChildren: false, cancellation);
                }
            }
        }
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
            foreach (var chunk in level.Chunk(TokenRecords.PerBatch))
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
        foreach (var chunk in levels.SelectMany(level => level.Chunk(TokenRecords.PerBatch)))
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
            var (entry, version) = await records.ReadAsync(accessor, cancellation);
            if (entry is { Spent: false })
            {
                entry = entry with { Spent = true, FreesChildren = freesChildren };
                records.Put(batch, entry, version);
                records.Forget(accessor);
            }

            if (entry is { FreesChildren: true })
            {
                freed.Add(accessor);
            }
        }

        if (!batch.IsEmpty)
        {
            var result = await records.View.CommitAsync(batch, cancellation);
            foreach (var accessor in accessors)
            {
                records.Forget(accessor);
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
            foreach (var child in await records.View.ListAsync($"{TokenRecords.Children}{accessor}/", cancellation))
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
            for (var attempt = 0; attempt < TokenRecords.Retries; attempt++)
            {
                var (entry, version) = await records.ReadAsync(accessors[0], cancellation);
                if (entry is null or { Spent: true })
                {
                    break;
                }

                var marked = entry with { Spent = true, FreesChildren = freesChildren };
                var result = await records.WriteAsync(marked, version, cancellation);
                if (result.Succeeded)
                {
                    break;
                }

                if (result.Status != CommitStatus.Conflict || attempt == TokenRecords.Retries - 1)
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
        (await records.ChangeAsync(accessor, entry => entry with { Parent = null }, cancellation)).Fault;

    private async ValueTask<Fault?> RemoveAsync(IReadOnlyList<string> accessors, CancellationToken cancellation)
    {
        var batch = new Batch();
        foreach (var accessor in accessors)
        {
            var (entry, _) = await records.ReadAsync(accessor, cancellation);
            if (Ended is { } ended)
            {
                await ended(accessor, cancellation);
            }

            AddRemoval(batch, accessor, entry);
            foreach (var child in await records.View.ListAsync($"{TokenRecords.Children}{accessor}/", cancellation))
            {
                records.View.Delete(batch, $"{TokenRecords.Children}{accessor}/{child}");
            }

            records.Forget(accessor);
        }

        var result = await records.View.CommitAsync(batch, cancellation);
        foreach (var accessor in accessors)
        {
            records.Forget(accessor);
        }

        return result.Succeeded ? null : Fault.From(result);
    }

    private void AddRemoval(Batch batch, string accessor, TokenEntry? entry)
    {
        records.View.Delete(batch, TokenRecords.Folder + accessor);
        if (entry is null)
        {
            return;
        }

        if (TokenRecords.IsLease(entry))
        {
            records.View.Delete(batch, TokenRecords.PathLine(entry));
        }

        if (entry.Parent is { } parent)
        {
            records.View.Delete(batch, $"{TokenRecords.Children}{parent}/{accessor}");
        }

        if (entry.Type == TokenType.Wrapping)
        {
            records.View.Delete(batch, TokenRecords.WrappedReplies + accessor);
        }
    }
}
