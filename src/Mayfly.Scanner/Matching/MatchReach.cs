using System.Text;

namespace Mayfly.Scanner.Matching;

/// <summary>
/// How far a match of a pattern can reach from a keyword in it, so that only so much text around the keywords has to be
/// searched. Proven from the pattern; where there is no proof, all of the text has to be.
/// </summary>
/// <param name="Bytes">At most so many bytes to each side; null for any number.</param>
/// <param name="LineEnds">At most over so many line ends to each side; null for any number.</param>
/// <param name="Follow">What the first keyword of a match is followed by: a set for each of the next characters, as far as known.</param>
internal sealed record MatchReach(int? Bytes, int? LineEnds, IReadOnlyList<SymbolSet> Follow)
{
    /// <summary>A match may be anywhere.</summary>
    public static readonly MatchReach Unknown = new(null, null, []);

    /// <summary>So many characters after a keyword are looked at before a pattern is tried.</summary>
    private const int MostAhead = 16;

    /// <summary>Larger automata are not followed.</summary>
    private const int MaxStates = 20_000;

    /// <summary>The reach of matches of <paramref name="pattern"/> from any of its rule's keywords (in small letters).</summary>
    public static MatchReach Of(string pattern, IReadOnlyList<string> keywords)
    {
        if (keywords.Count == 0 || keywords.Any(keyword => keyword.Length == 0 || !Ascii.IsValid(keyword)))
        {
            return Unknown;
        }

        return
            PatternParser.Parse(pattern) is { } node
            && (node.Bytes ?? node.LineEnds) is not null
            && FollowOf(node, new KeywordIndex([.. keywords.Select(Encoding.UTF8.GetBytes)])) is { } follow
            ? new MatchReach(node.Bytes, node.LineEnds, follow)
            : Unknown;
    }

    /// <summary>Whether what follows a keyword can be the rest of a match, by its first characters.</summary>
    public bool CanFollow(ReadOnlySpan<byte> rest)
    {
        for (var i = 0; i < Follow.Count; i++)
        {
            if (i >= rest.Length)
            {
                return false;
            }

            if (rest[i] >= SymbolSet.Other)
            {
                // A character of several bytes: from here on places are not those of characters.
                return Follow[i].Has(SymbolSet.Other);
            }

            if (!Follow[i].Has((char)rest[i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Follows the pattern's automaton and the keywords' side by side. If the end can be reached past all keywords, some
    /// match has none, and there is no answer (null); else what can come after the first keyword of a match.
    /// </summary>
    private static List<SymbolSet>? FollowOf(PatternNode node, KeywordIndex keywords)
    {
        var automaton = new Automaton();
        var start = automaton.New();
        var end = automaton.New();
        if (!automaton.Add(node, start, end))
        {
            return null;
        }

        var after = new HashSet<int>();
        var seen = new HashSet<(int, int)> { (start, 0) };
        var queue = new Stack<(int State, int Found)>(seen);
        while (queue.TryPop(out var at))
        {
            if (at.State == end)
            {
                return null;
            }

            foreach (var (set, next) in automaton.From(at.State))
            {
                if (set is not { } symbols)
                {
                    Visit((next, at.Found));
                    continue;
                }

                for (var symbol = '\0'; symbol <= SymbolSet.Other; symbol++)
                {
                    if (symbols.Has(symbol))
                    {
                        var found = keywords.Step(at.Found, (byte)symbol);
                        if (keywords.IsMatch(found))
                        {
                            after.Add(next);
                        }
                        else
                        {
                            Visit((next, found));
                        }
                    }
                }
            }
        }

        return automaton.Ahead(after, end);

        void Visit((int, int) state)
        {
            if (seen.Add(state))
            {
                queue.Push(state);
            }
        }
    }

    /// <summary>States with edges that take a character of a set, or nothing.</summary>
    private sealed class Automaton
    {
        private readonly List<List<(SymbolSet? Set, int Next)>> _edges = [];

        public int New()
        {
            _edges.Add([]);
            return _edges.Count - 1;
        }

        public List<(SymbolSet? Set, int Next)> From(int state) => _edges[state];

        /// <summary>What can come next, character by character, until the end could be reached.</summary>
        public List<SymbolSet> Ahead(HashSet<int> states, int end)
        {
            var ahead = new List<SymbolSet>();
            while (ahead.Count < MostAhead)
            {
                var queue = new Stack<int>(states);
                var next = new HashSet<int>();
                var set = default(SymbolSet);
                while (queue.TryPop(out var state))
                {
                    foreach (var (symbols, to) in _edges[state])
                    {
                        if (symbols is { } some)
                        {
                            set = set.Or(some);
                            next.Add(to);
                        }
                        else if (states.Add(to))
                        {
                            queue.Push(to);
                        }
                    }
                }

                if (states.Contains(end))
                {
                    break;
                }

                ahead.Add(set);
                states = next;
            }

            return ahead;
        }

        /// <summary>Adds a way from one state to another. False when there are too many states.</summary>
        public bool Add(PatternNode node, int from, int to)
        {
            if (_edges.Count > MaxStates)
            {
                return false;
            }

            switch (node)
            {
                case PatternNode.One one:
                    _edges[from].Add((one.Set, to));
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

                    _edges[from].Add((null, to));
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
                _edges[from].Add((null, loop));
                _edges[loop].Add((null, to));
                return Add(repeat.Part, loop, loop);
            }

            for (var i = repeat.Fewest; i < repeat.Most; i++)
            {
                _edges[from].Add((null, to));
                var next = New();
                if (!Add(repeat.Part, from, next))
                {
                    return false;
                }

                from = next;
            }

            _edges[from].Add((null, to));
            return true;
        }
    }
}
