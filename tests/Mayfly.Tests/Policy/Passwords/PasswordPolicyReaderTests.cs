using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Policy.Passwords;

namespace Mayfly.Tests.Policy.Passwords;

public sealed class PasswordPolicyReaderTests
{
    [Theory]
    [InlineData(
        "length = 20\nrule \"charset\" {\n  charset = \"abcde\"\n  min-chars = 2\n}\nrule \"charset\" { charset = \"0123\" }"
    )]
    [InlineData(
        """{"length":20,"rule":[{"charset":[{"charset":"abcde","min-chars":2}]},{"charset":{"charset":"0123"}}]}"""
    )]
    [InlineData("""{"length":"20","rule":{"charset":[{"charset":"abcde","min-chars":2},{"charset":"0123"}]}}""")]
    public void Hcl_and_json_are_read_alike(string text)
    {
        var (policy, problem) = PasswordPolicyReader.Parse(text);

        Assert.Null(problem);
        Assert.Equal(20, policy!.Length);
        Assert.Equal([new CharsetRule("abcde", 2), new CharsetRule("0123", 0)], policy.Rules);
    }

    [Theory]
    [InlineData("", "length is missing")]
    [InlineData("length = 20", "1 to 64 charset rules")]
    [InlineData("rule \"charset\" { charset = \"abc\" }", "length is missing")]
    [InlineData("length = 20\nrule \"words\" { list = \"abc\" }", "line 2, column 1: unrecognized rule type words")]
    [InlineData("length = 20\nrule \"charset\" { min-chars = 1 }", "a charset rule needs charset")]
    [InlineData("length = 20\nrule \"charset\" { charset = \"a\" max-chars = 1 }", "invalid key \"max-chars\"")]
    [InlineData("length = 20\nlength = 21\nrule \"charset\" { charset = \"a\" }", "length is given twice")]
    [InlineData("length = 20\nsize = 1", "invalid key \"size\"")]
    [InlineData("length = 9223372036854775807\nrule \"charset\" { charset = \"a\" }", "between 4 and 100")]
    [InlineData("length = {", "line 1")]
    public void What_is_wrong_is_said(string text, string reason)
    {
        var (policy, problem) = PasswordPolicyReader.Parse(text);

        Assert.Null(policy);
        Assert.Contains(reason, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_jumble_has_an_answer() =>
        Prop.ForAll(
                Gen.Elements(
                        "length = 8\n",
                        "rule \"charset\" {",
                        "charset = \"ab\"\n",
                        "min-chars = 3\n",
                        "min-chars = -9e99\n",
                        "}\n",
                        "rule = []\n",
                        "rule \"a\" \"b\" {",
                        "{",
                        "[",
                        "\"charset\"",
                        "\n"
                    )
                    .ArrayOf()
                    .Select(string.Concat)
                    .ToArbitrary(),
                text =>
                {
                    var (policy, problem) = PasswordPolicyReader.Parse(text);
                    return (policy is null) != (problem is null);
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(1_000));
}
