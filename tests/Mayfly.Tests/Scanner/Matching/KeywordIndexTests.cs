using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Scanner.Matching;

namespace Mayfly.Tests.Scanner.Matching;

public sealed class KeywordIndexTests
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
                    var index = new KeywordIndex([.. keywords.Select(Encoding.UTF8.GetBytes)]);
                    var bytes = Encoding.UTF8.GetBytes(each.Text);
                    var hits = new List<(int Keyword, int End)>();
                    index.Find(bytes, hits);
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
}
