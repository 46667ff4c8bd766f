using System.Text;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;
using Mayfly.Scanner.Sources;
using Mayfly.Tests.Scanner.Rules;

namespace Mayfly.Tests.Scanner;

/// <summary>
/// What the scanner finds by looking around keywords is what every rule finds that is tried on all of the text: in texts made
/// of the rules' examples, in several encodings, and in real files.
/// </summary>
public sealed class WholeTextComparisonTests
{
    private static readonly ScanRule[] Rules =
    [
        .. DefaultRules
            .Set.Rules.Where(rule => rule is { Regex: not null, Path: null })
            // Without entropy and allowlists, so that everything that matches is a finding.
            .Select(rule => new ScanRule
            {
                Id = rule.Id,
                Regex = rule.Regex,
                SecretGroup = rule.SecretGroup,
                Keywords = rule.Keywords,
            }),
    ];

    private readonly SecretScanner _scanner = new(new RuleSet(Rules, []));

    [Theory]
    [InlineData("utf-8", "\n")]
    [InlineData("utf-8", "\r\n")]
    [InlineData("utf-16", "\n")]
    [InlineData("utf-16BE", "\r\n")]
    [InlineData("iso-8859-1", "\n")]
    public void Texts_made_of_examples(string encoding, string lineEnd)
    {
        for (var seed = 1u; seed <= 8; seed++)
        {
            var text = Mixed(seed, examples: 150, ["\n", "\n\n", " ", "", "ü", "\"", " = ", "\t"]);
            text = text.Replace("\n", lineEnd, StringComparison.Ordinal);
            Compare(Encoding.GetEncoding(encoding).GetBytes(text), $"seed {seed}");
        }
    }

    [Fact]
    public void Texts_of_one_long_line()
    {
        var text = new StringBuilder();
        for (var seed = 1u; text.Length < 3 * FragmentCutter.Size; seed++)
        {
            text.Append(Mixed(seed, examples: 3, [" ", "", ";"]).Replace('\n', ' '));
            text.Append('x', (int)(seed * 7919 % 9000)).Append(' ');
        }

        Compare(Encoding.UTF8.GetBytes(text.ToString()), "one line");
    }

    [Fact]
    public void Real_files()
    {
        var files = Directory
            .EnumerateFiles(Path.Combine(Repository.Root, "src"), "*", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*", SearchOption.AllDirectories))
            .Where(file => Path.GetExtension(file) is ".cs" or ".md" or ".toml" or ".json")
            .Order(StringComparer.Ordinal)
            .Where((_, number) => number % 4 == 0)
            .Append(Path.Combine(Repository.Root, "tests/Mayfly.Tests/Scanner/Rules/rule-examples.txt"));
        foreach (var file in files)
        {
            Compare(File.ReadAllBytes(file), file);
        }
    }

    private void Compare(byte[] content, string name)
    {
        using var text = TextEncoding.Open(new MemoryStream(content), TextEncoding.Of(content)!);
        foreach (var fragment in new FragmentCutter().Cut(text, new Fragment(default, "f")))
        {
            var characters = new char[fragment.Bytes.Length];
            var whole = new string(characters, 0, SecretScanner.Decode(fragment.Bytes.Span, characters));
            var expected = Rules
                .SelectMany(rule => WholeTextScan.Findings(rule, whole, fragment.FirstLine, fragment.FirstColumn))
                .Order()
                .ToArray();
            var found = _scanner
                .Scan(fragment)
                .Select(finding => (finding.RuleId, finding.StartLine, finding.StartColumn, finding.Secret))
                .Order()
                .ToArray();
            if (expected.Except(found).Any() || found.Except(expected).Any() || expected.Length != found.Length)
            {
                Assert.Fail(
                    $"{name}: missing {string.Join(", ", expected.Except(found))}; too many {string.Join(", ", found.Except(expected))}"
                );
            }
        }
    }

    private static string Mixed(uint seed, int examples, string[] joints)
    {
        var text = new StringBuilder();
        var state = seed * 2654435761;
        for (var i = 0; i < examples; i++)
        {
            state = state * 1664525 + 1013904223;
            text.Append(RuleExample.All[(int)((state >> 8) % RuleExample.All.Count)].Text(state));
            text.Append(joints[(int)((state >> 20) % joints.Length)]);
        }

        return text.ToString();
    }
}
