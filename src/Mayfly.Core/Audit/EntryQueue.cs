namespace Mayfly.Core.Audit;

/// <summary>Bodies of entries one after the other, with who waits for each. Guarded by the device's lock until it is swapped out.</summary>
internal sealed class EntryQueue
{
    private readonly LineBuffer _bytes = new(keptCapacity: 4 * 1024 * 1024);
    private readonly List<int> _ends = [];

    public int Count => _ends.Count;

    public int Bytes => _bytes.Length;

    public ReadOnlySpan<byte> this[int index]
    {
        get
        {
            var start = index == 0 ? 0 : _ends[index - 1];
            return _bytes.Written[start.._ends[index]];
        }
    }

    /// <summary>When the oldest entry was put in.</summary>
    public long Since { get; private set; }

    public List<AuditWait> Waits { get; set; } = [];

    public void Add(ReadOnlySpan<byte> body, long now)
    {
        if (_ends.Count == 0)
        {
            Since = now;
        }

        _bytes.Raw(body);
        _ends.Add(_bytes.Length);
    }

    public void Clear()
    {
        _bytes.Clear();
        _ends.Clear();
        Waits.Clear();
    }
}
