using System.Text;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;
using Mayfly.Scanner.Sources;

namespace Mayfly.Tests.Scanner.Sources;

public sealed class FragmentCutterTests
{
    private const string Key = "AKIAQ3EGRZ7VN5KXM2PL";

    [Fact]
    public void A_long_text_is_cut_at_blank_lines_and_its_lines_stay_numbered()
    {
        var text = string.Concat(Enumerable.Range(1, 60_000).Select(i => i % 10 == 0 ? "\n" : $"line {i}\n"));
        var fragments = Cut(text);
        Assert.True(fragments.Count > 1);
        Assert.Equal(text, string.Concat(fragments.Select(each => each.Text)));
        Assert.All(fragments.SkipLast(1), each => Assert.EndsWith("\n\n", each.Text, StringComparison.Ordinal));
        foreach (var (first, part) in fragments)
        {
            Assert.StartsWith($"line {first}\n", part, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-10)]
    [InlineData(-30)]
    [InlineData(100_000)]
    public void A_secret_in_a_line_of_any_length_is_found_once_with_its_column(int offset)
    {
        var before = new string('é', (FragmentCutter.Size + offset) / 2) + " ";
        var source = new StreamSource(new MemoryStream(Encoding.UTF8.GetBytes(before + Key + " " + before)), "x");
        var result = source.Scan(new SecretScanner(DefaultRules.Set), TestContext.Current.CancellationToken);
        var finding = Assert.Single(result.Findings);
        Assert.Equal((1, before.Length + 1), (finding.StartLine, finding.StartColumn));
        Assert.Equal(Key, finding.Secret);
    }

    [Theory]
    [InlineData("utf-8", true)]
    [InlineData("utf-16", true)]
    [InlineData("utf-16BE", true)]
    [InlineData("utf-16", false)]
    [InlineData("iso-8859-1", false)]
    public void Encodings_are_told_apart(string name, bool mark)
    {
        var encoding = Encoding.GetEncoding(name);
        byte[] bytes = [.. mark ? encoding.GetPreamble() : [], .. encoding.GetBytes($"größer: {Key}\n")];
        using var text = TextEncoding.Open(new MemoryStream(bytes), TextEncoding.Of(bytes)!);
        var source = new StreamSource(text!, "x");
        var finding = Assert.Single(
            source.Scan(new SecretScanner(DefaultRules.Set), TestContext.Current.CancellationToken).Findings
        );
        Assert.Equal((Key, 9), (finding.Secret, finding.StartColumn));
    }

    [Fact]
    public void What_is_no_text_is_told_by_its_bytes()
    {
        Assert.Null(TextEncoding.Of([0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0, 0, 0, 0, 0]));
        Assert.NotNull(TextEncoding.Of("plain"u8));
        Assert.NotNull(TextEncoding.Of([]));
    }

    private static List<(int First, string Text)> Cut(string text) =>
        [
            .. new FragmentCutter()
                .Cut(new MemoryStream(Encoding.UTF8.GetBytes(text)), new Fragment(default, "x"))
                .Select(each => (each.FirstLine, Encoding.UTF8.GetString(each.Bytes.Span))),
        ];
}
