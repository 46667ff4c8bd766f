using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Client.Redaction;

namespace Mayfly.Tests.Client.Redaction;

public sealed class RedactingWriterTests
{
    public static TheoryData<string> Encodings => [.. SecretEncodings.All.Keys];

    [Theory]
    [MemberData(nameof(Encodings))]
    public void No_secret_is_left_however_the_writes_split_it(string name)
    {
        var encode = SecretEncodings.All[name];
        Prop.ForAll(
                SecretEncodings.ShortSecret.ToArbitrary(),
                Splits.ToArbitrary(),
                (secret, splits) =>
                {
                    var registry = new SecretRegistry();
                    registry.Add(secret);
                    var encoded = encode(secret);
                    var text = $"before <{encoded}> between <{encoded}> after {secret}!";

                    var written = Write(new Redactor(registry), text, splits);
                    var bytes = WriteBytes(new Redactor(registry), Encoding.UTF8.GetBytes(text), splits);

                    return IsClean(written) && IsClean(Encoding.UTF8.GetString(bytes));

                    bool IsClean(string output) =>
                        !output.Contains(encoded, StringComparison.Ordinal)
                        && !output.Contains(secret, StringComparison.Ordinal)
                        && output.Length < text.Length - 2 * encoded.Length + 80 + encoded.Length / 20
                        && output.StartsWith("before <", StringComparison.Ordinal)
                        && output.EndsWith('!');
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(40));
    }

    [Fact]
    public void A_secret_is_found_when_a_write_ends_inside_an_escape_of_an_escape()
    {
        const string Secret = "(8; \u00010;9`[9[+8(.|&.";
        var registry = new SecretRegistry();
        registry.Add(Secret);
        var text = $"<{SecretEncodings.All["json in json"](Secret)}>";

        Assert.All(
            Enumerable.Range(1, text.Length - 1),
            split => Assert.Equal("<\"\\u0022[redacted]\\u0022\">", Write(new Redactor(registry), text, [split]))
        );
    }

    [Theory]
    [InlineData("raw")]
    [InlineData("wrapped base64")]
    [InlineData("json in json")]
    public void A_long_secret_is_found_however_the_writes_split_it(string name)
    {
        var secret = string.Concat(Enumerable.Range(0, 3_000).Select(i => $"{i * 7919 % 1000:000}\""));
        var registry = new SecretRegistry();
        registry.Add(secret);

        var output = Write(new Redactor(registry), $"<{SecretEncodings.All[name](secret)}>", [100, 31, 7]);

        Assert.InRange(output.Length, 12, 40);
        Assert.DoesNotContain("919", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Everything_else_passes_byte_for_byte() =>
        Prop.ForAll(
                ArbMap.Default.ArbFor<byte[]>(),
                SecretEncodings.ShortSecret.ToArbitrary(),
                Splits.ToArbitrary(),
                (bytes, text, splits) =>
                {
                    var registry = new SecretRegistry();
                    registry.Add("Wq7-some-other-secret");
                    registry.Add("é-and-a-third-ß");
                    var redactor = new Redactor(registry);
                    bytes = [.. bytes ?? [], .. Encoding.UTF8.GetBytes(text)];

                    return Write(redactor, text, splits) == text
                        && WriteBytes(redactor, bytes, splits).AsSpan().SequenceCompareTo(bytes) == 0;
                }
            )
            .QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("hvs.CAESIJ3kq0mayfly0canary0token9", 1)]
    [InlineData("hvs.CAESIJ3kq0mayfly0canary0token9", 3)]
    [InlineData("hvs.CAESIJ3kq0mayfly0canary0token9", 7)]
    [InlineData("s.abcdefghijklmnopqrstuvwx", 2)]
    public void Tokens_are_known_by_their_form_when_they_come_in_parts(string token, int part) =>
        Assert.Equal(
            "token [redacted] used; this is all",
            Write(new Redactor(new SecretRegistry()), $"token {token} used; this is all", [part])
        );

    [Fact]
    public void A_token_without_an_end_is_dropped_as_it_comes()
    {
        var text = $"hvb.{new string('A', 100_000)} end";

        Assert.Equal("[redacted] end", Write(new Redactor(new SecretRegistry()), text, [100]));
    }

    [Fact]
    public void A_short_value_counts_only_where_it_stands_alone_in_parts_too()
    {
        var registry = new SecretRegistry();
        registry.Add("s3cr3t");

        Assert.Equal(
            "xs3cr3t [redacted] s3cr3tx [redacted]",
            Write(new Redactor(registry), "xs3cr3t s3cr3t s3cr3tx s3cr3t", [1])
        );
    }

    [Fact]
    public void Lines_and_prompts_do_not_wait_for_what_follows()
    {
        var registry = new SecretRegistry();
        for (var i = 0; i < 1_000; i++)
        {
            registry.Add($"{(char)('!' + i % 90)}-mayfly-{i * 7919}\n-second-line");
        }

        using var inner = new StringWriter();
        using var writer = new RedactingTextWriter(inner, new Redactor(registry));
        writer.WriteLine("a line");
        Assert.Equal("a line\n", inner.ToString());

        writer.Write("Password: ");
        writer.Flush();
        Assert.Equal("a line\nPassword: ", inner.ToString());
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public void A_line_that_is_the_base64_of_a_secret_ends_where_it_ends(string end)
    {
        // Whose base64 needs no padding.
        const string Secret = "kR7-mayfly-canary9";
        var registry = new SecretRegistry();
        registry.Add(Secret);
        var encoded = Convert.ToBase64String(Encoding.UTF8.GetBytes(Secret));
        var text = $"first{end}{encoded}{end}plain{end}{encoded}{end}last";
        var expected = $"first{end}[redacted]{end}plain{end}[redacted]{end}last";

        Assert.Equal(expected, new Redactor(registry).Redact(text));
        Assert.Equal(expected.ReplaceLineEndings("\\n"), new Redactor(registry).Redact(text.ReplaceLineEndings("\\n")));
        Assert.All(
            Enumerable.Range(1, text.Length),
            split =>
            {
                Assert.Equal(expected, Write(new Redactor(registry), text, [split]));
                Assert.Equal(
                    expected,
                    Encoding.UTF8.GetString(WriteBytes(new Redactor(registry), Encoding.UTF8.GetBytes(text), [split]))
                );
            }
        );
    }

    [Fact]
    public async Task It_writes_asynchronously_and_leaves_open_what_it_is_told_to()
    {
        var registry = new SecretRegistry();
        registry.Add("kR7-mayfly-canary");
        await using var bytes = new MemoryStream();
        await using (var stream = new RedactingStream(bytes, new Redactor(registry), leaveOpen: true))
        {
            await stream.WriteAsync("a kR7-may"u8.ToArray(), TestContext.Current.CancellationToken);
            await stream.WriteAsync("fly-canary b"u8.ToArray(), TestContext.Current.CancellationToken);
        }

        await using var text = new StringWriter();
        await using (var writer = new RedactingTextWriter(text, new Redactor(registry), leaveOpen: true))
        {
            await writer.WriteLineAsync("a kR7-mayfly-canary");
            await writer.WriteAsync('b');
        }

        Assert.Equal("a [redacted] b", Encoding.UTF8.GetString(bytes.ToArray()));
        Assert.Equal("a [redacted]\nb", text.ToString());
    }

    private static Gen<int[]> Splits => Gen.Choose(1, 50).NonEmptyListOf().Select(sizes => sizes.ToArray());

    private static string Write(Redactor redactor, string text, int[] splits)
    {
        using var inner = new StringWriter();
        using (var writer = new RedactingTextWriter(inner, redactor, leaveOpen: true))
        {
            foreach (var (from, to) in Parts(text.Length, splits))
            {
                writer.Write(text[from..to]);
                writer.Flush();
            }
        }

        return inner.ToString();
    }

    private static byte[] WriteBytes(Redactor redactor, byte[] bytes, int[] splits)
    {
        using var inner = new MemoryStream();
        using (var stream = new RedactingStream(inner, redactor))
        {
            foreach (var (from, to) in Parts(bytes.Length, splits))
            {
                stream.Write(bytes, from, to - from);
            }
        }

        return inner.ToArray();
    }

    private static IEnumerable<(int From, int To)> Parts(int length, int[] splits)
    {
        for (var (at, i) = (0, 0); at < length; i++)
        {
            var next = Math.Min(length, at + splits[i % splits.Length]);
            yield return (at, next);
            at = next;
        }
    }
}
