using System.Runtime.InteropServices;

namespace Mayfly.Scanner.Matching;

/// <summary>
/// Follows the bytes from a place in a text, to one side, for as long as they can belong to a match: an automaton whose
/// deterministic states are made when a text first needs them. Says yes too often (assertions hold always, and so does
/// what is beyond ASCII), never too seldom. Safe for concurrent use.
/// </summary>
internal sealed class MatchTrail
{
    /// <summary>A pattern that needs more deterministic states is not followed further: it may always match.</summary>
    private const int MostStates = 4000;

    /// <summary>The same where a match can begin at every byte: such states are larger.</summary>
    private const int MostStatesAnywhere = 1000;

    /// <summary>The same for the work of making them, in states of the pattern that were visited.</summary>
    private const int MostWork = 20_000_000;

    private const int Unknown = 0;
    private const int Yes = -1;
    private const int No = -2;

    private readonly (ulong Classes, int Next)[][] _edges;
    private readonly byte[] _classes;
    private readonly int _width;
    private readonly int _end;
    private readonly IReadOnlyDictionary<int, int>? _chains;
    private readonly HashSet<int> _seenChains = [];
    private readonly Lock _making = new();
    private readonly List<int[]> _sets = [];
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly int[] _seen;
    private readonly int _start;
    private readonly IReadOnlyCollection<int> _always = [];
    private readonly int _mostStates = MostStates;
    private int _visit;
    private int _work;

    // By state and class: the state to which it leads (from 1 on), or what is known without going on. Grows by being
    // replaced; who still reads an older one finds Unknown, and asks.
    private int[] _next;

    /// <param name="automaton">The pattern, of which <paramref name="edges"/> may be turned around.</param>
    /// <param name="edges">Its edges.</param>
    /// <param name="from">The states to begin in.</param>
    /// <param name="end">The state to come to.</param>
    public MatchTrail(
        PatternAutomaton automaton,
        (ulong Classes, int Next)[][] edges,
        IReadOnlyCollection<int> from,
        int end
    )
    {
        _edges = edges;
        _classes = automaton.Classes;
        _width = automaton.Width;
        _end = end;
        _chains = edges == automaton.Edges ? automaton.Chains : null;
        _seen = new int[edges.Length];
        _next = new int[_width * 8];
        _start = Number(from);
    }

    private MatchTrail(PatternAutomaton automaton, IReadOnlyCollection<int> always)
        : this(automaton, automaton.Edges, always, automaton.End)
    {
        _always = always;
        _mostStates = MostStatesAnywhere;
    }

    /// <summary>For matches that begin anywhere in a text.</summary>
    public static MatchTrail Anywhere(PatternAutomaton automaton) => new(automaton, [automaton.Start]);

    /// <summary>Whether a match can be in the text, of a trail of <see cref="Anywhere"/>.</summary>
    public bool In(ReadOnlySpan<byte> text)
    {
        var state = _start;
        foreach (var letter in text)
        {
            if (state < 0)
            {
                break;
            }

            if (letter < SymbolSet.Other)
            {
                state = Step(state, letter);
            }
            // Of how many characters these bytes are a part does not matter when none of them leads into a match.
            else if (Next(state, SymbolSet.Other) != _start)
            {
                return true;
            }
            else
            {
                state = _start;
            }
        }

        return state == Yes;
    }

    /// <summary>Whether the text from its beginning on can be the rest of a match.</summary>
    /// <param name="text">What comes after the place.</param>
    /// <param name="steps">Is increased by the bytes that were looked at.</param>
    public bool After(ReadOnlySpan<byte> text, ref long steps)
    {
        var state = _start;
        for (var i = 0; i < text.Length && state > 0; i++)
        {
            steps++;
            state = Step(state, text[i]);
        }

        return state == Yes;
    }

    /// <summary>Whether the text up to its end can be the beginning of a match.</summary>
    /// <param name="text">What comes before the place.</param>
    /// <param name="steps">Is increased by the bytes that were looked at.</param>
    public bool Before(ReadOnlySpan<byte> text, ref long steps)
    {
        var state = _start;
        for (var i = text.Length - 1; i >= 0 && state > 0; i--)
        {
            steps++;
            state = Step(state, text[i]);
        }

        return state == Yes;
    }

    private int Step(int state, byte letter)
    {
        // A character of several bytes: from here on places are not those of characters.
        var isOther = letter >= SymbolSet.Other;
        var to = Next(state, isOther ? SymbolSet.Other : letter);
        return isOther && to > 0 ? Yes : to;
    }

    private int Next(int state, int symbol)
    {
        var at = (state - 1) * _width + _classes[symbol];
        var next = Volatile.Read(ref _next);
        var to = at < next.Length ? next[at] : Unknown;
        return to == Unknown ? Make(state, at) : to;
    }

    private int Make(int state, int at)
    {
        lock (_making)
        {
            if (_next[at] == Unknown)
            {
                var taken = 1UL << (at % _width);
                var to = new List<int>(_always);
                foreach (var from in _sets[state - 1])
                {
                    foreach (var (classes, target) in _edges[from])
                    {
                        if ((classes & taken) != 0)
                        {
                            to.Add(target);
                        }
                    }
                }

                var number = Number(to);
                _next[at] = number;
            }

            return _next[at];
        }
    }

    /// <summary>The number of a set of states, with all that are reached from it by nothing.</summary>
    private int Number(IReadOnlyCollection<int> states)
    {
        if (states.Count == 0)
        {
            return No;
        }

        if (_work > MostWork)
        {
            return Yes;
        }

        _visit++;
        var waiting = new Stack<int>(states);
        var set = new List<int>();
        while (waiting.TryPop(out var state))
        {
            if (_seen[state] == _visit)
            {
                continue;
            }

            if (state == _end)
            {
                return Yes;
            }

            _seen[state] = _visit;
            _work++;
            var takes = false;
            foreach (var (classes, next) in _edges[state])
            {
                if (classes == 0)
                {
                    waiting.Push(next);
                }
                else
                {
                    takes = true;
                }
            }

            if (takes)
            {
                set.Add(state);
            }
        }

        if (set.Count == 0)
        {
            return No;
        }

        set.Sort();
        if (_chains is not null)
        {
            // Of a repetition's states the first takes all that the others do.
            _seenChains.Clear();
            set.RemoveAll(state => _chains.TryGetValue(state, out var chain) && !_seenChains.Add(chain));
        }

        var name = new string(MemoryMarshal.Cast<int, char>(CollectionsMarshal.AsSpan(set)));
        if (_numbers.TryGetValue(name, out var number))
        {
            return number;
        }

        if (_sets.Count >= _mostStates)
        {
            return Yes;
        }

        _sets.Add([.. set]);
        _numbers[name] = _sets.Count;
        if (_sets.Count * _width > _next.Length)
        {
            var larger = new int[_next.Length * 2];
            _next.CopyTo(larger, 0);
            Volatile.Write(ref _next, larger);
        }

        return _sets.Count;
    }
}
