using System.Text;
using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Sys;
using Mayfly.Crypto;
using Mayfly.Crypto.Audit;

namespace Mayfly.Tests.Audit;

public sealed class AuditPathsTests
{
    [Fact]
    public async Task A_device_is_enabled_listed_and_disabled()
    {
        await using var audit = await AuditHarness.StartAsync();
        var body = $$$"""{"type":"file","description":"main","options":{"file_path":"{{{audit.LogPath}}}"}}""";
        Assert.True((await CallAsync(audit, Operation.Update, "audit/file", body)).Succeeded);
        var list = Data(await CallAsync(audit, Operation.Read, "audit"));
        var device = list.GetProperty("file/");
        Assert.Equal("file", device.GetProperty("type").GetString());
        Assert.Equal("main", device.GetProperty("description").GetString());
        Assert.Equal(audit.LogPath, device.GetProperty("options").GetProperty("file_path").GetString());
        Assert.False(device.GetProperty("local").GetBoolean());
        Assert.True(device.GetProperty("status").GetProperty("works").GetBoolean());

        await audit.RestartAsync();
        Assert.True(audit.Broker.Enabled);
        var again = await CallAsync(audit, Operation.Update, "audit/file", body);
        Assert.Equal(FaultKind.Invalid, again.Fault!.Kind);
        Assert.True((await CallAsync(audit, Operation.Delete, "audit/file")).Succeeded);
        Assert.False(audit.Broker.Enabled);
        await audit.RestartAsync();
        Assert.False(audit.Broker.Enabled);
    }

    [Fact]
    public async Task A_request_that_disables_the_only_device_succeeds()
    {
        await using var vault = await TestVault.StartAsync();
        var folder = Directory.CreateTempSubdirectory("mayfly-audit-").FullName;
        try
        {
            var path = Path.Combine(folder, "audit.log");
            var body = $$$"""{"type":"file","options":{"file_path":"{{{path}}}"}}""";
            await vault.DataAsync(Operation.Update, "sys/audit/file", body);
            await vault.DataAsync(Operation.Delete, "sys/audit/file");
            await vault.DataAsync(Operation.Read, "sys/mounts");
            Assert.Contains(
                "\"operation\":\"delete\"",
                await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken)
            );
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("""{"type":"tape"}""")]
    [InlineData("""{"type":"file"}""")]
    [InlineData("""{"type":"file","options":{"file_path":"relative.log"}}""")]
    [InlineData("""{"type":"file","options":{"file_path":"discard"}}""")]
    [InlineData("""{"type":"file","options":{"file_path":"/no/such/folder/audit.log"}}""")]
    [InlineData("""{"type":"file","options":{"file_path":"/tmp/x","mode":"9z"}}""")]
    [InlineData("""{"type":"file","options":{"file_path":"/tmp/x","typo":"1"}}""")]
    [InlineData("""{"type":"socket","options":{"address":"127.0.0.1"}}""")]
    [InlineData("""{"type":"syslog","options":{"facility":"NOBODY"}}""")]
    [InlineData("{}")]
    public async Task Options_that_cannot_work_are_refused(string body)
    {
        await using var audit = await AuditHarness.StartAsync();
        Assert.Equal(FaultKind.Invalid, (await CallAsync(audit, Operation.Update, "audit/x", body)).Fault!.Kind);
        Assert.False(audit.Broker.Enabled);
    }

    [Fact]
    public async Task The_hash_of_a_string_is_the_one_that_entries_show()
    {
        await using var audit = await AuditHarness.StartAsync();
        await audit.EnableFileAsync();
        Assert.Null(await audit.ReadAsync());
        var body = $$"""{"input":"{{AuditHarness.Token}}"}""";
        var hash = Data(await CallAsync(audit, Operation.Update, "audit-hash/file", body)).GetProperty("hash");
        var shown = audit.Entries()[^1].GetProperty("auth").GetProperty("client_token");
        Assert.Equal(hash.GetString(), shown.GetString());
        Assert.False((await CallAsync(audit, Operation.Update, "audit-hash/other", body)).Succeeded);
    }

