using Mayfly.Core.Mounts;

namespace Mayfly.Core.Known;

/// <summary>All that can be looked for, as the store was when the index was made. Immutable; holds no secret, only keyed values.</summary>
/// <param name="parts">In any order.</param>
/// <param name="change">The number of the store's last change that is in it.</param>
/// <param name="mounts">The mounts as they were.</param>
/// <param name="complete">Nothing had to be left out.</param>
internal sealed class KnownIndex(KnownPart[] parts, long change, MountTable mounts, bool complete)
{
    private readonly KnownPart[] _parts = Sorted(parts);

    public IReadOnlyList<KnownPart> Parts => _parts;

    public bool IsComplete => complete;

    /// <summary>Whether nothing has changed since.</summary>
    public bool IsOf(long latest, MountTable table) => change == latest && ReferenceEquals(mounts, table);

    /// <summary>Those whose value it is.</summary>
    public IEnumerable<KnownPart> Find(UInt128 value)
    {
        var (low, high) = (0, _parts.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _parts[middle].Value < value ? (middle + 1, high) : (low, middle);
        }

        for (; low < _parts.Length && _parts[low].Value == value; low++)
        {
            yield return _parts[low];
        }
    }

    private static KnownPart[] Sorted(KnownPart[] parts)
    {
        Array.Sort(parts, (a, b) => a.Value.CompareTo(b.Value));
        return parts;
    }
}
