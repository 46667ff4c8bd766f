using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Scanner.Masking;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Tests.Scanner.Masking;

public sealed class MaskingStreamTests
{
    private const string Key = "AKIAQ3EGRZ7VN5KXM2PL";

    private static readonly SecretScanner Scanner = new(DefaultRules.Set);

    [Fact]
    public void A_secret_is_masked_however_the_stream_is_cut_and_nothing_else_changes()
    {
        var lines = $"start\r\nid = {Key} and {Key}\n\nDownloading 10%\rDownloading 20%\nschlüssel {Key} ä\n";
        var text = Encoding.UTF8.GetBytes(
            lines + string.Concat(Enumerable.Repeat("plain line\n", 2000)) + lines + "end"
        );
        var expected = Encoding.UTF8.GetString(text).Replace(Key, "***", StringComparison.Ordinal);
        Assert.Equal(expected, Whole(text, [text.Length]));
        Assert.Equal(expected, Whole(text, Enumerable.Repeat(1, text.Length)));
        foreach (var cuts in Gen.Choose(1, 300).ListOf().Sample(20).Where(cuts => cuts.Count > 0))
        {
            Assert.Equal(expected, Whole(text, Enumerable.Repeat(cuts, text.Length).SelectMany(each => each)));
        }
    }

    [Fact]
    public void What_is_no_text_passes_byte_for_byte()
    {
        var bytes = RandomNumberGenerator.GetBytes(300_000);
        using var output = new MemoryStream();
        using (var masking = new MaskingStream(output, Scanner, "***"))
        {
            masking.Write(bytes);
        }

        Assert.Equal(bytes, output.ToArray());
        var latin = (byte[])[0xE4, 0xFF, .. Encoding.ASCII.GetBytes($" id = {Key} "), 0xC3, (byte)'\n'];
        using var masked = new MemoryStream();
        using (var masking = new MaskingStream(masked, Scanner, "***"))
        {
            masking.Write(latin);
        }

        Assert.Equal((byte[])[0xE4, 0xFF, .. " id = *** "u8, 0xC3, (byte)'\n'], masked.ToArray());
    }

    [Fact]
    public void A_line_waits_for_its_end_and_a_question_for_a_silence()
    {
        using var output = new MemoryStream();
        using var masking = new MaskingStream(output, Scanner, "***");
        masking.Write("one\nPassword: "u8);
        Assert.Equal("one\n", Text(output));
        masking.Release(all: false);
        Assert.Equal("one\nPassword: ", Text(output));
        Assert.Equal(0, masking.Held);
        masking.Write("\nwaiting..."u8);
        masking.Release(all: false);
        Assert.EndsWith("waiting...", Text(output), StringComparison.Ordinal);
    }

    [Fact]
    public void The_beginning_of_a_token_waits_longer_and_what_follows_is_masked_even_when_it_was_too_long()
    {
        using var output = new MemoryStream();
        using var masking = new MaskingStream(output, Scanner, "***");
        masking.Write(Encoding.UTF8.GetBytes("id = " + Key[..9]));
        masking.Release(all: false);
        Assert.Equal("id = ", Text(output));
        masking.Write(Encoding.UTF8.GetBytes(Key[9..] + "\n"));
        Assert.Equal("id = ***\n", Text(output));
        masking.Write(Encoding.UTF8.GetBytes("id = " + Key[..9]));
        masking.Release(all: true);
        masking.Write(Encoding.UTF8.GetBytes(Key[9..] + "\n"));
        Assert.Equal($"id = ***\nid = {Key[..9]}***\n", Text(output));
    }

    [Theory]
    [InlineData("")]
    [InlineData("2026-11-20T10:00:00Z  ")]
    public void A_private_key_is_hidden_line_by_line_as_it_comes(string prefix)
    {
        using var rsa = RSA.Create(2048);
        var pem = rsa.ExportPkcs8PrivateKeyPem().Split('\n');
        using var output = new MemoryStream();
        using var masking = new MaskingStream(output, Scanner, "***");
        var plain = "";
        foreach (var line in pem)
        {
            masking.Write(Encoding.UTF8.GetBytes($"{prefix}{line}\n"));
            plain += line;
            // Each line is out, without the key in it.
            Assert.Equal(0, masking.Held);
        }

        masking.Write("after the key, this is a line\nand this is another\n"u8);
        var shown = Text(output);
        foreach (var line in pem.Where(line => !line.StartsWith("-----", StringComparison.Ordinal)))
        {
            Assert.DoesNotContain(line, shown, StringComparison.Ordinal);
        }

        Assert.EndsWith("after the key, this is a line\nand this is another\n", shown, StringComparison.Ordinal);
        Assert.Contains(prefix + "***", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void The_mention_of_a_key_hides_no_more_than_a_few_words()
    {
        var text =
            "use -----BEGIN PRIVATE KEY-----\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"line {i}!\n"));
        Assert.Equal(text, Whole(Encoding.UTF8.GetBytes(text), [text.Length]));
    }

    [Fact]
    public void A_line_that_never_ends_passes_in_time_and_without_its_secrets()
    {
        using var output = new MemoryStream();
        using var masking = new MaskingStream(output, Scanner, "***");
        var piece = Encoding.UTF8.GetBytes(new string('x', 4000) + $" {Key} ");
        for (var i = 0; i < 100; i++)
        {
            masking.Write(piece);
            Assert.True(masking.Held <= MaskingStream.LongestLine + piece.Length);
        }

        masking.Complete();
        var shown = Text(output);
        Assert.DoesNotContain(Key, shown, StringComparison.Ordinal);
        Assert.Equal(100, shown.Split("***").Length - 1);
        Assert.Equal(400_000, shown.Count(c => c == 'x'));
    }

    private static string Whole(byte[] text, IEnumerable<int> cuts)
    {
        using var output = new MemoryStream();
        using (var masking = new MaskingStream(output, Scanner, "***"))
        {
            var at = 0;
            foreach (var cut in cuts)
            {
                if (at == text.Length)
                {
                    break;
                }

                var length = Math.Min(cut, text.Length - at);
                masking.Write(text.AsSpan(at, length));
                at += length;
            }
        }

        return Text(output);
    }

    private static string Text(MemoryStream output) => Encoding.UTF8.GetString(output.ToArray());
}
