using System.Collections.Frozen;

namespace Mayfly.Core.Policy;

/// <summary>
/// Finds the one rule that decides for a path, without allocating. Literal paths are in a dictionary. Patterns are kept by
/// their literal head (the text before the first wildcard), heads sorted, each knowing the next shorter head that it begins
/// with: a binary search finds the longest head of a path, the links lead to all the others, and Vault's order of priority
/// is the order of that walk, since a longer head always goes first. Immutable.
/// </summary>
internal sealed class AclIndex
{
    private readonly FrozenDictionary<string, AclRule> _exact;
    private readonly FrozenDictionary<string, AclRule>.AlternateLookup<ReadOnlySpan<char>> _exactBySpan;
    private readonly string[] _heads;
    private readonly int[] _shorter;
    private readonly AclRule[][] _rules;

    public AclIndex(IReadOnlyList<AclRule> rules)
    {
        All = [.. rules.OrderBy(rule => rule.Pattern, PathPattern.Priority)];
        _exact = rules
            .Where(rule => rule.Pattern.IsExact)
            .ToFrozenDictionary(rule => rule.Pattern.Text, StringComparer.Ordinal);
        _exactBySpan = _exact.GetAlternateLookup<ReadOnlySpan<char>>();
        var byHead = All.Where(rule => !rule.Pattern.IsExact)
            .GroupBy(rule => rule.Pattern.Head, StringComparer.Ordinal)
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .ToList();
        _heads = [.. byHead.Select(group => group.Key)];
        _rules = [.. byHead.Select(group => group.ToArray())];
        _shorter = new int[_heads.Length];
        for (var i = 0; i < _heads.Length; i++)
        {
            var shorter = i - 1;
            while (shorter >= 0 && !_heads[i].StartsWith(_heads[shorter], StringComparison.Ordinal))
            {
                shorter = _shorter[shorter];
            }

            _shorter[i] = shorter;
        }
    }

    /// <summary>All rules, in order of priority.</summary>
    public IReadOnlyList<AclRule> All { get; }

    /// <summary>
    /// The rule that decides, or null. A LIST of <c>foo/</c> is also a LIST of <c>foo</c>: rules for either count, and the one
    /// with the highest priority decides, so that neither spelling slips past a more specific denial.
    /// </summary>
    public AclRule? Find(ReadOnlySpan<char> path, bool isList)
    {
        path = path.TrimStart('/');
        if (_exactBySpan.TryGetValue(path, out var exact))
        {
            return exact;
        }

        var bare = path;
        if (isList && path is [.. var before, '/'])
        {
            bare = before;
            if (_exactBySpan.TryGetValue(bare, out exact))
            {
                return exact;
            }
        }

        for (var i = LongestHead(path); i >= 0; i = _shorter[i])
        {
            foreach (var rule in _rules[i])
            {
                if (rule.Pattern.Matches(path) || (bare.Length != path.Length && rule.Pattern.Matches(bare)))
                {
                    return rule;
                }
            }
        }

        return null;
    }

    /// <summary>Whether a rule applies to a path at all.</summary>
    public static bool Covers(PathPattern pattern, ReadOnlySpan<char> path, bool isList)
    {
        path = path.TrimStart('/');
        return pattern.Matches(path) || (isList && path is [.. var bare, '/'] && pattern.Matches(bare));
    }

    private int LongestHead(ReadOnlySpan<char> path)
    {
        // The last head that sorts at or before the path either is the longest head of the path or begins with it.
        var low = 0;
        var high = _heads.Length;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_heads[middle].AsSpan().SequenceCompareTo(path) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        var found = low - 1;
        while (found >= 0 && !path.StartsWith(_heads[found]))
        {
            found = _shorter[found];
        }

        return found;
    }
}
