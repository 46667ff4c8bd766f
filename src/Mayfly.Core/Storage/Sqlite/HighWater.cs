using System.Buffers.Binary;
using System.Numerics;
using Microsoft.Win32.SafeHandles;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>
/// The sequence of the last acknowledged commit, in a file of its own. SQLite, when it recovers a damaged WAL after a
/// crash, drops what follows the damage without a word; this number tells. It is written after the commit is durable and
/// is never synced itself, so it can be behind the truth, but never ahead. Two copies, so that no single damaged bit
/// makes it unreadable. Used by one thread at a time.
/// </summary>
internal sealed class HighWater : IDisposable
{
    private const int CopySize = 16;
    private const int Size = 2 * CopySize;
    private const uint Seed = 0x4D61_796C;

    private readonly SafeFileHandle _file;
    private readonly byte[] _buffer = new byte[Size];

    private HighWater(SafeFileHandle file, long? sequence)
    {
        _file = file;
        Sequence = sequence;
    }

    /// <summary>What the file said when it was opened; null when there was none.</summary>
    public long? Sequence { get; }

    /// <summary>The mark of a store that was just created.</summary>
    public static HighWater Begin(string path)
    {
        var mark = new HighWater(Libc.OpenFile(path, create: true), sequence: 0);
        mark.Write(0);
        return mark;
    }

    /// <exception cref="StoreCorruptException">Both copies are damaged.</exception>
    public static HighWater Open(string path)
    {
        var file = Libc.OpenFile(path, create: true);
        var bytes = new byte[Size];
        var length = RandomAccess.Read(file, bytes, 0);
        if (length == 0)
        {
            return new HighWater(file, sequence: null);
        }

        long? sequence = null;
        for (var start = 0; start < Size; start += CopySize)
        {
            var value = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(start));
            var isIntact = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(start + 8)) == Check(value);
            if (isIntact && (sequence is null || value > sequence))
            {
                sequence = value;
            }
        }

        if (sequence is null)
        {
            file.Dispose();
            throw new StoreCorruptException(
                $"{path} is damaged, so it cannot be told whether all acknowledged writes are there. "
                    + "To go on without that knowledge, delete this file."
            );
        }

        return new HighWater(file, sequence);
    }

    public void Write(long sequence)
    {
        for (var start = 0; start < Size; start += CopySize)
        {
            BinaryPrimitives.WriteInt64LittleEndian(_buffer.AsSpan(start), sequence);
            BinaryPrimitives.WriteUInt64LittleEndian(_buffer.AsSpan(start + 8), Check(sequence));
        }

        RandomAccess.Write(_file, _buffer, 0);
    }

    public void Dispose() => _file.Dispose();

    private static ulong Check(long sequence)
    {
        var low = BitOperations.Crc32C(Seed, (ulong)sequence);
        return low | ((ulong)BitOperations.Crc32C(low, (ulong)sequence) << 32);
    }
}
