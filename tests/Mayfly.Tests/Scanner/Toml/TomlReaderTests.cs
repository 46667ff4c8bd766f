using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Scanner.Toml;

namespace Mayfly.Tests.Scanner.Toml;

public sealed class TomlReaderTests
{
    private static readonly string[] Pieces =
    [
        "a",
        "\"b\"",
        "'c'",
        ".",
        "=",
        " ",
        "\n",
        "\r\n",
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        ",",
        "1",
        "0x",
        "1e",
        "-",
        "+",
        "_",
        "inf",
        "true",
        "\"\"\"",
        "'''",
        "\\",
        "\\u00e9",
        "#",
        "1979-05-27",
        "T07:32:00Z",
        "\u0000",
        "é",
        "\uFEFF",
    ];

    [Theory]
    [InlineData("a = 1\nb = ", 2)]
    [InlineData("a = 1\n\na = 2", 3)]
    [InlineData("[x]\n[x]", 2)]
    [InlineData("a = \"x", 1)]
    public void What_is_wrong_is_told_with_its_line(string text, int line)
    {
        var (document, error) = TomlReader.Read(Encoding.UTF8.GetBytes(text));
        Assert.Null(document);
        Assert.Equal(line, error!.Line);
        Assert.NotEmpty(error.Message);
    }

    [Fact]
    public void Any_document_has_an_answer()
    {
        var documents = Gen.Elements(Pieces).ListOf().Select(pieces => string.Concat(pieces));
        Prop.ForAll(documents.ToArbitrary(), text => HasOneAnswer(Encoding.UTF8.GetBytes(text)))
            .QuickCheckThrowOnFailure();
        Prop.ForAll<byte[]>(HasOneAnswer).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Nesting_has_a_limit_and_never_ends_the_process()
    {
        var deep = Encoding.UTF8.GetBytes("a = " + new string('[', 1_000_000));
        Assert.NotNull(TomlReader.Read(deep).Error);
    }

    private static bool HasOneAnswer(byte[] bytes)
    {
        var (document, error) = TomlReader.Read(bytes);
        return document is null != error is null;
    }
}
