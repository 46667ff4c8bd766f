using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Policy.Passwords;

namespace Mayfly.Tests.Policy.Passwords;

public sealed class PasswordPolicyTests
{
    private static readonly string[] Charsets = ["abcdefgh", "ABC", "0123456789", "-_.", "aB1-", "é😀", "xx"];

    [Fact]
    public void Every_password_keeps_the_rules_of_its_policy() =>
        Prop.ForAll(
                Policies().ToArbitrary(),
                drawn =>
                {
                    var (policy, problem) = PasswordPolicy.Create(drawn.Length, drawn.Rules);
                    if (policy is null)
                    {
                        return !string.IsNullOrEmpty(problem);
                    }

                    var password = policy.Generate()!;
                    return Keeps(password, drawn.Length, drawn.Rules);
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    /// <summary>By trying all passwords of four characters out of a few.</summary>
    [Fact]
    public void A_policy_is_refused_only_when_no_password_keeps_it() =>
        Prop.ForAll(
                (
                    from rules in Rules(Gen.Elements("ab", "bc", "c", "abc"), Gen.Choose(0, 4)).NonEmptyListOf()
                    select (IReadOnlyList<CharsetRule>)[.. rules.Take(4)]
                ).ToArbitrary(),
                rules =>
                {
                    var letters = string.Concat(rules.SelectMany(rule => rule.Charset).Distinct());
                    var possible = All(letters, 4).Any(password => Keeps(password, 4, rules));
                    return possible == PasswordPolicy.Create(4, rules).Policy is not null;
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    /// <summary>
    /// 62 characters do not divide 256: with modulo bias the first eight would come up a quarter more often. The bound is
    /// seven standard deviations, so chance fails it once in many thousands of years.
    /// </summary>
    [Fact]
    public void Every_character_is_equally_likely()
    {
        const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        var (policy, _) = PasswordPolicy.Create(100, [new CharsetRule(Letters, 0)]);
        var counts = new Dictionary<char, int>();
        for (var i = 0; i < 10_000; i++)
        {
            foreach (var character in policy!.Generate()!)
            {
                counts[character] = counts.GetValueOrDefault(character) + 1;
            }
        }

        const double Expected = 1_000_000.0 / 62;
        Assert.Equal(62, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, Expected - 900, Expected + 900));
    }

    /// <summary>Where the required characters stand tells nothing: a fixed place would be half as strong.</summary>
    [Fact]
    public void A_required_character_stands_anywhere()
    {
        var (policy, _) = PasswordPolicy.Create(4, [new CharsetRule("abcdefghijklmnop", 0), new CharsetRule("9", 1)]);
        var places = new int[4];
        for (var i = 0; i < 4_000; i++)
        {
            places[policy!.Generate()!.IndexOf('9', StringComparison.Ordinal)]++;
        }

        Assert.All(places, count => Assert.InRange(count, 700, 1_400));
    }

    [Fact]
    public void Default_has_twenty_letters_digits_and_dashes_of_each_kind()
    {
        var password = PasswordPolicy.Default.Generate()!;

        Assert.Equal(20, password.Length);
        Assert.True(Keeps(password, 20, PasswordPolicy.Default.Rules));
        Assert.NotEqual(password, PasswordPolicy.Default.Generate());
    }

    [Theory]
    [InlineData(3, "abc", 0, "between 4 and 100")]
    [InlineData(101, "abc", 0, "between 4 and 100")]
    [InlineData(10, "", 0, "at least one character")]
    [InlineData(10, "ab\tc", 0, "U+0009")]
    [InlineData(10, "ab\u00a0c", 0, "U+00A0")]
    [InlineData(10, "ab", -1, "negative")]
    [InlineData(10, "ab", 11, "at least 11 characters, and a password has 10")]
    public void What_cannot_be_a_policy_is_refused_with_the_reason(int length, string charset, int min, string reason)
    {
        var (policy, problem) = PasswordPolicy.Create(length, [new CharsetRule(charset, min)]);

        Assert.Null(policy);
        Assert.Contains(reason, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Rules_that_no_password_can_keep_together_are_refused_with_their_sum()
    {
        var (_, problem) = PasswordPolicy.Create(10, [new CharsetRule("abc", 6), new CharsetRule("123", 5)]);

        Assert.Equal("the rules ask for at least 11 characters together, and a password has 10", problem);
    }

    private static bool Keeps(string password, int length, IReadOnlyList<CharsetRule> rules)
    {
        var characters = password.EnumerateRunes().ToList();
        var known = rules.SelectMany(rule => rule.Charset.EnumerateRunes()).ToHashSet();
        return characters.Count == length
            && characters.TrueForAll(known.Contains)
            && rules.All(rule => characters.Count(c => rule.Charset.EnumerateRunes().Contains(c)) >= rule.MinChars);
    }

    private static IEnumerable<string> All(string letters, int length) =>
        length == 0 ? [""] : All(letters, length - 1).SelectMany(start => letters.Select(letter => start + letter));

    private static Gen<(int Length, IReadOnlyList<CharsetRule> Rules)> Policies() =>
        from length in Gen.Choose(2, 104)
        from rules in Rules(Gen.Elements(Charsets), Gen.Choose(-1, 8)).ListOf()
        select (length, (IReadOnlyList<CharsetRule>)[.. rules.Take(5)]);

    private static Gen<CharsetRule> Rules(Gen<string> charsets, Gen<int> minima) =>
        from charset in charsets
        from minimum in minima
        select new CharsetRule(charset, minimum);
}
