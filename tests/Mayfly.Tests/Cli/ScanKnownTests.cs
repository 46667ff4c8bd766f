using System.Net;
using System.Text;
using System.Text.Json;
using Mayfly.Tests.Scanner.Sources;

namespace Mayfly.Tests.Cli;

/// <summary><c>mayfly scan -known</c> against a real server.</summary>
[Collection(DevServerTests.Name)]
public sealed class ScanKnownTests : IDisposable
{
    private readonly DevServer _server;
    private readonly CommandLine _mayfly;
    private readonly Git _git = new();

    public ScanKnownTests(DevServer server)
    {
        _server = server;
        _mayfly = server.AsRoot();
    }

    public void Dispose()
    {
        _mayfly.Dispose();
        _git.Dispose();
    }

    [Fact]
    public async Task A_stored_value_is_found_in_folders_histories_and_streams_and_in_what_encodes_it()
    {
        // No rule knows this; and its encodings are as good as it is.
        var (path, secret) = (_server.Name("shop/db"), "zq8-Tm3_vK5xW9pL");
        await PutAsync(path, secret);
        _git.Write("plain.txt", $"the word is {secret}, I think\n");
        _git.Write("encoded.yaml", $"data:\n  word: {Convert.ToBase64String(Encoding.UTF8.GetBytes(secret))}\n");
        _git.Write("clean.txt", "the word is zq8-Tm3_vK5xW9pM, I think\n");
        var commit = _git.Commit("Say it");
        var folder = await ScanAsync("dir", _git.Folder);
        Assert.Equal(1, folder.Code);
        Assert.Contains("plain.txt:1:13  known-secret  REDACTED", folder.Output, StringComparison.Ordinal);
        Assert.Contains("encoded.yaml:2:9  known-secret  REDACTED", folder.Output, StringComparison.Ordinal);
        Assert.Contains(
            $"A secret of the server: secret/data/{path} version 1",
            folder.Output,
            StringComparison.Ordinal
        );
        Assert.Contains("2 leaks found in 3 files", folder.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, folder.Output + folder.Error, StringComparison.Ordinal);

        _git.Run("rm", "-q", "plain.txt", "encoded.yaml");
        _git.Commit("Take it back");
        var history = await ScanAsync("git", _git.Folder);
        Assert.Equal(1, history.Code);
        Assert.Contains($"commit {commit}", history.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await ScanAsync("dir", _git.Folder)).Code);

