using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mayfly.Scanner.Matching;

/// <summary>
/// Finds which of many keywords occur in bytes, whatever their number, over ASCII without regard to case. Of three bytes
/// at every second place it is asked in a bitmap, small enough for the processor's first cache, whether a keyword has
/// them; only where one does, text and keyword are compared. After the sampling of Wu and Manber ("A fast algorithm for
/// multi-pattern searching", 1994). Immutable, safe for concurrent use.
/// </summary>
internal sealed class KeywordFinder
{
    /// <summary>Three letters are this many bits of the bitmap's address: 16 KB.</summary>
    private const int Bits = 17;

    private const int BucketBits = 12;

    /// <summary>Makes capitals small, and some other characters the same, which the comparison tells apart.</summary>
    private const uint AnyCase = 0x20202020;

    private const ulong AnyCaseWide = 0x2020202020202020;

    /// <summary>How common letters are, the most common first; what is no letter is taken for rarer than the last.</summary>
    private const string Common = "etaoinsrlcdupmhgfbyvkwxqzj";

    private readonly byte[][] _keywords;
    private readonly uint[] _bitmap = new uint[1 << (Bits - 5)];
    private readonly int[] _buckets = new int[(1 << BucketBits) + 1];
    private readonly Place[] _places;
    private readonly int[] _single;

    /// <param name="keywords">In small letters, none empty; a keyword's number is its place.</param>
    public KeywordFinder(IReadOnlyList<byte[]> keywords)
    {
        _keywords = [.. keywords];
        _single = [.. Enumerable.Range(0, _keywords.Length).Where(number => _keywords[number].Length == 1)];
        var places = new HashSet<(int Bucket, Place Place)>();
        for (var number = 0; number < _keywords.Length; number++)
        {
            if (_keywords[number].Length > 1)
            {
                // A keyword begins at an even place or at an odd one: one of its triples is looked at in each case.
                Add(number, RarestTriple(_keywords[number], parity: 0), places);
                Add(number, RarestTriple(_keywords[number], parity: 1), places);
            }
        }

        var sorted = places.OrderBy(each => each.Bucket).ToArray();
        _places = [.. sorted.Select(each => each.Place)];
        foreach (var (bucket, _) in sorted)
        {
            _buckets[bucket + 1]++;
        }

        for (var i = 0; i < 1 << BucketBits; i++)
        {
            _buckets[i + 1] += _buckets[i];
        }
    }

    /// <summary>Adds every place where a keyword ends, nearly from the beginning to the end of the text.</summary>
    /// <param name="text">The bytes.</param>
    /// <param name="hits">Gets the keyword's number, and the place after its last byte.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Find(ReadOnlySpan<byte> text, List<(int Keyword, int End)> hits)
    {
        foreach (var number in _single)
        {
            FindLetter(text, number, hits);
        }

        if (_places.Length == 0)
        {
            return;
        }

        ref var bitmap = ref MemoryMarshal.GetArrayDataReference(_bitmap);
        ref var first = ref MemoryMarshal.GetReference(text);
        var i = 0;
        for (; i + 8 <= text.Length; i += 6)
        {
            // Eight bytes at once have the triples at 0, 2 and 4.
            var wide = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, i));
            wide = (BitConverter.IsLittleEndian ? wide : BinaryPrimitives.ReverseEndianness(wide)) | AnyCaseWide;
            var (one, two, three) = (Hash((uint)wide), Hash((uint)(wide >> 16)), Hash((uint)(wide >> 32)));
            if ((Has(ref bitmap, one) | Has(ref bitmap, two) | Has(ref bitmap, three)) == 0)
            {
                continue;
            }

            if (Has(ref bitmap, one) != 0)
            {
                Compare(text, i, one, hits);
            }

            if (Has(ref bitmap, two) != 0)
            {
                Compare(text, i + 2, two, hits);
            }

