using FsCheck;
using FsCheck.Fluent;
using Mayfly.Scanner.Matching;

namespace Mayfly.Tests.Scanner.Matching;

/// <summary>Where RE2 as Go has it and .NET mean different things by the same characters.</summary>
public sealed class GoSyntaxTests
{
    private static readonly string Long = new('a', 10_000);

    [Theory]
    [InlineData(@"a$", "a\n", false)]
    [InlineData(@"(?m)a$", "a\nb", true)]
    [InlineData(@"(?m:^b)c", "a\nbc", true)]
    [InlineData(@"^b", "a\nb", false)]
    [InlineData(@"\d", "\u0664", false)]
    [InlineData(@"\w", "é", false)]
    [InlineData(@"[\w]", "é", false)]
    [InlineData(@"\W", "é", true)]
    [InlineData(@"\s", "\u00a0", false)]
    [InlineData(@"[[:alpha:]]+9", "abc9", true)]
    [InlineData(@"[[a]", "[", true)]
    [InlineData(@"[]a]", "]", true)]
    [InlineData(@"[a-]", "-", true)]
    [InlineData(@"[-a]", "-", true)]
    [InlineData(@"[^-a]", "-", false)]
    [InlineData(@"[\w-]+x", "a-bx", true)]
    [InlineData(@"\Qa.b\E", "a.b", true)]
    [InlineData(@"\Qa.b\E", "axb", false)]
    [InlineData(@"(?P<n>a)b", "ab", true)]
    [InlineData(@"(?i)abc", "aBC", true)]
    [InlineData(@"(?i:a)B", "Ab", false)]
    [InlineData(@"(?s).", "\n", true)]
    [InlineData(@".", "\n", false)]
    [InlineData(@"\x41\x{42}", "AB", true)]
    [InlineData(@"\pL", "é", true)]
    [InlineData(@"\x60", "`", true)]
    [InlineData(@"a{2,3}b", "aab", true)]
    [InlineData(@"(?:a|b)*?c", "abc", true)]
    [InlineData(@"\ba", "éa", true)]
    [InlineData(@"a\b", "aé", true)]
    [InlineData(@"\ba\b", "密a钥", true)]
    [InlineData(@"\ba", "\u200da", true)]
    [InlineData(@"a\B.", "aé", false)]
    [InlineData(@"\b[^x]a", "zéa", true)]
    [InlineData(@"\B[^x]a", "é§a", true)]
    [InlineData(@"\bk", "ék", true)]
    [InlineData(@"(?i)\w\b|k", "\u212A", true)]
    public void A_pattern_means_what_it_does_in_go(string pattern, string text, bool matches)
    {
        var (regex, problem) = LinearRegex.Compile(pattern);
        Assert.Null(problem);
        Assert.Equal(matches, regex!.IsMatch(text));
    }

    [Fact]
    public void Boundaries_beside_letters_beyond_ascii_leave_matches_as_they_were_written()
    {
        var regex = LinearRegex.Compile(@"\b(key)=([^ ]+)").Regex!;
        var match = Assert.Single(regex.Matches("ékey=größe x"));
        Assert.Equal((1, "key=größe", "größe"), (match.Index, match.Value, match.Group(2)));
    }

    [Fact]
    public void Groups_are_counted_as_they_open_whether_they_have_names_or_not()
    {
        var match = Assert.Single(LinearRegex.Compile("(?P<first>a)(b)(?<third>c)").Regex!.Matches("abc"));
        Assert.Equal(("a", "b", "c"), (match.Group(1), match.Group(2), match.Group(3)));
        Assert.Equal(("a", "b", "c"), (match.Group("first"), match.Group("2"), match.Group("third")));
        Assert.Equal(("", ""), (match.Group("none"), match.Group("9")));
    }

    [Theory]
    [InlineData(@"(?P<a>a)(?P<a>b)")]
    [InlineData(@"(?P<a-b>b)")]
    [InlineData(@"(?=a)")]
    [InlineData(@"(?<!a)b")]
    [InlineData(@"(a)\1")]
    [InlineData(@"(?>a)")]
    [InlineData(@"(a")]
    [InlineData(@"a)")]
    [InlineData(@"[a")]
    [InlineData(@"a\")]
    [InlineData(@"[[:nothing:]]")]
    [InlineData(@"*a")]
    public void What_go_refuses_is_refused_with_a_reason(string pattern)
    {
        var (regex, problem) = LinearRegex.Compile(pattern);
        Assert.Null(regex);
        Assert.NotEmpty(problem!);
    }

    [Fact]
    public void Any_pattern_has_an_answer()
    {
        string[] pieces =
        [
            "a",
            "b",
            "(",
            ")",
            "[",
            "]",
            "^",
            "$",
            "-",
            "\\",
            "\\d",
            "\\Q",
            "\\E",
            "(?",
            "i",
            ":",
            "P<x>",
            "{",
            "2",
            ",",
            "}",
            "*",
            "+",
            "?",
            "|",
            "[:alpha:]",
            "\\p{L}",
            "\\x{41}",
            ".",
            "é",
            "\n",
        ];
        var patterns = Gen.Elements(pieces).ListOf().Select(parts => string.Concat(parts.Take(12)));
        Prop.ForAll(
                patterns.ToArbitrary(),
                pattern =>
                {
                    var (regex, problem) = LinearRegex.Compile(pattern);
                    return regex is null != problem is null;
                }
            )
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_pattern_that_hangs_other_engines_does_not_hang_this_one()
    {
        var regex = LinearRegex.Compile("(a+)+(a|aa)*b").Regex!;
        Assert.False(regex.IsMatch(new string('a', 100_000)));
    }

    [Theory]
    [InlineData("((a?){50}){50}b")]
    [InlineData("((a{10}){10}){49}b")]
    [InlineData("(a|b?){0,400}b{0,900}c")]
    [InlineData("(((a?)?b?)?){300}c")]
    public void A_pattern_that_is_too_large_for_long_texts_is_refused_before_any_is_read(string pattern)
    {
        var (regex, problem) = LinearRegex.Compile(pattern);
        Assert.True(regex is null ? problem!.Contains("too large", StringComparison.Ordinal) : !regex.IsMatch(Long));
    }

    [Fact]
    public void Many_short_texts_do_not_hang_it_either()
    {
        var regex = LinearRegex.Compile("(a+)+(a|aa)*b").Regex!;
        var text = new string('a', 2000);
        Assert.All(Enumerable.Range(0, 2000), _ => Assert.False(regex.IsMatch(text)));
    }

    [Theory]
    [InlineData("b?a", "xAbb1 Abkaa")]
    [InlineData("x?(a|b)", "axKkAbbAb1c")]
    [InlineData(@"[\w.-]{0,50}?(?:key)=([a-z]{3})", "akey=abc my.key=xyz key=zzz")]
    public void Long_texts_have_the_matches_of_short_ones(string pattern, string text)
    {
        var regex = LinearRegex.Compile(pattern).Regex!;
        var expected = regex.Matches(text).Select(match => (match.Index, match.Value)).ToArray();
        Assert.True(expected.Length > 1);
        var found = regex.Matches(text + new string('\n', 100_000)).Select(match => (match.Index, match.Value));
        Assert.Equal(expected, found);
    }
}
