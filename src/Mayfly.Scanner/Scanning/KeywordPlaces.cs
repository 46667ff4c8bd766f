namespace Mayfly.Scanner.Scanning;

/// <summary>
/// Where the keywords of one fragment are, and which parts of it are to be searched for which rule. Used again for the next
/// fragment. One owner.
/// </summary>
/// <param name="rules">How many rules there are.</param>
internal sealed class KeywordPlaces(int rules)
{
    /// <summary>After a text with more keywords the list is made anew, so that it does not stay large.</summary>
    private const int MostKept = 64 << 10;

    private readonly Of[] _rules = new Of[rules];
    private readonly List<int> _touched = [];

    /// <summary>The keywords (by number) and the places after them.</summary>
    public List<(int Keyword, int End)> Hits { get; private set; } = [];

    /// <summary>The rules (by number) that a keyword of was found.</summary>
    public IReadOnlyList<int> Rules => _touched;

    /// <summary>What is known about a rule.</summary>
    public ref Of this[int rule]
    {
        get
        {
            ref var of = ref _rules[rule];
            if (!of.IsTouched)
            {
                of.IsTouched = true;
                _touched.Add(rule);
            }

            return ref of;
        }
    }

    public void Clear()
    {
        foreach (var rule in _touched)
        {
            _rules[rule] = default;
        }

        _touched.Clear();
        Hits.Clear();
        if (Hits.Capacity > MostKept)
        {
            Hits = [];
        }
    }

    /// <summary>One rule.</summary>
    internal struct Of
    {
        /// <summary>How many bytes were looked at around its keywords.</summary>
        public long Steps;

        /// <summary>The parts of the text to search: nearly in order, some overlapping.</summary>
        public List<(int From, int To)>? Windows;

        public bool IsTouched { get; set; }

        /// <summary>All of the text was looked at, for a rule whose matches can be anywhere.</summary>
        public bool IsSearched { get; set; }

        public void Add((int From, int To) window)
        {
            Windows ??= [];
            if (Windows is [.., var last] && last.To >= window.From && last.From <= window.From)
            {
                Windows[^1] = (last.From, Math.Max(last.To, window.To));
            }
            else
            {
                Windows.Add(window);
            }
        }
    }
}
