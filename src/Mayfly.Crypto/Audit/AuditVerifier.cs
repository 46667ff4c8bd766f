using System.Buffers;
using System.Security.Cryptography;

namespace Mayfly.Crypto.Audit;

/// <summary>
/// Checks an audit log offline: that every line is in its place and unchanged, and that the signed checkpoints vouch for
/// them. Reads once from front to back, in memory bound by the longest line.
/// </summary>
public static class AuditVerifier
{
    private const int BufferSize = 256 * 1024;

    /// <summary>Checks one file. Read the head before the log when a server is still writing.</summary>
    /// <param name="log">The log from its first byte.</param>
    /// <param name="options">What to compare it with.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async ValueTask<AuditReport> VerifyAsync(
        Stream log,
        AuditVerifyOptions options,
        CancellationToken cancellation = default
    )
    {
        using var walk = new AuditWalk(options);
        var buffer = new byte[BufferSize];
        var filled = 0;
        while (true)
        {
            if (filled == buffer.Length)
            {
                Array.Resize(ref buffer, checked(buffer.Length * 2));
            }

            var read = await log.ReadAsync(buffer.AsMemory(filled), cancellation);
            if (read == 0)
            {
                break;
            }

            var searched = filled;
            filled += read;
            var taken = Lines(walk, buffer.AsSpan(0, filled), searched);
            buffer.AsSpan(taken, filled - taken).CopyTo(buffer);
            filled -= taken;
        }

        return walk.End(buffer.AsSpan(0, filled));
    }

    /// <summary>Checks one file on disk, with the checkpoint that stands beside it unless the options name one.</summary>
    public static async ValueTask<AuditReport> VerifyFileAsync(
        string path,
        AuditVerifyOptions options,
        CancellationToken cancellation = default
    )
    {
        var head = path + ".head";
        if (options.Head is null && File.Exists(head))
        {
            var line = await File.ReadAllBytesAsync(head, cancellation);
            options = options with { Head = AuditCheckpoint.TryParse(line)?.Link ?? new AuditLink(long.MaxValue, "") };
        }

        await using var log = new FileStream(
            path,
            new FileStreamOptions
            {
                Access = FileAccess.Read,
                Share = FileShare.ReadWrite | FileShare.Delete,
                BufferSize = 0,
                Options = FileOptions.SequentialScan | FileOptions.Asynchronous,
            }
        );
        return await VerifyAsync(log, options, cancellation);
    }

    private static int Lines(AuditWalk walk, ReadOnlySpan<byte> bytes, int searched)
    {
        var taken = 0;
        while (true)
        {
            var feed = bytes[searched..].IndexOf((byte)'\n');
            if (feed < 0)
            {
                return taken;
            }

            searched += feed + 1;
            walk.Line(bytes[taken..searched]);
            taken = searched;
        }
    }
}