            if (Has(ref bitmap, three) != 0)
            {
                Compare(text, i + 4, three, hits);
            }
        }

        for (; i < text.Length; i += 2)
        {
            Compare(text, i, Hash(Triple(text[i..]) | AnyCase), hits);
        }
    }

    private static uint Hash(uint letters) => (letters << 8) * 0x9E3779B1 >> (32 - Bits);

    private static uint Has(ref uint bitmap, uint hash) => Unsafe.Add(ref bitmap, hash >> 5) >> (int)(hash & 31) & 1;

    private static uint Triple(ReadOnlySpan<byte> text) =>
        text[0] | (text.Length > 1 ? (uint)text[1] << 8 : 0) | (text.Length > 2 ? (uint)text[2] << 16 : 0);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Compare(ReadOnlySpan<byte> text, int at, uint hash, List<(int Keyword, int End)> hits)
    {
        var bucket = hash >> (Bits - BucketBits);
        foreach (ref readonly var place in _places.AsSpan(_buckets[bucket].._buckets[bucket + 1]))
        {
            var start = at - place.Offset;
            if (
                start < 0
                || start + sizeof(uint) > text.Length
                || ((BinaryPrimitives.ReadUInt32LittleEndian(text[start..]) | AnyCase) & place.Mask) == place.Head
            )
            {
                CompareAll(text, start, place.Keyword, hits);
            }
        }
    }

    private void CompareAll(ReadOnlySpan<byte> text, int start, int number, List<(int Keyword, int End)> hits)
    {
        var keyword = _keywords[number];
        if (start >= 0 && start + keyword.Length <= text.Length && IsSame(text, start, keyword))
        {
            hits.Add((number, start + keyword.Length));
        }
    }

    private static bool IsSame(ReadOnlySpan<byte> text, int start, byte[] keyword)
    {
        for (var i = 0; i < keyword.Length; i++)
        {
            var letter = text[start + i];
            if (letter != keyword[i] && (letter is < (byte)'A' or > (byte)'Z' || (letter | 0x20) != keyword[i]))
            {
                return false;
            }
        }

        return true;
    }

    private void FindLetter(ReadOnlySpan<byte> text, int number, List<(int Keyword, int End)> hits)
    {
        var letter = _keywords[number][0];
        var capital = letter is >= (byte)'a' and <= (byte)'z' ? (byte)(letter & ~0x20) : letter;
        for (var at = 0; text[at..].IndexOfAny(letter, capital) is var next and >= 0; )
        {
            at += next + 1;
            hits.Add((number, at));
        }
    }

    /// <summary>Where the triple begins in the keyword. That of a short keyword has letters beside it, which may be any.</summary>
    private static int RarestTriple(byte[] keyword, int parity)
    {
        var (best, lowest) = (0, int.MaxValue);
        for (var offset = keyword.Length < 4 ? -1 : 0; offset <= Math.Max(keyword.Length - 3, 1); offset++)
        {
            if ((offset & 1) != parity)
            {
                continue;
            }

            var commonness = 0;
            for (var i = offset; i < offset + 3; i++)
            {
                commonness += i < 0 || i >= keyword.Length ? 100 : Commonness((char)keyword[i]);
            }

            (best, lowest) = commonness < lowest ? (offset, commonness) : (best, lowest);
        }

        return best;
    }

    private static int Commonness(char letter) =>
        Common.IndexOf(letter, StringComparison.Ordinal) is var rank and >= 0 ? Common.Length + 2 - rank : 1;

    private void Add(int number, int offset, HashSet<(int Bucket, Place Place)> places)
    {
        var triples = new List<uint> { 0 };
        for (var i = 0; i < 3; i++)
        {
            var at = offset + i;
            var letters =
                at >= 0 && at < _keywords[number].Length
                    ? [_keywords[number][at]]
                    : Enumerable.Range(0, 256).Where(letter => (letter & 0x20) != 0).Select(letter => (byte)letter);
            triples = [.. triples.SelectMany(triple => letters.Select(letter => triple | (uint)letter << (8 * i)))];
        }

        var keyword = _keywords[number].AsSpan(0, Math.Min(sizeof(uint), _keywords[number].Length));
        var mask = uint.MaxValue >> (8 * (sizeof(uint) - keyword.Length));
        Span<byte> padded = [0, 0, 0, 0];
        keyword.CopyTo(padded);
        var head = BinaryPrimitives.ReadUInt32LittleEndian(padded) | AnyCase;
        foreach (var triple in triples)
        {
            var hash = Hash(triple | AnyCase);
            _bitmap[hash >> 5] |= 1u << (int)(hash & 31);
            places.Add(((int)(hash >> (Bits - BucketBits)), new Place(number, offset, head & mask, mask)));
        }
    }

    /// <param name="Keyword">The keyword's number.</param>
    /// <param name="Offset">Where the triple that was found begins in it.</param>
    /// <param name="Head">Its first four letters as <see cref="AnyCase"/> makes them, or as many as it has.</param>
    /// <param name="Mask">Which of the four it has.</param>
    private readonly record struct Place(int Keyword, int Offset, uint Head, uint Mask);
}