    [Fact]
    public async Task The_head_and_the_public_key_verify_the_log()
    {
        await using var audit = await AuditHarness.StartAsync();
        await audit.EnableFileAsync();
        Assert.Null(await audit.ReadAsync());
        var head = Data(await CallAsync(audit, Operation.Read, "audit-head/file"));
        var key = Data(await CallAsync(audit, Operation.Read, "audit-public-key"));
        using var pem = System.Security.Cryptography.ECDsa.Create();
        pem.ImportFromPem(key.GetProperty("public_key").GetString());
        var options = new AuditVerifyOptions
        {
            PublicKey = pem.ExportSubjectPublicKeyInfo(),
            Head = new AuditLink(head.GetProperty("seq").GetInt64(), head.GetProperty("hash").GetString()!),
        };
        var report = await AuditVerifier.VerifyFileAsync(audit.LogPath, options, TestContext.Current.CancellationToken);
        Assert.True(report.Intact, string.Join('\n', report.Findings));
        Assert.Equal(0, report.Unsigned);
        Assert.Equal(key.GetProperty("key_id").GetString(), report.KeyId);
    }

    [Fact]
    public async Task Recorded_headers_are_shown_hashed_or_plain()
    {
        await using var audit = await AuditHarness.StartAsync();
        await audit.EnableFileAsync();
        const string Path = "config/auditing/request-headers";
        Assert.True((await CallAsync(audit, Operation.Update, Path + "/X-Trace", "{}")).Succeeded);
        Assert.True((await CallAsync(audit, Operation.Update, Path + "/X-User", """{"hmac":true}""")).Succeeded);
        await audit.RestartAsync();
        var all = Data(await CallAsync(audit, Operation.Read, Path)).GetProperty("headers");
        Assert.True(all.GetProperty("x-user").GetProperty("hmac").GetBoolean());

        using var request = new Request
        {
            Id = "id",
            Operation = Operation.Read,
            Path = "secret/a",
            Headers = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["x-trace"] = "abc",
                ["x-user"] = "CANARY",
                ["x-other"] = "CANARY",
            },
        };
        Assert.Null(await audit.Broker.Begin(new(request)).RecordResponseAsync(Outcome.Done));
        var headers = audit.Entries()[^1].GetProperty("request").GetProperty("headers");
        Assert.Equal("abc", headers.GetProperty("x-trace")[0].GetString());
        Assert.StartsWith("hmac-sha256:", headers.GetProperty("x-user")[0].GetString(), StringComparison.Ordinal);
        Assert.False(headers.TryGetProperty("x-other", out _));

        Assert.True((await CallAsync(audit, Operation.Delete, Path + "/X-User")).Succeeded);
        Assert.False((await CallAsync(audit, Operation.Read, Path + "/x-user")).Succeeded);
    }

    private static JsonElement Data(Outcome outcome)
    {
        Assert.Null(outcome.Fault);
        using var response = outcome.Response!;
        return JsonDocument.Parse(response.Data.ToArray()).RootElement;
    }

    private static async Task<Outcome> CallAsync(
        AuditHarness audit,
        Operation operation,
        string path,
        string? body = null
    )
    {
        using var request = new Request
        {
            Id = "id",
            Operation = operation,
            Path = "sys/" + path,
            Body = body is null ? SecretBytes.Empty : SecretBytes.CopyOf(Encoding.UTF8.GetBytes(body)),
        };
        var match = new PathTable(new AuditPaths(audit.Broker).Entries).Match(path)!;
        var (fields, fault) = FieldValues.Bind(match, request, UnknownFields.Refuse, []);
        if (fault is not null)
        {
            return fault;
        }

        using (fields)
        {
            var authorized = AuthorizedRequest.Check(request, match, fields!, path, audit.Caller, out _);
            return await match.Entry.For(operation)!(authorized!, TestContext.Current.CancellationToken);
        }
    }
}
