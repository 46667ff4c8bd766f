namespace Mayfly.Tests.Scanner.Rules;

/// <summary>One line of rule-examples.txt: what a rule must find, or leave alone.</summary>
internal sealed record RuleExample(string Rule, bool Leak, string Template)
{
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
    public string Text(uint seed) => SecretTemplate.Fill(Template, seed).Text;
}
