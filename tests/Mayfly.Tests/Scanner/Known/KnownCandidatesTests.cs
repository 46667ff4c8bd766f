using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Scanner.Known;

namespace Mayfly.Tests.Scanner.Known;

/// <summary>In what company and in which dress a text is found.</summary>
public sealed class KnownCandidatesTests
{
    private const string Plain = "8fJ2kd9QmZx71LpW";
    private const string Marked = "Xk9#mQ2$vL=7!pR4z";
    private const string Phrase = "correct horse battery staple";

    [Theory]
    [InlineData("{0}")]
    [InlineData("PASSWORD={0}")]
    [InlineData("export PASSWORD=\"{0}\"; run")]
    [InlineData("  password: {0}\n  user: app\n")]
    [InlineData("{{\"password\":\"{0}\",\"user\":\"app\"}}")]
    [InlineData("var p = '{0}';")]
    [InlineData("Configuration(password='{0}', user='app')")]
    [InlineData("<add key=\"p\" value=\"{0}\" />")]
    [InlineData("<password>{0}</password>")]
    [InlineData("postgres://app:{0}@db.example.com:5432/shop")]
    [InlineData("login with {0}, please")]
    [InlineData("| app | `{0}` |")]
    [InlineData("curl -u app:{0} https://example.com/")]
    public void Any_text_is_found_where_it_stands(string around)
    {
        foreach (var secret in (string[])[Plain, Marked])
        {
            var text = string.Format(null, around, secret);
            Assert.Contains(secret, Where(text, secret));
        }
    }

    [Theory]
    [InlineData("PASSWORD={0}")]
    [InlineData("password: {0}\n")]
    [InlineData("\"password\": \"{0}\",")]
    [InlineData("Connect('{0}')")]
    public void Words_with_spaces_are_found_between_marks(string around) =>
        Assert.Equal([Phrase], Where(string.Format(null, around, Phrase), Phrase).Distinct());

    [Theory]
    [InlineData("https://hooks.example.com/services/T01/B02/{0}")]
    [InlineData("https://example.com/?a=1&token={0}&b=2")]
    [InlineData("prefix.{0}.suffix")]
    public void A_text_of_letters_is_found_inside_of_paths(string around) =>
        Assert.Contains(Plain, Where(string.Format(null, around, Plain), Plain));

    [Fact]
    public void Encoded_texts_are_found_and_what_they_are_encoded_in_is_shown()
    {
        foreach (var secret in (string[])[Plain, Marked, Phrase])
        {
            var base64 = Convert.ToBase64String(Encoding.UTF8.GetBytes($"user:{secret}"));
            var bare = base64.TrimEnd('=');
            Assert.Contains(bare, Where($"Authorization: Basic {base64}\n", secret).Select(Trimmed));
            var alone = Convert.ToBase64String(Encoding.UTF8.GetBytes(secret));
            Assert.Contains(alone.TrimEnd('='), Where($"  password: {alone}\n", secret).Select(Trimmed));
            var nested = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{{\"p\":\"{alone}\"}}"));
            Assert.NotEmpty(Where(nested, secret));
        }

        foreach (var secret in (string[])[Plain, Marked])
        {
            Assert.NotEmpty(Where($"https://app:{Uri.EscapeDataString(secret)}@example.com/", secret));
            var json = JsonSerializer.Serialize(JsonSerializer.Serialize(new { password = secret }));
            Assert.NotEmpty(Where(json, secret));
        }

        static string Trimmed(string text) => text.TrimEnd('=');
    }

    [Fact]
    public void Lines_of_a_key_are_found_in_every_layout()
    {
        var lines = Enumerable
            .Range(0, 4)
            .Select(i => $"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ{i}+/abcdefghi");
        var line = lines.ElementAt(2);
        var key = $"-----BEGIN PRIVATE KEY-----\n{string.Join('\n', lines)}\n-----END PRIVATE KEY-----\n";
        Assert.NotEmpty(Where(key, line));
        Assert.NotEmpty(Where(key.Replace("\n", "\r\n", StringComparison.Ordinal), line));
        Assert.NotEmpty(Where(JsonSerializer.Serialize(key), line));
        Assert.NotEmpty(Where("key: " + Convert.ToBase64String(Encoding.UTF8.GetBytes(key)), line));
        Assert.NotEmpty(Where("  key: |\n    " + key.Replace("\n", "\n    ", StringComparison.Ordinal), line));
    }

    [Fact]
    public void No_text_breaks_it_and_every_word_of_it_is_seen() =>
        Prop.ForAll(
                ArbMap.Default.ArbFor<NonNull<string>>(),
                noise =>
                {
                    // The ends of words are known; what else stands around is anything.
                    var text = $"{noise.Get}\n{Plain} {noise.Get}";
                    return Where(text, Plain).Count > 0;
                }
            )
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Bytes_that_are_no_text_break_nothing() =>
        Prop.ForAll(
                ArbMap.Default.ArbFor<byte[]>(),
                bytes => KnownCandidates.Visit(bytes, _ => true, (_, from, length) => bytes.AsSpan(from, length))
            )
            .QuickCheckThrowOnFailure();

    /// <summary>What stands in the text where it (or what it is encoded in) was found.</summary>
    private static List<string> Where(string text, params string[] secrets)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var wanted = secrets.Select(Encoding.UTF8.GetBytes).ToList();
        var found = new List<string>();
        KnownCandidates.Visit(
            bytes,
            candidate =>
            {
                foreach (var secret in wanted)
                {
                    if (candidate.SequenceCompareTo(secret) == 0)
                    {
                        return true;
                    }
                }

                return false;
            },
            (_, from, length) => found.Add(Encoding.UTF8.GetString(bytes.AsSpan(from, length)))
        );
        return found;
    }
}
