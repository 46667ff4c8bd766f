using System.Security.Cryptography;
using Mayfly.Crypto.Audit;
using Microsoft.Win32.SafeHandles;

namespace Mayfly.Core.Audit;

/// <summary>How an audit log ends. Immutable.</summary>
/// <param name="Position">The last whole line, or <see cref="ChainPosition.None"/> when it is not one of a chain.</param>
/// <param name="TornBytes">Bytes after the last line feed: what a crash left of a line.</param>
/// <param name="TornHash">Their SHA-256 in hexadecimal, or "".</param>
/// <param name="NeedsFeed">The next line must begin with a line feed.</param>
internal sealed record FileTail(ChainPosition Position, int TornBytes, string TornHash, bool NeedsFeed)
{
    private const int Step = 64 * 1024;

    /// <summary>A line longer than this cannot have been written by a server that limits its requests.</summary>
    private const int Longest = 512 * 1024 * 1024;

    public static FileTail Read(string path)
    {
        using var handle = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
        var size = RandomAccess.GetLength(handle);
        var lastFeed = FindFeedBefore(handle, size);
        var torn = Range(handle, lastFeed + 1, size);
        if (torn.Length > 0 && PositionOf(torn) is { Sequence: > 0 } whole)
        {
            return new FileTail(whole, TornBytes: 0, TornHash: "", NeedsFeed: true);
        }

        var tornHash = torn.Length == 0 ? "" : Convert.ToHexStringLower(SHA256.HashData(torn));
        var position =
            lastFeed < 0
                ? ChainPosition.None
                : PositionOf(Range(handle, FindFeedBefore(handle, lastFeed) + 1, lastFeed));
        return new FileTail(position, torn.Length, tornHash, torn.Length > 0);
    }

    private static ChainPosition PositionOf(ReadOnlySpan<byte> line)
    {
        Span<byte> hash = stackalloc byte[AuditChain.HashSize];
        return AuditLine.TryParse(line, out var parsed) && parsed.HashHolds(hash)
            ? new ChainPosition(parsed.Sequence, Convert.ToHexStringLower(hash))
            : ChainPosition.None;
    }

    /// <summary>The offset of the last line feed before <paramref name="end"/>, or -1.</summary>
    private static long FindFeedBefore(SafeFileHandle handle, long end)
    {
        var buffer = new byte[Step];
        for (var to = end; to > 0 && end - to < Longest; to -= Step)
        {
            var from = Math.Max(0, to - Step);
            var part = buffer.AsSpan(0, (int)(to - from));
            var read = RandomAccess.Read(handle, part, from);
            var at = part[..read].LastIndexOf((byte)'\n');
            if (at >= 0)
            {
                return from + at;
            }
        }

        return -1;
    }

    private static byte[] Range(SafeFileHandle handle, long from, long to)
    {
        var bytes = new byte[(int)Math.Min(to - from, Longest)];
        var done = 0;
        while (done < bytes.Length)
        {
            var read = RandomAccess.Read(handle, bytes.AsSpan(done), from + done);
            if (read == 0)
            {
                break;
            }

            done += read;
        }

        return bytes[..done];
    }
}
