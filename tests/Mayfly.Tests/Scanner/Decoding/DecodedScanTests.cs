using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Scanner.Decoding;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Tests.Scanner.Decoding;

public sealed class DecodedScanTests
{
    private const string Key = "AKIAQ3EGRZ7VN5KXM2PL";
    private const string Line = $"aws_key = \"{Key}\"";

    private static readonly string Base64 = Convert.ToBase64String(Encoding.UTF8.GetBytes(Line));

    [Fact]
    public void What_is_encoded_is_found_where_the_encoded_text_stands()
    {
        var encoded = Base64;
        var found = Assert.Single(Scan($"first\nä data: {encoded} end\n"));
        Assert.Equal("aws-access-key-id", found.RuleId);
        Assert.Equal(Key, found.Secret);
        Assert.Equal(
            (2, 2, 9, 8 + encoded.Length),
            (found.StartLine, found.EndLine, found.StartColumn, found.EndColumn)
        );
        Assert.Equal(["decoded:base64", "decode-depth:1"], found.Tags);
    }

    [Fact]
    public void Hexadecimal_url_and_url_safe_texts_are_read_too()
    {
        var hex = Convert.ToHexStringLower(Encoding.UTF8.GetBytes(Line));
        Assert.Equal(["decoded:hex", "decode-depth:1"], Assert.Single(Scan($"x={hex}\n")).Tags);
        var percent = string.Concat(Line.Select(c => $"%{(int)c:X2}"));
        Assert.Equal(["decoded:percent", "decode-depth:1"], Assert.Single(Scan($"x={percent}&y=1\n")).Tags);
        var url = Convert.ToBase64String(Encoding.UTF8.GetBytes(">>>???" + Line)).Replace('+', '-').Replace('/', '_');
        Assert.Equal(Key, Assert.Single(Scan($"x {url.TrimEnd('=')} y")).Secret);
    }

    [Fact]
    public void Encodings_around_each_other_are_taken_off_as_often_as_is_asked_for()
    {
        var twice = Uri.EscapeDataString(Convert.ToBase64String(Encoding.UTF8.GetBytes(Base64)));
        var found = Assert.Single(Scan($"a\nb\nv={twice}\n"));
        Assert.Equal((3, Key), (found.StartLine, found.Secret));
        Assert.Contains("decode-depth:3", found.Tags);
        Assert.Empty(Scan($"v={twice}\n", depth: 2));
        Assert.Empty(Scan(Base64, depth: 0));
    }

    [Fact]
    public void A_name_before_the_encoded_value_belongs_to_it()
    {
        var (rules, _) = RuleFile.Read(
            "r.toml",
            "[[rules]]\nid = 'r'\nregex = '''token: (t-[a-z]{20})'''\nkeywords = ['token']\n"u8,
            DefaultRules.Set,
            _ => null
        );
        var scanner = new SecretScanner(rules!) { DecodeDepth = 1 };
        var value = Convert.ToBase64String("t-abcdefghijklmnopqrst"u8);
        var text = Encoding.UTF8.GetBytes($"token: {value}\n");
        Assert.Equal("t-abcdefghijklmnopqrst", Assert.Single(scanner.Scan(new Fragment(text, "a"))).Secret);
    }

    [Fact]
    public void A_secret_in_clear_beside_something_encoded_is_found_once()
    {
        var other = Convert.ToBase64String("nothing that anybody wants"u8);
        var found = Assert.Single(Scan($"{Key} {other}\n"));
        Assert.Empty(found.Tags);
    }

    [Fact]
    public void A_comment_allows_what_is_encoded_on_its_line()
    {
        Assert.Empty(Scan($"{Base64} # mayfly:allow\n"));
    }

    [Fact]
    public void Any_text_is_read_to_its_end_and_what_is_found_lies_in_it()
    {
        string[] pieces = ["%41", "%", "QUJD", "=", "\n", "ä", "414243444546", Base64, Base64[..17], " ", "+/", "-_"];
        foreach (var parts in Gen.Elements(pieces).ListOf().Sample(300))
        {
            var text = Encoding.UTF8.GetBytes(string.Concat(parts));
            var last = 0;
            foreach (var run in EncodedRuns.In(text))
            {
                Assert.InRange(run.From, last, text.Length);
                Assert.InRange(run.To, run.From + 1, text.Length);
                last = run.To;
            }

            _ = Scan(Encoding.UTF8.GetString(text));
        }
    }

    private static IReadOnlyList<Finding> Scan(string text, int depth = 5) =>
        new SecretScanner(DefaultRules.Set) { DecodeDepth = depth }.Scan(
            new Fragment(Encoding.UTF8.GetBytes(text), "a.txt")
        );
}
