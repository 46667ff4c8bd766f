using System.Text.Json;
using Mayfly.Core.Audit;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;

namespace Mayfly.Tests.Audit;

public sealed class EntryShapeTests
{
    [Fact]
    public async Task Entries_have_the_shape_that_collectors_know()
    {
        await using var audit = await AuditHarness.StartAsync();
        await audit.EnableFileAsync();
        Assert.Null(
            await audit.WriteAsync("""{"data":{"password":"CANARYvalue","n":7,"on":true},"comment":"plain"}""")
        );

        var request = audit.Entries()[^2];
        Assert.Equal("request", request.GetProperty("type").GetString());
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$", request.GetProperty("time").GetString());
        var auth = request.GetProperty("auth");
        Assert.StartsWith("hmac-sha256:", auth.GetProperty("client_token").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("hmac-sha256:", auth.GetProperty("accessor").GetString(), StringComparison.Ordinal);
        Assert.Equal("userpass-alice", auth.GetProperty("display_name").GetString());
        Assert.Equal("reader", auth.GetProperty("policies")[1].GetString());
        Assert.Equal("alice", auth.GetProperty("metadata").GetProperty("username").GetString());
        Assert.Equal(3600, auth.GetProperty("token_ttl").GetInt64());
        Assert.True(auth.GetProperty("policy_results").GetProperty("allowed").GetBoolean());
        var body = request.GetProperty("request");
        Assert.Equal("update", body.GetProperty("operation").GetString());
        Assert.Equal("secret/data/app", body.GetProperty("path").GetString());
        Assert.Equal("secret/", body.GetProperty("mount_point").GetString());
        Assert.Equal("kv", body.GetProperty("mount_type").GetString());
        Assert.Equal("127.0.0.1", body.GetProperty("remote_address").GetString());
        Assert.Equal(4711, body.GetProperty("remote_port").GetInt32());
        Assert.Equal("root", body.GetProperty("namespace").GetProperty("id").GetString());
        Assert.Equal(auth.GetProperty("client_token").GetString(), body.GetProperty("client_token").GetString());
        var data = body.GetProperty("data");
        Assert.StartsWith(
            "hmac-sha256:",
            data.GetProperty("data").GetProperty("password").GetString(),
            StringComparison.Ordinal
        );
        Assert.Equal(7, data.GetProperty("data").GetProperty("n").GetInt32());
        Assert.True(data.GetProperty("data").GetProperty("on").GetBoolean());
        Assert.Equal("plain", data.GetProperty("comment").GetString());

        var response = audit.Entries()[^1];
        Assert.Equal("response", response.GetProperty("type").GetString());
        Assert.Equal(body.GetRawText(), response.GetProperty("request").GetRawText());
        Assert.Equal("kv", response.GetProperty("response").GetProperty("mount_type").GetString());
        Assert.DoesNotContain(
            "CANARY",
            await File.ReadAllTextAsync(audit.LogPath, TestContext.Current.CancellationToken)
        );
    }

    [Fact]
    public async Task A_large_body_without_a_valid_token_is_left_out()
    {
        await using var audit = await AuditHarness.StartAsync();
        await audit.EnableFileAsync();
        var many = $"[{string.Join(',', Enumerable.Repeat("\"a\"", 60_000))}]";
        await RefuseAsync(audit, $$"""{"pgp_keys":{{many}}}""");
        await RefuseAsync(audit, """{"password":"CANARYpassword"}""");

        var large = audit.Entries()[1].GetProperty("request").GetProperty("data");
        Assert.Equal(
            "240014 bytes and 0 parameters, sent without a valid token",
            large.GetProperty("left_out").GetString()
        );
        var small = audit.Entries()[3].GetProperty("request").GetProperty("data");
        Assert.StartsWith("hmac-sha256:", small.GetProperty("password").GetString(), StringComparison.Ordinal);
        Assert.InRange(new FileInfo(audit.LogPath).Length, 1, 8_000);
    }

    private static async Task RefuseAsync(AuditHarness audit, string body)
    {
        using var request = AuditHarness.NewRequest(Operation.Update, "sys/rekey/init", body, token: "wrong");
        var ticket = audit.Broker.Begin(new AuditSubject(request, AuditHarness.Mount), "permission denied");
        Assert.Null(await ticket.RecordResponseAsync(Fault.Denied()));
    }

    [Fact]
    public async Task A_denied_request_is_recorded_with_its_error()
    {
        await using var audit = await AuditHarness.StartAsync();
        await audit.EnableFileAsync();
        using var request = AuditHarness.NewRequest(Operation.Delete, "secret/data/app");
        var ticket = audit.Broker.Begin(
            new AuditSubject(request, AuditHarness.Mount, audit.Caller, AclDecision.Denied),
            Fault.PermissionDenied
        );
        Assert.Null(await ticket.RecordResponseAsync(Fault.Denied()));

        var entries = audit.Entries();
        Assert.Equal("permission denied", entries[^2].GetProperty("error").GetString());
        Assert.Equal("permission denied", entries[^1].GetProperty("error").GetString());
        Assert.False(entries[^1].GetProperty("auth").GetProperty("policy_results").GetProperty("allowed").GetBoolean());
    }
}
