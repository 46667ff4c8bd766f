using System.Collections.Concurrent;
using System.Numerics;
using System.Security.Cryptography;

namespace Mayfly.Crypto;

/// <summary>
/// Bytes that must not outlive their use: they stand in an array that the garbage collector never moves (so it leaves
/// no copies behind), and are overwritten with zeros on <see cref="Dispose"/>. Arrays are pooled, so renting is cheap.
/// One owner; not safe for concurrent use. Reading after disposal throws.
/// </summary>
public sealed class SecretBytes : IDisposable
{
    private const int SmallestClass = 6; // 64 bytes
    private const int LargestClass = 20; // 1 MiB; anything larger is allocated for itself
    private const int PooledPerClass = 256;

    private static readonly ConcurrentQueue<byte[]>[] Pool = NewPool();

    private byte[]? _array;

    private SecretBytes(byte[] array, int length)
    {
        _array = array;
        Length = length;
    }

    /// <summary>The empty value; disposing it does nothing.</summary>
    public static SecretBytes Empty => new([], 0);

    /// <summary>Number of bytes.</summary>
    public int Length { get; }

    /// <summary>The bytes; valid until <see cref="Dispose"/>.</summary>
    public Span<byte> Span => Array.AsSpan(0, Length);

    /// <summary>The bytes; valid until <see cref="Dispose"/>.</summary>
    public Memory<byte> Memory => Array.AsMemory(0, Length);

    private byte[] Array => _array ?? throw new ObjectDisposedException(nameof(SecretBytes));

    /// <summary>A zeroed buffer of <paramref name="length"/> bytes.</summary>
    public static SecretBytes Rent(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (length == 0)
        {
            return Empty;
        }

        var sizeClass = SizeClass(length);
        if (sizeClass > LargestClass)
        {
            return new SecretBytes(GC.AllocateArray<byte>(length, pinned: true), length);
        }

        return Pool[sizeClass - SmallestClass].TryDequeue(out var array)
            ? new SecretBytes(array, length)
            : new SecretBytes(GC.AllocateArray<byte>(1 << sizeClass, pinned: true), length);
    }

    /// <summary>A copy of <paramref name="source"/>, which stays the caller's to clear.</summary>
    public static SecretBytes CopyOf(ReadOnlySpan<byte> source)
    {
        var copy = Rent(source.Length);
        source.CopyTo(copy.Span);
        return copy;
    }

    /// <summary><paramref name="length"/> bytes from the operating system's generator.</summary>
    public static SecretBytes Random(int length)
    {
        var bytes = Rent(length);
        RandomNumberGenerator.Fill(bytes.Span);
        return bytes;
    }

    /// <summary>Says how many bytes there are, never which.</summary>
    public override string ToString() => $"SecretBytes({Length})";

    /// <summary>Overwrites the bytes with zeros. Safe to call twice.</summary>
    public void Dispose()
    {
        var array = Interlocked.Exchange(ref _array, null);
        if (array is null || array.Length == 0)
        {
            return;
        }

        CryptographicOperations.ZeroMemory(array);
        var sizeClass = SizeClass(array.Length);
        if (sizeClass <= LargestClass && array.Length == 1 << sizeClass)
        {
            var queue = Pool[sizeClass - SmallestClass];
            if (queue.Count < PooledPerClass)
            {
                queue.Enqueue(array);
            }
        }
    }

    private static int SizeClass(int length) =>
        Math.Max(SmallestClass, BitOperations.Log2((uint)(length - 1)) + (length > 1 ? 1 : 0));

    private static ConcurrentQueue<byte[]>[] NewPool()
    {
        var pool = new ConcurrentQueue<byte[]>[LargestClass - SmallestClass + 1];
        for (var i = 0; i < pool.Length; i++)
        {
            pool[i] = new ConcurrentQueue<byte[]>();
        }

        return pool;
    }
}
