using System.Text;
using System.Text.Json;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Tests.Scanner.Rules;

/// <summary>gitleaks' published cases, held against its own configuration as we read it, and against our rules.</summary>
public sealed class GitleaksCasesTests(ITestOutputHelper output)
{
    [Fact]
    public void The_configuration_of_gitleaks_says_what_it_says_there()
    {
        if (Conformance.Find("gitleaks.toml") is not { } file)
        {
            return;
        }

        var (set, _) = RuleFile.Read(file, File.ReadAllBytes(file), new RuleSet([], []), _ => null);
        var scanners = set!.Rules.ToDictionary(
            rule => rule.Id,
            rule => new SecretScanner(new RuleSet([rule], set.Allowlists))
        );
        var wrong = new List<string>();
        foreach (var (rule, leak, path, text) in Cases())
        {
            if (!scanners.TryGetValue(rule, out var scanner))
            {
                continue;
            }

            var found =
                scanner.Scan(new Fragment(Encoding.UTF8.GetBytes(text), path)).Any(finding => finding.RuleId == rule)
                || scanner.ScanPath(path).Count > 0;
            if (found != leak)
            {
                wrong.Add($"{rule}: {(leak ? "missed" : "false alarm")}: {text}");
            }
        }

        output.WriteLine(string.Join('\n', wrong));
        Assert.True(wrong.Count <= 12, $"{wrong.Count} cases:\n{string.Join('\n', wrong)}");
    }

    // Their leaks are made from their patterns, so checksums are wrong and all digits may be the same; and what is no leak for one
    // of their rules may be one for another.
    [Fact]
    public void Our_rules_find_what_is_a_leak_there()
    {
        var told = new List<Suppression>();
        var scanner = new SecretScanner(DefaultRules.Set, told.Add);
        var (leaks, missed, refused, alarms) = (0, new List<string>(), 0, new List<string>());
        foreach (var (rule, leak, path, text) in Cases())
        {
            told.Clear();
            var found = scanner.Scan(new Fragment(Encoding.UTF8.GetBytes(text), path));
            if (!leak && found.Count > 0)
            {
                alarms.Add($"{rule}: {found[0].RuleId}: {text}");
            }
            else if (leak && told.Exists(reason => reason.Reason.StartsWith("its checksum", StringComparison.Ordinal)))
            {
                refused++;
            }
            else if (leak)
            {
                leaks++;
                if (found.Count == 0)
                {
                    missed.Add($"{rule}: {text}");
                }
            }
        }

        output.WriteLine(
            $"{leaks} leaks, {missed.Count} missed, {refused} with a wrong checksum, {alarms.Count} alarms"
        );
        output.WriteLine(string.Join('\n', missed.Concat(alarms)));
        Assert.True(missed.Count <= leaks * 0.05, $"{missed.Count} of {leaks} missed:\n{string.Join('\n', missed)}");
        Assert.True(alarms.Count <= 70, $"{alarms.Count} alarms:\n{string.Join('\n', alarms)}");
    }

    private static IEnumerable<(string Rule, bool Leak, string Path, string Text)> Cases()
    {
        if (Conformance.Find("rule-cases.jsonl") is not { } file)
        {
            yield break;
        }

        foreach (var line in File.ReadLines(file))
        {
            var json = JsonElement.Parse(line);
            var path = json.GetProperty("Path").GetString()!;
            yield return (
                json.GetProperty("Rule").GetString()!,
                json.GetProperty("Kind").GetString() == "tp",
                path.Length > 0 ? path : "src/app.conf",
                json.GetProperty("Text").GetString()!
            );
        }
    }
}