        var log = $"GET /?word={secret}&x=1 200\n";
        var stream = await _mayfly.RunAsync(["scan", "stdin", "-known"], log);
        Assert.Equal(1, stream.Code);
        Assert.Contains(":1:12  known-secret", stream.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await _mayfly.RunAsync(["scan", "stdin"], log)).Code);

        // A report for programs has it like any finding.
        var report = await _mayfly.RunAsync(["scan", "stdin", "-known", "-f", "json"], log);
        var finding = Assert.Single(JsonElement.Parse(report.Output).EnumerateArray().ToList());
        Assert.Equal(("known-secret", secret), (Text(finding, "RuleID"), Text(finding, "Secret")));
        Assert.Contains(path, Text(finding, "Description"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_rule_finds_too_is_reported_once_as_certain_and_a_comment_counts()
    {
        var path = _server.Name("aws");
        await PutAsync(path, "AKIAQ3EGRZ7VN5KXM2PL");
        _git.Write("a.txt", "id = AKIAQ3EGRZ7VN5KXM2PL\n");
        Assert.Contains(
            "aws-access-key-id",
            (await _mayfly.RunAsync("scan", "dir", _git.Folder)).Output,
            StringComparison.Ordinal
        );
        var scan = await ScanAsync("dir", _git.Folder);
        Assert.Contains("known-secret", scan.Output, StringComparison.Ordinal);
        Assert.Contains("1 leak found", scan.Error, StringComparison.Ordinal);
        _git.Write("a.txt", "id = AKIAQ3EGRZ7VN5KXM2PL # mayfly:allow\n");
        Assert.Equal(0, (await ScanAsync("dir", _git.Folder)).Code);
        Assert.Equal(1, (await ScanAsync("dir", "-ignore-gitleaks-allow", _git.Folder)).Code);
    }

    [Fact]
    public async Task What_a_rule_finds_inside_of_base64_is_reported_once_and_what_stands_beside_it_there_too()
    {
        await PutAsync(_server.Name("aws"), "AKIAQ3EGRZ7VN5KXMQ2L");
        _git.Write(
            "a.yaml",
            $"a: {Convert.ToBase64String("id = AKIAQ3EGRZ7VN5KXMQ2L, other = AKIAW5TNQY3KXB6RZPJH"u8)}\n"
        );
        var scan = await ScanAsync("dir", _git.Folder);
        Assert.Contains("2 leaks found", scan.Error, StringComparison.Ordinal);
        Assert.Contains("known-secret", scan.Output, StringComparison.Ordinal);
        Assert.Contains("aws-access-key-id", scan.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_is_not_reported_once_more_as_a_whole()
    {
        using var rsa = System.Security.Cryptography.RSA.Create(2048);
        var key = rsa.ExportPkcs8PrivateKeyPem();
        (await _mayfly.RunAsync(["kv", "put", "-mount=secret", _server.Name("tls"), "key=-"], key)).Succeeded();
        _git.Write("key.pem", key + "\n");
        Assert.Contains(
            "private-key",
            (await _mayfly.RunAsync("scan", "dir", _git.Folder)).Output,
            StringComparison.Ordinal
        );
        var scan = await ScanAsync("dir", _git.Folder);
        Assert.Contains("known-secret", scan.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("private-key", scan.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_prefix_does_not_tell_the_names_that_a_token_may_not_see()
    {
        var team = _server.Name("team");
        await PutAsync($"{team}/hidden", "hidden-Name-4Gt7Wm2C");
        await PutAsync($"{team}/shown", "shown-Name-8Jd3Xq6V");
        _git.Write("a.txt", "hidden-Name-4Gt7Wm2C\nshown-Name-8Jd3Xq6V\n");
        using var scanner = await AsAsync(
            $$"""
            path "sys/known/*" { capabilities = ["update", "read"] }
            path "secret/metadata/{{team}}/shown" { capabilities = ["read"] }
            path "sys/known/secrets/secret/data/{{team}}/*" { capabilities = ["read"] }
            """
        );
        foreach (var prefix in (string[])["h", "x", ""])
        {
            var scan = await scanner.RunAsync("scan", "dir", $"-known-prefix=secret/data/{team}/{prefix}", _git.Folder);
            Assert.DoesNotContain("a.txt:1", scan.Output, StringComparison.Ordinal);
            Assert.Equal(prefix.Length == 0, scan.Output.Contains("a.txt:2", StringComparison.Ordinal));
            Assert.Contains("names this token may not see", scan.Error, StringComparison.Ordinal);
        }

        Assert.Contains(
            "2 leaks found",
            (await scanner.RunAsync("scan", "dir", "-known", _git.Folder)).Error,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_value_that_is_asked_for_many_times_is_answered_once()
    {
        var path = _server.Name("once");
        await PutAsync(path, "asked-Often-2Kp9Zx5T");
        var (_, session) = await SendAsync("session", $$"""{"prefix":"secret/data/{{path}}"}""");
        var value = session.GetProperty("data").GetProperty("values").GetBytesFromBase64();
        Assert.Equal(16, value.Length);
        var many = Convert.ToBase64String(Enumerable.Repeat(value, 1024).SelectMany(bytes => bytes).ToArray());
        var (_, answer) = await SendAsync("lookup", $$"""{"values":"{{many}}"}""");
        Assert.Equal(1, answer.GetProperty("data").GetProperty("secrets").GetArrayLength());
    }

    [Fact]
    public async Task An_old_version_is_found_as_one_and_what_is_deleted_or_destroyed_is_not()
    {
        var path = _server.Name("rotated");
        await PutAsync(path, "rotated-Out-7Kx2Qm9");
        await PutAsync(path, "current-One-4Vt8Zp3");
        _git.Write("a.txt", "rotated-Out-7Kx2Qm9\n");
        _git.Write("b.txt", "current-One-4Vt8Zp3\n");
        var both = await ScanAsync("dir", _git.Folder);
        Assert.Contains($"secret/data/{path} version 1 (an old one)", both.Output, StringComparison.Ordinal);
        Assert.Contains($"secret/data/{path} version 2\n", both.Output, StringComparison.Ordinal);

        (await _mayfly.RunAsync("kv", "delete", "-versions=1", "secret/" + path)).Succeeded();
        Assert.DoesNotContain("a.txt", (await ScanAsync("dir", _git.Folder)).Output, StringComparison.Ordinal);
        (await _mayfly.RunAsync("write", $"secret/undelete/{path}", "versions=1")).Succeeded();
        Assert.Contains("a.txt", (await ScanAsync("dir", _git.Folder)).Output, StringComparison.Ordinal);
        (await _mayfly.RunAsync("write", $"secret/destroy/{path}", "versions=1,2")).Succeeded();
        Assert.Equal(0, (await ScanAsync("dir", _git.Folder)).Code);
    }

    [Fact]
    public async Task Keys_of_several_lines_and_engines_without_versions_take_part()
    {
        var mount = _server.Name("plain");
        (await _mayfly.RunAsync("secrets", "enable", "-path=" + mount, "kv")).Succeeded();
        using var rsa = System.Security.Cryptography.RSA.Create(2048);
        var key = rsa.ExportPkcs8PrivateKeyPem();
        (await _mayfly.RunAsync(["write", $"{mount}/tls", "key=-"], key)).Succeeded();
        _git.Write("settings.json", JsonSerializer.Serialize(new { key }));
        var scan = await ScanAsync("dir", _git.Folder);
        Assert.Contains($"A secret of the server: {mount}/tls\n", scan.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_finds_what_it_may_know_and_is_told_the_names_that_it_may_see()
    {
        var team = _server.Name("team");
        await PutAsync($"{team}/own", "own-Secret-6Rw2Jk8X");
        await PutAsync($"{team}/known", "known-Alone-3Hd7Ys5B");
        await PutAsync($"{team}/other", "not-Allowed-9Fn4Lc1G");
        _git.Write("a.txt", "own-Secret-6Rw2Jk8X\nknown-Alone-3Hd7Ys5B\nnot-Allowed-9Fn4Lc1G\n");
        using var scanner = await AsAsync(
            $$"""
            path "sys/known/session" { capabilities = ["update"] }
            path "sys/known/evaluate" { capabilities = ["update"] }
            path "sys/known/lookup" { capabilities = ["update"] }
            path "secret/data/{{team}}/own" { capabilities = ["read"] }
            path "sys/known/secrets/secret/data/{{team}}/known" { capabilities = ["read"] }
            """
        );
        var scan = await scanner.RunAsync("scan", "dir", "-known", _git.Folder);
        Assert.Contains("2 leaks found", scan.Error, StringComparison.Ordinal);
        Assert.Contains(
            $"A secret of the server: secret/data/{team}/own version 1",
            scan.Output,
            StringComparison.Ordinal
        );
        Assert.Contains("a.txt:2:1  known-secret", scan.Output, StringComparison.Ordinal);
        Assert.Contains("whose name the token may not see", scan.Output, StringComparison.Ordinal);
        Assert.DoesNotContain($"{team}/known", scan.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("a.txt:3", scan.Output, StringComparison.Ordinal);

        // A part alone, and how much of a secret takes part.
        var part = await _mayfly.RunAsync("scan", "dir", $"-known-prefix=secret/data/{team}/other", _git.Folder);
        Assert.Contains("1 leak found", part.Error, StringComparison.Ordinal);
        var count = await _mayfly.RunAsync("read", "-field=values", $"sys/known/secrets/secret/data/{team}/other");
        Assert.Equal("1", count.Succeeded().Trim());

        using var nobody = await AsAsync($$"""path "secret/data/{{team}}/*" { capabilities = ["read"] }""");
        var refused = await nobody.RunAsync("scan", "dir", "-known", _git.Folder);
        Assert.Equal(2, refused.Code);
        Assert.Contains("permission denied", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_its_server_a_scan_fails_and_says_why()
    {
        _git.Write("a.txt", "nothing\n");
        using var away = new CommandLine("http://127.0.0.1:1", "token");
        var scan = await away.RunAsync("scan", "dir", "-known", _git.Folder);
        Assert.Equal(2, scan.Code);
        Assert.Contains("-known: ", scan.Error, StringComparison.Ordinal);
        Assert.Contains("127.0.0.1:1", scan.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await away.RunAsync("scan", "dir", _git.Folder)).Code);
    }

    [Theory]
    [InlineData("evaluate", """{}""")]
    [InlineData("evaluate", """{"elements":""}""")]
    [InlineData("evaluate", """{"elements":"!!!"}""")]
    [InlineData("evaluate", """{"elements":"AAAA"}""")]
    [InlineData("evaluate", """{"elements":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}""")]
    [InlineData("evaluate", """{"elements":["AAAA"],"more":1}""")]
    [InlineData("lookup", """{"values":"AAAA"}""")]
    [InlineData("lookup", """{"values":17}""")]
    public async Task What_is_no_message_of_the_protocol_is_refused(string path, string body) =>
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(path, body)).Status);

    [Fact]
    public async Task Too_much_at_once_is_refused_and_a_value_that_is_nothing_is_nothing()
    {
        var many = Convert.ToBase64String(new byte[1025 * 33]);
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync("evaluate", $$"""{"elements":"{{many}}"}""")).Status);
        var huge = new string('A', 1_000_000);
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync("lookup", $$"""{"values":"{{huge}}"}""")).Status);
        var (status, answer) = await SendAsync("lookup", $$"""{"values":"{{Convert.ToBase64String(new byte[16])}}"}""");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(0, answer.GetProperty("data").GetProperty("secrets").GetArrayLength());
    }

    [Fact]
    public async Task The_server_and_its_audit_say_nothing_of_secrets_and_of_what_was_scanned()
    {
        var path = _server.Name("quiet");
        await PutAsync(path, "quiet-Secret-5Qz8Bn2");
        var audit = Path.Combine(_mayfly.Home, "audit.log");
        var device = _server.Name("known");
        (await _mayfly.RunAsync("audit", "enable", "-path=" + device, "file", "file_path=" + audit)).Succeeded();
        _git.Write("a.txt", "quiet-Secret-5Qz8Bn2 and some-Candidate-1Xy7Wv4\n");
        Assert.Equal(1, (await ScanAsync("dir", _git.Folder)).Code);
        (await _mayfly.RunAsync("audit", "disable", device)).Succeeded();
        var entries = File.ReadAllText(audit);
        Assert.Contains("sys/known/session", entries, StringComparison.Ordinal);
        Assert.Contains("sys/known/lookup", entries, StringComparison.Ordinal);
        foreach (var text in (string[])["quiet-Secret", "some-Candidate"])
        {
            Assert.DoesNotContain(text, entries + _server.Process.Output, StringComparison.Ordinal);
        }
    }

    private async Task<(HttpStatusCode Status, JsonElement Answer)> SendAsync(string path, string body)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{_server.Process.Address}/v1/sys/known/{path}")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("X-Vault-Token", ServerProcess.DevToken);
        using var reply = await http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return (reply.StatusCode, JsonElement.Parse(text));
    }

    private async Task PutAsync(string path, string secret) =>
        (await _mayfly.RunAsync("kv", "put", "-mount=secret", path, "password=" + secret)).Succeeded();

    private Task<CommandResult> ScanAsync(string verb, params string[] more) =>
        _mayfly.RunAsync(["scan", verb, "-known", .. more]);

    private async Task<CommandLine> AsAsync(string policy)
    {
        var name = _server.Name("known-policy");
        (await _mayfly.RunAsync(["policy", "write", name, "-"], policy)).Succeeded();
        var token = await _mayfly.RunAsync("token", "create", "-policy=" + name, "-field=token");
        return _server.As(token.Succeeded().Trim());
    }

    private static string Text(JsonElement finding, string name) => finding.GetProperty(name).GetString()!;
}
