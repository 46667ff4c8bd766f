using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Scanner.Matching;
using Mayfly.Scanner.Rules;

namespace Mayfly.Tests.Scanner.Matching;

public sealed class KeywordFinderTests
{
    [Fact]
    public void It_finds_the_keywords_that_a_plain_search_finds()
    {
        var letters = Gen.Elements('a', 'b', 'c', 'B', '-');
        var words = letters.ListOf().Select(list => string.Concat(list)).Where(word => word.Length > 0);
        var cases = words
            .ListOf()
            .SelectMany(list =>
                words.Select(text =>
                    (Keywords: list.Distinct(StringComparer.OrdinalIgnoreCase).ToArray(), Text: text + "abcab")
                )
            );
        Prop.ForAll(
                cases.ToArbitrary(),
                each =>
                {
                    var keywords = each.Keywords.Select(word => word.ToLowerInvariant()).ToArray();
                    var finder = new KeywordFinder([.. keywords.Select(Encoding.UTF8.GetBytes)]);
                    var bytes = Encoding.UTF8.GetBytes(each.Text);
                    var hits = new List<(int Keyword, int End)>();
                    finder.Find(bytes, hits);
                    var expected =
                        from end in Enumerable.Range(1, bytes.Length)
                        from number in Enumerable.Range(0, keywords.Length)
                        where each.Text[..end].EndsWith(keywords[number], StringComparison.OrdinalIgnoreCase)
                        select (number, end);
                    return string.Join(' ', hits.Order()) == string.Join(' ', expected.Order());
                }
            )
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void It_finds_every_keyword_of_the_default_rules_wherever_it_stands()
    {
        var keywords = DefaultRules.Set.Rules.SelectMany(rule => rule.Keywords).Distinct().ToArray();
        var finder = new KeywordFinder([.. keywords.Select(Encoding.UTF8.GetBytes)]);
        var hits = new List<(int Keyword, int End)>();
        for (var number = 0; number < keywords.Length; number++)
        {
            for (var before = 0; before < 20; before++)
            {
                var text = new string('~', before) + keywords[number].ToUpperInvariant() + new string('~', before % 5);
                hits.Clear();
                finder.Find(Encoding.UTF8.GetBytes(text), hits);
                Assert.Single(hits, (number, before + keywords[number].Length));
            }
        }
    }
}
