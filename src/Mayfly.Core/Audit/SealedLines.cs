using System.Security.Cryptography;
using Mayfly.Crypto.Audit;

namespace Mayfly.Core.Audit;

/// <summary>Lines that are linked into the chain and ready for a device, and how far it got with them. The writer's alone.</summary>
internal sealed class SealedLines
{
    private readonly LineBuffer _bytes = new(keptCapacity: 4 * 1024 * 1024);
    private readonly List<int> _ends = [];

    public ReadOnlySpan<byte> Bytes => _bytes.Written;

    public int Count => _ends.Count;

    /// <summary>Bytes that the device has taken.</summary>
    public int Done { get; set; }

    public bool IsDone => Done == _bytes.Length;

    /// <summary>Lines that the device has taken whole.</summary>
    public int LinesDone
    {
        get
        {
            var index = _ends.BinarySearch(Done);
            return index >= 0 ? index + 1 : ~index;
        }
    }

    public ReadOnlySpan<byte> this[int index] =>
        _bytes.Written[(index == 0 ? 0 : _ends[index - 1]).._ends[index]].TrimStart((byte)'\n');

    public int EndOf(int index) => _ends[index];

    /// <summary>Adds a line whose body lacks its closing brace.</summary>
    public void Add(ReadOnlySpan<byte> body, long sequence, Span<byte> hash, ECDsa? key)
    {
        var start = _bytes.Length;
        var room = _bytes.Room(body.Length + AuditChain.LongestTail);
        body.CopyTo(room);
        var length = body.Length + AuditChain.WriteTail(room[body.Length..], sequence, key is not null);
        AuditChain.Seal(room[..length], hash, key);
        _bytes.Advance(length);
        _ends.Add(start + length);
    }

    /// <summary>Adds bytes to the line that comes next without linking them.</summary>
    public void AddRaw(ReadOnlySpan<byte> bytes) => _bytes.Raw(bytes);

    public void Clear()
    {
        _bytes.Clear();
        _ends.Clear();
        Done = 0;
    }
}
