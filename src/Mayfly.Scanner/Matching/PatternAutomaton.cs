namespace Mayfly.Scanner.Matching;

/// <summary>
/// A pattern as states with edges that take a character of a set, or nothing. Characters are told apart by class only: what
/// no set of the pattern tells apart is one class. One owner until it is built, then immutable.
/// </summary>
internal sealed class PatternAutomaton
{
    /// <summary>Larger automata are not followed.</summary>
    private const int MaxStates = 20_000;

    private readonly List<List<(SymbolSet? Set, int Next)>> _drawn = [];

    private readonly Dictionary<int, int> _chains = [];

    private PatternAutomaton() { }

    /// <summary>
    /// States of repetitions that may end at any time, and the repetition of each: what a later one of the same takes, an
    /// earlier one (of a smaller number) takes too.
    /// </summary>
    public IReadOnlyDictionary<int, int> Chains => _chains;

    /// <summary>The state before the first character.</summary>
    public int Start { get; private init; }

    /// <summary>The state after the last character.</summary>
    public int End { get; private init; }

    /// <summary>How many states there are.</summary>
    public int Count => Edges.Length;

    /// <summary>How many classes of characters there are; at most 64.</summary>
    public int Width { get; private set; }

    /// <summary>The class of each ASCII character, and at 128 that of all others.</summary>
    public byte[] Classes { get; } = new byte[SymbolSet.Other + 1];

    /// <summary>By state: the classes (as bits; 0 for an edge that takes nothing) and where to.</summary>
    public (ulong Classes, int Next)[][] Edges { get; private set; } = [];

    /// <summary>The automaton; null when it would be too large.</summary>
    /// <param name="node">The pattern.</param>
    /// <param name="apart">Further sets of characters that must be told apart.</param>
    public static PatternAutomaton? Of(PatternNode node, IEnumerable<SymbolSet> apart)
    {
        var automaton = new PatternAutomaton { Start = 0, End = 1 };
        automaton.New();
        automaton.New();
        return automaton.Add(node, automaton.Start, automaton.End) && automaton.Classify(apart) ? automaton : null;
    }

    /// <summary>The same with every edge turned around.</summary>
    public (ulong Classes, int Next)[][] Reversed()
    {
        var lists = new List<(ulong, int)>[Count];
        for (var state = 0; state < Count; state++)
        {
            foreach (var (classes, next) in Edges[state])
            {
                (lists[next] ??= []).Add((classes, state));
            }
        }

        return [.. lists.Select(list => list is null ? [] : list.ToArray())];
    }

    private bool Classify(IEnumerable<SymbolSet> apart)
    {
        var sets = _drawn
            .SelectMany(edges => edges)
            .Where(edge => edge.Set is not null)
            .Select(edge => edge.Set!.Value);
        var width = 1;
        foreach (var set in sets.Concat(apart).Distinct())
        {
            // Each class is split into those in the set, which get a new number, and the others.
            var split = new Dictionary<byte, byte>();
            var members = Enumerable.Range(0, Classes.Length).Where(symbol => set.Has((char)symbol)).ToArray();
            var touched = members.Select(symbol => Classes[symbol]).ToHashSet();
            var whole = touched.Where(kind =>
                Enumerable.Range(0, Classes.Length).All(symbol => Classes[symbol] != kind || set.Has((char)symbol))
            );
            touched.ExceptWith([.. whole]);
            foreach (var symbol in members.Where(symbol => touched.Contains(Classes[symbol])))
            {
                if (!split.TryGetValue(Classes[symbol], out var kind))
                {
                    split[Classes[symbol]] = kind = (byte)width++;
                }

                Classes[symbol] = kind;
            }
        }

        if (width > 64)
        {
            return false;
        }

        Width = width;
        var bits = new Dictionary<SymbolSet, ulong>();
        Edges =
        [
            .. _drawn.Select(edges => edges.Select(edge => (edge.Set is { } set ? Bits(set) : 0, edge.Next)).ToArray()),
        ];
        _drawn.Clear();
        return true;

        ulong Bits(SymbolSet set)
        {
            if (!bits.TryGetValue(set, out var found))
            {
                for (var symbol = 0; symbol < Classes.Length; symbol++)
                {
                    found |= set.Has((char)symbol) ? 1UL << Classes[symbol] : 0;
                }

                bits[set] = found;
            }

            return found;
        }
    }

    private int New()
    {
        _drawn.Add([]);
        return _drawn.Count - 1;
    }

    /// <summary>Adds a way from one state to another. False when there are too many states.</summary>
    private bool Add(PatternNode node, int from, int to)
    {
        if (_drawn.Count > MaxStates)
        {
            return false;
        }

        switch (node)
        {
            case PatternNode.One one:
                // A set of nothing has no way through; as bits it would be a way for nothing.
                if (one.Set != default)
                {
                    _drawn[from].Add((one.Set, to));
                }

                return true;
            case PatternNode.Choice choice:
                return choice.Parts.All(part => Add(part, from, to));
            case PatternNode.Sequence sequence:
                foreach (var part in sequence.Parts)
                {
                    var next = New();
                    if (!Add(part, from, next))
                    {
                        return false;
                    }

                    from = next;
                }

                _drawn[from].Add((null, to));
                return true;
            default:
                return AddRepeat((PatternNode.Repeat)node, from, to);
        }
    }

    private bool AddRepeat(PatternNode.Repeat repeat, int from, int to)
    {
        for (var i = 0; i < repeat.Fewest; i++)
        {
            var next = New();
            if (!Add(repeat.Part, from, next))
            {
                return false;
            }

            from = next;
        }

        if (repeat.Most is null)
        {
            var loop = New();
            _drawn[from].Add((null, loop));
            _drawn[loop].Add((null, to));
            return Add(repeat.Part, loop, loop);
        }

        var chain = _drawn.Count;
        for (var i = repeat.Fewest; i < repeat.Most; i++)
        {
            _chains.TryAdd(from, chain);
            _drawn[from].Add((null, to));
            var next = New();
            if (!Add(repeat.Part, from, next))
            {
                return false;
            }

            from = next;
        }

        _drawn[from].Add((null, to));
        return true;
    }
}
