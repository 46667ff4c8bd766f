using System.Text;
using Mayfly.Scanner.Rules;

namespace Mayfly.Tests.Scanner.Rules;

/// <summary>
/// docs/scan-rules.md lists the rules as they are. When it is behind, run this test with MAYFLY_ACCEPT_RULES=1 and commit the
/// file.
/// </summary>
public sealed class RuleListTests
{
    private static readonly string File = Path.Combine(Repository.Root, "docs", "scan-rules.md");

    [Fact]
    public void The_list_of_rules_is_current()
    {
        var list = List();
        if (Environment.GetEnvironmentVariable("MAYFLY_ACCEPT_RULES") == "1")
        {
            System.IO.File.WriteAllText(File, list);
        }

        Assert.Equal(list, System.IO.File.ReadAllText(File));
    }

    private static string List()
    {
        var rules = DefaultRules.Set.Rules;
        var text = new StringBuilder(
            $"""
            # The rules of `mayfly scan`

            {rules.Count} kinds of credentials that `mayfly scan` knows by itself, from `src/Mayfly.Scanner/Rules/default-rules.toml`. The names are
            those of findings, fingerprints, `-enable-rule` and `disabledRules`. A check is held against the found characters: what fails
            it is not reported, and `-explain` tells of it. Generic rules go by names and looks, and give way to all others.

            (This file is made by a test from the rules.)

            | rule | finds | check |
            |---|---|---|

            """
        );
        foreach (var rule in rules)
        {
            var check = rule.Generic ? "generic" : rule.Checksum?.Name ?? "";
            text.Append(
                System.Globalization.CultureInfo.InvariantCulture,
                $"| `{rule.Id}` | {rule.Description} | {check} |\n"
            );
        }

        return text.ToString();
    }
}
