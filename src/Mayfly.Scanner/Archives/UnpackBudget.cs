using System.Globalization;

namespace Mayfly.Scanner.Archives;

/// <summary>
/// What may be unpacked from one file, with all archives inside of it, so that no file of some kilobytes keeps a scan
/// busy for days. Ordinary archives, also of logs and of zeros, stay far below. One owner.
/// </summary>
internal sealed class UnpackBudget(long packed, CancellationToken cancellation)
{
    /// <summary>Entries of all archives together.</summary>
    public const int Entries = 1_000_000;

    /// <summary>Bytes that any file may unpack to...</summary>
    public const long Base = 1L << 30;

    /// <summary>...and so many times its own size more.</summary>
    public const int Times = 100;

    /// <summary>One compressed stream may unpack to so many bytes...</summary>
    public const long StreamBase = 64L << 20;

    /// <summary>...and then to no more than so many times its packed size (deflate can reach 1032).</summary>
    public const int StreamTimes = 250;

    private long _packed = packed;
    private long _unpacked;
    private int _entries;

    /// <summary>More of a stream of unknown length has come in.</summary>
    public void CountPacked(int bytes) => _packed += bytes;

    public void CountEntry()
    {
        cancellation.ThrowIfCancellationRequested();
        if (++_entries > Entries)
        {
            throw new ArchiveException(
                $"it has more than {Entries.ToString("N0", CultureInfo.InvariantCulture)} entries; the others were not read",
                endsAll: true
            );
        }
    }

    /// <summary>Watches over what comes out of one entry or one compressed stream.</summary>
    /// <param name="unpacked">What comes out.</param>
    /// <param name="size">Its packed size, or null when nobody knows.</param>
    public Stream Watch(Stream unpacked, long? size)
    {
        var own = 0L;
        return new MeteredStream(
            unpacked,
            read =>
            {
                cancellation.ThrowIfCancellationRequested();
                _unpacked += read;
                own += read;
                if (own > StreamBase && size is { } known && own / StreamTimes > known)
                {
                    throw new ArchiveException($"it unpacks to more than {StreamTimes} times its size");
                }

                if (_unpacked > Base && (_unpacked - Base) / Times > _packed)
                {
                    throw new ArchiveException(
                        $"it unpacks to more than {Base >> 30} GB and {Times} times its size",
                        endsAll: true
                    );
                }
            }
        );
    }
}
