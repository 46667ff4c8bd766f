using System.Buffers.Binary;
using System.Numerics;
using Mayfly.Client.Known;
using Mayfly.Crypto;

namespace Mayfly.Cli.Commands.Scan;

/// <summary>
/// The filter of a comparison, for every word of a scan: a table of bits that stays in the processor's cache turns nearly all away,
/// and a search in the sorted hashes the rest. Immutable; safe for concurrent use.
/// </summary>
internal sealed class KnownFilter
{
    private readonly ulong _key0;
    private readonly ulong _key1;
    private readonly int _shift;
    private readonly int _tableShift;
    private readonly ulong[] _table;
    private readonly uint[] _hashes;

    public KnownFilter(KnownSession session)
    {
        _key0 = BinaryPrimitives.ReadUInt64LittleEndian(session.FilterKey.Span);
        _key1 = BinaryPrimitives.ReadUInt64LittleEndian(session.FilterKey.Span[8..]);
        _shift = 64 - session.FilterBits;
        _hashes = [.. session.Filter.Order()];

        // Sixteen bits for each hash, as far as hashes have that many.
        var bits = Math.Clamp(BitOperations.Log2((uint)_hashes.Length + 1) + 5, 6, Math.Max(6, session.FilterBits));
        _tableShift = 64 - bits;
        _table = new ulong[(1 << bits) / 64];
        foreach (var hash in _hashes)
        {
            Set((ulong)hash << _shift);
        }
    }

    public bool MayHave(ReadOnlySpan<byte> text)
    {
        var hash = SipHash.Hash(_key0, _key1, text);
        var place = hash >> _tableShift;
        return (_table[place >> 6] >> (int)(place & 63) & 1) != 0
            && Array.BinarySearch(_hashes, (uint)(hash >> _shift)) >= 0;
    }

    /// <summary>A filter of fewer bits than the table stands for all hashes that begin with them.</summary>
    private void Set(ulong hash)
    {
        var first = hash >> _tableShift;
        var last = (hash | ((1UL << _shift) - 1)) >> _tableShift;
        for (var place = first; place <= last; place++)
        {
            _table[place >> 6] |= 1UL << (int)(place & 63);
        }
    }
}
