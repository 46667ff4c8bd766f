using System.Buffers.Text;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Honeytokens;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Tests.Scanner.Honeytokens;

public sealed class DecoyTests
{
    private static readonly SecretScanner Scanner = new(DefaultRules.Set);
    private readonly ManualTime _time = new();

    public static TheoryData<string> Kinds => [.. DecoyMaker.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_decoy_looks_real_enough_for_the_scanners_own_rules(string kind)
    {
        for (var i = 0; i < 50; i++)
        {
            Assert.NotEmpty(Found(new DecoyMaker(_time).Make(kind).Text));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Everything_that_is_found_in_a_decoy_is_known_for_one(string kind)
    {
        var file = HoneytokenFile.New();
        for (var i = 0; i < 20; i++)
        {
            var decoy = new DecoyMaker(_time).Make(kind);
            (file, var record) = file.With(decoy, "note", _time.GetUtcNow());
            foreach (
                var text in new[]
                {
                    decoy.Text,
                    decoy.Text.Replace("\n", "\r\n", StringComparison.Ordinal),
                    $"value = '{decoy.Text.TrimEnd()}';",
                    // As a program writes it into one line.
                    decoy.Text.Replace("\n", "\\n", StringComparison.Ordinal),
                    // For which there are rules of their own.
                    $"data: {Convert.ToBase64String(Encoding.UTF8.GetBytes(decoy.Text))}\n",
                }
            )
            {
                Assert.All(Found(text), finding => Assert.Equal(record.Id, file.Find(finding)?.Id));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Another_of_the_same_kind_is_no_decoy(string kind)
    {
        var maker = new DecoyMaker(_time);
        var file = HoneytokenFile.New();
        for (var i = 0; i < 20; i++)
        {
            (file, _) = file.With(maker.Make(kind, "same.example"), "", _time.GetUtcNow());
        }

        // As a real one, which nobody has laid out.
        Assert.All(Found(maker.Make(kind, "same.example").Text), finding => Assert.Null(file.Find(finding)));
    }

    [Fact]
    public void A_token_says_what_tokens_say()
    {
        var parts = new DecoyMaker(_time).Make("jwt").Text.Trim().Split('.');
        Assert.Equal(3, parts.Length);
        var body = JsonElement.Parse(Base64Url.DecodeFromChars(parts[1]));
        Assert.Equal(_time.GetUtcNow().ToUnixTimeSeconds(), body.GetProperty("iat").GetInt64());
        Assert.True(body.GetProperty("exp").GetInt64() > body.GetProperty("iat").GetInt64());
        Assert.Equal(32, Base64Url.DecodeFromChars(parts[2]).Length);
    }

    [Fact]
    public void The_address_of_a_database_names_the_host_that_was_given()
    {
        var address = new Uri(new DecoyMaker(_time).Make("database", "db.trap.example").Text.Trim());
        Assert.Equal("postgresql", address.Scheme);
        Assert.Equal("db.trap.example", address.Host);
        Assert.Contains(':', address.UserInfo);
    }

    [Fact]
    public async Task Ssh_reads_the_key()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("id_ecdsa");
        for (var i = 0; i < 5; i++)
        {
            await File.WriteAllTextAsync(
                path,
                new DecoyMaker(_time).Make("ssh").Text,
                TestContext.Current.CancellationToken
            );
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            var start = new ProcessStartInfo("ssh-keygen", ["-y", "-P", "", "-f", path])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var keygen = Process.Start(start)!;
            var output = await keygen.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var error = await keygen.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await keygen.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(keygen.ExitCode == 0, error);
            Assert.StartsWith("ecdsa-sha2-nistp256 AAAA", output, StringComparison.Ordinal);
            Assert.Contains("deploy@build-prod-", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_file_is_read_as_it_was_written_and_does_not_hold_the_decoy()
    {
        var decoy = new DecoyMaker(_time).Make("env");
        var (file, record) = HoneytokenFile.New().With(decoy, "a \"note\"", _time.GetUtcNow());
        var written = file.Write();
        var text = Encoding.UTF8.GetString(written.Span);
        Assert.All(decoy.Values, value => Assert.DoesNotContain(value, text, StringComparison.Ordinal));
        var (read, problem) = HoneytokenFile.Read(written.Span);
        Assert.Null(problem);
        Assert.Equal(record with { Fingerprints = [] }, Assert.Single(read!.Records) with { Fingerprints = [] });
        Assert.All(Found(decoy.Text), finding => Assert.NotNull(read.Find(finding)));
        Assert.Equal(written.ToArray(), read.Write().ToArray());
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"version":2}""")]
    [InlineData("""{"version":1,"key":"x","honeytokens":[]}""")]
    [InlineData("""{"version":1,"key":"AAAA","honeytokens":[]}""")]
    [InlineData("""{"version":1,"key":"AAAA","honeytokens":[{"id":1}]}""")]
    public void What_is_no_such_file_is_refused(string json)
    {
        var (file, problem) = HoneytokenFile.Read(Encoding.UTF8.GetBytes(json));
        Assert.Null(file);
        Assert.NotNull(problem);
    }

    private static IReadOnlyList<Finding> Found(string text) =>
        Scanner.Scan(new Fragment(Encoding.UTF8.GetBytes(text), "place.txt"));
}
