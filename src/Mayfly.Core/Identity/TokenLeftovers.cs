namespace Mayfly.Core.Identity;

/// <summary>What may be left of tokens that are gone, after a crash between two commits.</summary>
internal sealed class TokenLeftovers(TokenRecords records)
{
    /// <summary>Removes lines of paths, of children, and wrapped replies, whose token is gone.</summary>
    public async ValueTask RemoveAsync(CancellationToken cancellation)
    {
        string? after = null;
        for (var more = true; more; )
        {
            var lines = await records.View.ScanAsync(TokenRecords.Paths, after, TokenRecords.PerBatch, cancellation);
            foreach (var (path, line) in lines)
            {
                line.Dispose();
                after = path;
                if ((await records.ReadAsync(path[(path.LastIndexOf('/') + 1)..], cancellation)).Entry is null)
                {
                    await records.View.DeleteAsync(path, cancellation);
                }
            }

            more = lines.Count == TokenRecords.PerBatch;
        }

        foreach (var parent in await records.View.ListAsync(TokenRecords.Children, cancellation))
        {
            foreach (var child in await records.View.ListAsync(TokenRecords.Children + parent, cancellation))
            {
                if ((await records.ReadAsync(child, cancellation)).Entry is null)
                {
                    await records.View.DeleteAsync(TokenRecords.Children + parent + child, cancellation);
                }
            }
        }

        foreach (var accessor in await records.View.ListAsync(TokenRecords.WrappedReplies, cancellation))
        {
            if ((await records.ReadAsync(accessor, cancellation)).Entry is null)
            {
                await records.View.DeleteAsync(TokenRecords.WrappedReplies + accessor, cancellation);
            }
        }
    }
}
