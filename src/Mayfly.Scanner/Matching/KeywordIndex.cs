namespace Mayfly.Scanner.Matching;

/// <summary>
/// Tells byte by byte whether one of many keywords ends: the automaton of Aho and Corasick (1975), over ASCII without regard
/// to case. Immutable, safe for concurrent use.
/// </summary>
internal sealed class KeywordIndex
{
    // Bytes that no keyword has are one class: the table stays small enough for the processor's cache.
    private readonly byte[] _classes = new byte[256];
    private readonly int[] _next;
    private readonly int[][] _found;
    private readonly int _width;

    /// <param name="keywords">In small letters; a keyword's number is its place.</param>
    public KeywordIndex(IReadOnlyList<byte[]> keywords)
    {
        foreach (var letter in keywords.SelectMany(keyword => keyword).Distinct())
        {
            _classes[letter] = (byte)++_width;
        }

        for (var letter = 'a'; letter <= 'z'; letter++)
        {
            _classes[char.ToUpperInvariant(letter)] = _classes[letter];
        }

        _width++;
        var next = new List<int[]> { NewState() };
        var found = new List<List<int>> { new() };
        for (var number = 0; number < keywords.Count; number++)
        {
            var state = 0;
            foreach (var letter in keywords[number])
            {
                var step = _classes[letter];
                if (next[state][step] < 0)
                {
                    next[state][step] = next.Count;
                    next.Add(NewState());
                    found.Add([]);
                }

                state = next[state][step];
            }

            found[state].Add(number);
        }

        Link(next, found);
        _next = [.. next.SelectMany(state => state)];
        _found = [.. found.Select(numbers => numbers.ToArray())];

        int[] NewState()
        {
            var state = new int[_width];
            Array.Fill(state, -1);
            return state;
        }
    }

    /// <summary>The state after one more byte; the first state is 0.</summary>
    public int Step(int state, byte letter) => _next[(state & int.MaxValue) + _classes[letter]];

    /// <summary>A keyword ends in this state.</summary>
    public bool IsMatch(int state) => state < 0;

    /// <summary>Completes the automaton: where a keyword cannot go on, the longest other one that has begun does.</summary>
    private void Link(List<int[]> next, List<List<int>> found)
    {
        var back = new int[next.Count];
        var queue = new Queue<int>();
        for (var step = 0; step < _width; step++)
        {
            if (next[0][step] < 0)
            {
                next[0][step] = 0;
            }
            else
            {
                queue.Enqueue(next[0][step]);
            }
        }

        while (queue.TryDequeue(out var state))
        {
            found[state].AddRange(found[back[state]]);
            for (var step = 0; step < _width; step++)
            {
                var fallback = next[back[state]][step];
                if (next[state][step] < 0)
                {
                    next[state][step] = fallback;
                }
                else
                {
                    back[next[state][step]] = fallback;
                    queue.Enqueue(next[state][step]);
                }
            }
        }

        // A state is stored as the place of its row; the sign says that keywords end in it.
        foreach (var row in next)
        {
            for (var step = 0; step < _width; step++)
            {
                row[step] = (row[step] * _width) | (found[row[step]].Count > 0 ? int.MinValue : 0);
            }
        }
    }
}
