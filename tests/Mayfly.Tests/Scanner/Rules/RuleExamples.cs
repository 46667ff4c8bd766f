using System.Text;
using System.Text.RegularExpressions;

namespace Mayfly.Tests.Scanner.Rules;

/// <summary>One line of rule-examples.txt: what a rule must find, or leave alone.</summary>
internal sealed partial record RuleExample(string Rule, bool Leak, string Template)
{
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const string Digits = "0123456789";

    public static IReadOnlyList<RuleExample> All { get; } =
    [
        .. from line in File.ReadLines(
            Path.Combine(Repository.Root, "tests/Mayfly.Tests/Scanner/Rules/rule-examples.txt")
        )
        where line.Length > 0 && line[0] != '#'
        let parts = line[2..].Split('\t', 2)
        select new RuleExample(parts[0], line[0] == '+', parts[1]),
    ];

    /// <summary>The text with its random parts, the same for the same seed.</summary>
    public string Text(uint seed)
    {
        var escaped = Template.Replace(@"\\", "\u0001", StringComparison.Ordinal);
        escaped = escaped.Replace(@"\n", "\n", StringComparison.Ordinal).Replace('\u0001', '\\');
        var state = seed ^ Seed(Rule + Template);
        return Part().Replace(escaped, match => Fill(match, ref state));
    }

    private static string Fill(Match match, ref uint state)
    {
        var kind = match.Groups["kind"].Value;
        if (kind == "guid")
        {
            var hex = Draw("0123456789abcdef", 32, ref state);
            return $"{hex[..8]}-{hex[8..12]}-{hex[12..16]}-{hex[16..20]}-{hex[20..]}";
        }

        var alphabet = kind switch
        {
            "b62" => Digits + Letters,
            "letters" => Letters,
            "hex" => "0123456789abcdef",
            "d" => Digits,
            "up" => Letters[..26] + Digits,
            "low" => Letters[26..] + Digits,
            "32" => Letters[..26] + "234567",
            "64" => Letters + Digits + "+/",
            "url" => Letters + Digits + "-_",
            "bech" => "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
            "crc" => Digits + Letters,
            _ => throw new InvalidOperationException(kind),
        };
        var length = int.Parse(match.Groups["length"].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);
        var text = Draw(alphabet, length, ref state);
        // A dash or an underscore at an end would be another token.
        return kind == "url" ? $"a{text[1..^1]}Z" : text;
    }

    /// <summary>A pseudo-random text: Numerical Recipes' linear congruences, so that a failure can be seen again.</summary>
    private static string Draw(string alphabet, int length, ref uint state)
    {
        var text = new StringBuilder();
        while (text.Length < length)
        {
            state = state * 1664525 + 1013904223;
            text.Append(alphabet[(int)((state >> 8) % (uint)alphabet.Length)]);
        }

        return text.ToString();
    }

    private static uint Seed(string text) => text.Aggregate(2166136261u, (hash, letter) => (hash ^ letter) * 16777619);

    [GeneratedRegex(@"\{(?<kind>[a-z0-9]+)(?::(?<length>[0-9]+))?\}", RegexOptions.None, 1000)]
    private static partial Regex Part();
}
