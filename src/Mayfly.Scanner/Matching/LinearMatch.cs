using System.Globalization;
using System.Text.RegularExpressions;

namespace Mayfly.Scanner.Matching;

/// <summary>Where a <see cref="LinearRegex"/> matched. Immutable.</summary>
public sealed class LinearMatch
{
    private readonly string _text;
    private readonly Match _match;
    private readonly IReadOnlyDictionary<string, int> _names;

    // The match is one in a text of the same length, but not always of the same characters.
    internal LinearMatch(string text, Match match, IReadOnlyDictionary<string, int> names)
    {
        _text = text;
        _match = match;
        _names = names;
    }

    /// <summary>Where it begins.</summary>
    public int Index => _match.Index;

    /// <summary>How long it is, in characters.</summary>
    public int Length => _match.Length;

    /// <summary>What matched.</summary>
    public string Value => _text.Substring(Index, Length);

    /// <summary>How many groups there are, whether they have matched or not.</summary>
    public int Groups => _match.Groups.Count - 1;

    /// <summary>What the group matched, counted from 1 as they open; "" when it did not.</summary>
    public string Group(int number)
    {
        var group = _match.Groups[number];
        return group.Success ? _text.Substring(group.Index, group.Length) : "";
    }

    /// <summary>What the group of that name or number matched; "" when it did not, or when there is none.</summary>
    public string Group(string name) =>
        _names.TryGetValue(name, out var number)
        || int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out number)
            ? Group(number)
            : "";

    /// <summary>Says nothing of the text.</summary>
    public override string ToString() => $"LinearMatch({Index}, {Length})";
}
