using System.Text;

namespace Mayfly.Scanner.Matching;

/// <summary>
/// Where a match of a pattern can be, seen from a keyword in it, so that only so much text around the keywords has to be
/// searched. Proven from the pattern; where there is no proof, all of the text has to be. Safe for concurrent use.
/// </summary>
internal sealed class MatchReach
{
    /// <summary>A match may be anywhere.</summary>
    public static readonly MatchReach Unknown = new(null, null, null, null);

    private readonly MatchTrail? _after;
    private readonly MatchTrail? _before;
    private readonly MatchTrail? _anywhere;

    private MatchReach(int? bytes, int? lineEnds, MatchTrail? after, MatchTrail? before)
    {
        Bytes = bytes;
        LineEnds = lineEnds;
        _after = after;
        _before = before;
    }

    private MatchReach(MatchTrail? anywhere) => _anywhere = anywhere;

    /// <summary>The keyword need not be in a match: it can be anywhere in the text.</summary>
    public bool IsAnywhere => _after is null;

    /// <summary>At most so many bytes to each side; null for any number.</summary>
    public int? Bytes { get; }

    /// <summary>At most over so many line ends to each side; null for any number.</summary>
    public int? LineEnds { get; }

    /// <summary>The reach of matches of <paramref name="pattern"/> from any of its rule's keywords (in small letters).</summary>
    public static MatchReach Of(string pattern, IReadOnlyList<string> keywords)
    {
        if (
            keywords.Count == 0
            || keywords.Any(keyword => keyword.Length == 0 || !Ascii.IsValid(keyword))
            || PatternParser.Parse(pattern) is not { } node
        )
        {
            return Unknown;
        }

        var letters = keywords.SelectMany(keyword => keyword).Distinct();
        var apart = letters.Select(letter => default(SymbolSet).With(letter, letter).AnyCase());
        if (PatternAutomaton.Of(node, apart) is not { } automaton)
        {
            return Unknown;
        }

        if (AfterKeyword(automaton, new KeywordIndex([.. keywords.Select(Encoding.UTF8.GetBytes)])) is not { } states)
        {
            return new MatchReach(MatchTrail.Anywhere(automaton));
        }

        return new MatchReach(
            node.Bytes,
            node.LineEnds,
            new MatchTrail(automaton, automaton.Edges, states, automaton.End),
            new MatchTrail(automaton, automaton.Reversed(), states, automaton.Start)
        );
    }

    /// <summary>Whether the keyword that ends at a place can be the first of a match, by what is around it.</summary>
    /// <param name="text">The text.</param>
    /// <param name="end">The place after the keyword.</param>
    /// <param name="steps">Is increased by the bytes that were looked at.</param>
    public bool CanMatch(ReadOnlySpan<byte> text, int end, ref long steps) =>
        _after is null || (_after.After(text[end..], ref steps) && _before!.Before(text[..end], ref steps));

    /// <summary>Whether a match can be anywhere in a text.</summary>
    public bool CanBeIn(ReadOnlySpan<byte> text) => _anywhere?.In(text) != false;

    /// <summary>
    /// Follows the pattern's automaton and the keywords' side by side. If the end can be reached past all keywords, some
    /// match has none, and there is no answer (null); else the states after the first keyword of a match.
    /// </summary>
    private static HashSet<int>? AfterKeyword(PatternAutomaton automaton, KeywordIndex keywords)
    {
        // One character stands for all of its class.
        var samples = new byte[automaton.Width];
        for (var symbol = 0; symbol <= SymbolSet.Other; symbol++)
        {
            samples[automaton.Classes[symbol]] = (byte)symbol;
        }

        var after = new HashSet<int>();
        var seen = new HashSet<(int, int)> { (automaton.Start, 0) };
        var queue = new Stack<(int State, int Found)>(seen);
        while (queue.TryPop(out var at))
        {
            if (at.State == automaton.End)
            {
                return null;
            }

            foreach (var (classes, next) in automaton.Edges[at.State])
            {
                if (classes == 0)
                {
                    Visit((next, at.Found));
                    continue;
                }

                for (var kind = 0; kind < automaton.Width; kind++)
                {
                    if ((classes >> kind & 1) == 0)
                    {
                        continue;
                    }

                    var found = keywords.Step(at.Found, samples[kind]);
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

        return after;

        void Visit((int, int) state)
        {
            if (seen.Add(state))
            {
                queue.Push(state);
            }
        }
    }
}
