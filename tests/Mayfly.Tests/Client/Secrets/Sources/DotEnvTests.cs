using FsCheck;
using FsCheck.Fluent;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Tests.Client.Secrets.Sources;

public sealed class DotEnvTests
{
    [Fact]
    public void Lines_are_read_as_people_write_them()
    {
        Assert.True(
            DotEnv.TryParse(
                "\uFEFF# comment\n\nexport A=one\r\nB = two # rest\nC='as $it \\n is'\nD=\"a\\tb\\\"c\"  # rest\nE=\nF=\"two\nlines\"\nG=a#b\n  # in\nH=x=y",
                out var variables,
                out _
            )
        );
        Assert.Equal(
            ["A=one", "B=two", "C=as $it \\n is", "D=a\tb\"c", "E=", "F=two\nlines", "G=a#b", "H=x=y"],
            variables.Select(pair => $"{pair.Key}={pair.Value}")
        );
    }

    [Theory]
    [InlineData("A=1\nnonsense\n", 2)]
    [InlineData("A=\"two\nlines\"\nB='open\n", 3)]
    [InlineData("1A=x", 1)]
    [InlineData("A B=x", 1)]
    [InlineData("A='x' y", 1)]
    public void A_wrong_line_is_named(string text, int line)
    {
        Assert.False(DotEnv.TryParse(text, out _, out var found));
        Assert.Equal(line, found);
    }

    [Fact]
    public void Whatever_is_quoted_comes_back()
    {
        Prop.ForAll(
                ArbMap.Default.ArbFor<string[]>(),
                values =>
                {
                    var text = string.Join(
                        '\n',
                        values.Select((value, i) => $"V{i}={Quote(value ?? "")}{(i % 2 == 0 ? "" : " # rest")}")
                    );
                    return DotEnv.TryParse(text, out var variables, out _)
                        && variables
                            .Select(pair => pair.Value)
                            .Zip(values, (read, value) => read == (value ?? ""))
                            .All(same => same)
                        && variables.Count == values.Length;
                }
            )
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Any_text_is_read_or_refused()
    {
        Prop.ForAll(
                ArbMap.Default.ArbFor<string>(),
                text => DotEnv.TryParse(text ?? "", out _, out var line) || line > 0
            )
            .QuickCheckThrowOnFailure();
    }

    internal static string Quote(string value) =>
        '"'
        + value
            .Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("$", "\\$", StringComparison.Ordinal)
        + '"';
}
