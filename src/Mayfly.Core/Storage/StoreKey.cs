using System.Buffers.Binary;

namespace Mayfly.Core.Storage;

/// <summary>
/// Address of a record: a sequence of byte segments, each written with its length before it (two bytes, big-endian). So
/// all records below a folder share its bytes as a prefix, a record and a folder of the same name never collide, and no
/// byte is special. Immutable.
/// </summary>
public readonly struct StoreKey : IEquatable<StoreKey>, IComparable<StoreKey>
{
    private readonly byte[]? _bytes;

    private StoreKey(byte[] bytes) => _bytes = bytes;

    /// <summary>The root folder: the prefix of every key.</summary>
    public static StoreKey Root => default;

    public ReadOnlySpan<byte> Bytes => _bytes;

    public bool IsRoot => _bytes is null or { Length: 0 };

    /// <summary>
    /// What comes due is queued by lanes, so that one owner's backlog does not stand before the others': a number made from
    /// the first two segments (FNV-1a, 64 bits). Two lanes whose numbers are the same only wait for each other.
    /// </summary>
    public long Lane
    {
        get
        {
            var own = Bytes;
            var end = 0;
            for (var segment = 0; segment < 2 && end < own.Length; segment++)
            {
                end += 2 + BinaryPrimitives.ReadUInt16BigEndian(own[end..]);
            }

            var hash = 14695981039346656037UL;
            foreach (var b in own[..end])
            {
                hash = unchecked((hash ^ b) * 1099511628211UL);
            }

            return unchecked((long)hash);
        }
    }

    /// <summary>The folder in which the record stands: the key without its last segment.</summary>
    public StoreKey Folder
    {
        get
        {
            var own = Bytes;
            var last = 0;
            for (var next = 0; next < own.Length; next += 2 + BinaryPrimitives.ReadUInt16BigEndian(own[next..]))
            {
                last = next;
            }

            return new(own[..last].ToArray());
        }
    }

    /// <summary>A key from the bytes that <see cref="Bytes"/> gave; the array is taken over.</summary>
    public static StoreKey FromBytes(byte[] bytes) => new(bytes);

    /// <summary>The key of a child called <paramref name="segment"/>: 1 to 65,535 bytes.</summary>
    public StoreKey Append(ReadOnlySpan<byte> segment)
    {
        ArgumentOutOfRangeException.ThrowIfZero(segment.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(segment.Length, ushort.MaxValue);
        var own = Bytes;
        var bytes = new byte[own.Length + 2 + segment.Length];
        own.CopyTo(bytes);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(own.Length), (ushort)segment.Length);
        segment.CopyTo(bytes.AsSpan(own.Length + 2));
        return new StoreKey(bytes);
    }

    /// <summary>The key of a child with a plain ASCII name that the server chose itself.</summary>
    public StoreKey Append(string plainSegment) => Append(System.Text.Encoding.UTF8.GetBytes(plainSegment));

    public bool StartsWith(StoreKey prefix) => Bytes.StartsWith(prefix.Bytes);

    /// <summary>The segment that follows <paramref name="prefix"/>, and whether more follow it.</summary>
    public ReadOnlySpan<byte> ChildOf(StoreKey prefix, out bool isFolder)
    {
        var rest = Bytes[prefix.Bytes.Length..];
        var length = BinaryPrimitives.ReadUInt16BigEndian(rest);
        isFolder = rest.Length > 2 + length;
        return rest.Slice(2, length);
    }

    /// <summary>
    /// The least byte string greater than every key that starts with this one, or null where there is none: the exclusive
    /// end of a range scan.
    /// </summary>
    public byte[]? EndOfRange()
    {
        var end = Bytes.ToArray();
        for (var i = end.Length - 1; i >= 0; i--)
        {
            if (end[i] != byte.MaxValue)
            {
                end[i]++;
                return end[..(i + 1)];
            }
        }

        return null;
    }

    public bool Equals(StoreKey other) => Bytes.SequenceCompareTo(other.Bytes) == 0;

    public override bool Equals(object? obj) => obj is StoreKey other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Bytes);
        return hash.ToHashCode();
    }

    public int CompareTo(StoreKey other) => Bytes.SequenceCompareTo(other.Bytes);

    public static bool operator ==(StoreKey left, StoreKey right) => left.Equals(right);

    public static bool operator !=(StoreKey left, StoreKey right) => !left.Equals(right);

    public static bool operator <(StoreKey left, StoreKey right) => left.CompareTo(right) < 0;

    public static bool operator >(StoreKey left, StoreKey right) => left.CompareTo(right) > 0;

    public static bool operator <=(StoreKey left, StoreKey right) => left.CompareTo(right) <= 0;

    public static bool operator >=(StoreKey left, StoreKey right) => left.CompareTo(right) >= 0;

    /// <summary>Hexadecimal; the segments below a view are ciphertext, so this tells nothing.</summary>
    public override string ToString() => Convert.ToHexString(Bytes);
}
