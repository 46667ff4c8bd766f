using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Policy;

namespace Mayfly.Tests.Policy;

public sealed class TypePatternTests
{
    [Theory]
    [InlineData("kv*", "kv-v2/data-write", true)]
    [InlineData("kv-v2/data-*", "kv-v2/data-write", true)]
    [InlineData("kv-v2/data-*", "kv-v2/delete", false)]
    [InlineData("*", "database/rotate", true)]
    [InlineData("*/rotate", "database/rotate", true)]
    [InlineData("*/rotate", "database/rotate-fail", false)]
    [InlineData("kv-v2/data-write", "kv-v2/data-write", true)]
    [InlineData("kv-v2/data", "kv-v2/data-write", false)]
    [InlineData("a*a", "a", false)]
    [InlineData("**", "", true)]
    public void An_asterisk_stands_for_any_text(string pattern, string type, bool matches) =>
        Assert.Equal(matches, new TypePattern(pattern).Matches(type));

    [Fact]
    public void It_agrees_with_a_regular_expression()
    {
        var text = Gen.Elements('a', 'b', '/').ArrayOf().Select(letters => new string(letters));
        var pattern = Gen.Elements('a', 'b', '/', '*').ArrayOf().Select(letters => new string(letters));
        Prop.ForAll(
                Arb.From(pattern),
                Arb.From(text),
                (wanted, type) =>
                {
                    var expression = "^" + Regex.Escape(wanted).Replace("\\*", ".*", StringComparison.Ordinal) + "$";
                    var expected = Regex.IsMatch(type, expression, RegexOptions.None, TimeSpan.FromSeconds(5));
                    return new TypePattern(wanted).Matches(type) == expected;
                }
            )
            .QuickCheckThrowOnFailure();
    }
}
