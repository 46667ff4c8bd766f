using System.Text;
using System.Text.Json;
using Mayfly.Core.Engines;
using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;
using Mayfly.Core.Sys;
using Mayfly.Tests.Engines;

namespace Mayfly.Tests.Policy;

/// <summary><c>sys/policies</c>, <c>sys/policy</c>, <c>sys/capabilities…</c> and the explanation, as a mounted engine.</summary>
public sealed class PolicyPathsTests
{
    private const string Text = "path \"secret/*\" { capabilities = [\"read\", \"list\"] }";

    [Theory]
    [InlineData("policies/acl", "policy")]
    [InlineData("policy", "rules")]
    public async Task A_policy_is_written_read_listed_and_deleted(string path, string field)
    {
        await using var harness = await StartAsync();
        Assert.True((await harness.HandleAsync(Operation.Update, path + "/Dev", Body("policy", Text))).Succeeded);
        var read = await DataAsync(harness, Operation.Read, path + "/DEV");
        Assert.Equal("dev", read.GetProperty("name").GetString());
        Assert.Equal(Text, read.GetProperty(field).GetString());
        foreach (var operation in (Operation[])[Operation.List, Operation.Read])
        {
            var list = await DataAsync(harness, operation, path);
            Assert.Equal("[\"default\",\"dev\",\"root\"]", list.GetProperty("keys").GetRawText());
            Assert.Equal("[\"default\",\"dev\",\"root\"]", list.GetProperty("policies").GetRawText());
        }

        Assert.True((await harness.HandleAsync(Operation.Delete, path + "/dev")).Succeeded);
        Assert.Equal(FaultKind.NotFound, (await harness.HandleAsync(Operation.Read, path + "/dev")).Fault?.Kind);
        Assert.True((await harness.HandleAsync(Operation.Delete, path + "/dev")).Succeeded);
    }

    [Fact]
    public async Task Older_rules_and_base64_are_accepted()
    {
        await using var harness = await StartAsync();
        Assert.True((await harness.HandleAsync(Operation.Update, "policy/a", Body("rules", Text))).Succeeded);
        var encoded = Convert.ToBase64String(Encoding.UTF8.GetBytes(Text));
        Assert.True(
            (await harness.HandleAsync(Operation.Update, "policies/acl/a/b", Body("policy", encoded))).Succeeded
        );
        Assert.Equal(Text, (await DataAsync(harness, Operation.Read, "policy/a")).GetProperty("rules").GetString());
        Assert.Equal(Text, (await DataAsync(harness, Operation.Read, "policy/a/b")).GetProperty("rules").GetString());
    }

    [Theory]
    [InlineData("{}", "'policy' parameter not supplied or empty")]
    [InlineData("""{"policy": ""}""", "'policy' parameter not supplied or empty")]
    [InlineData("""{"policy": []}""", "field policy: expected a string")]
    [InlineData("""{"policy": "path \"a\" {\n capabilities = read }"}""", "failed to parse policy: line 2, column 17")]
    [InlineData("""{"policy": "\u0000"}""", "failed to parse policy: line 1, column 1: control character U+0000")]
    [InlineData("""{"policy": "AAAA"}""", "failed to parse policy: line 1, column 1: control character")]
    [InlineData("""{"policy": "/v8="}""", "failed to parse policy: line 1, column 1: unexpected character '/'")]
    public async Task Bad_policies_are_refused_with_a_reason(string body, string expected)
    {
        await using var harness = await StartAsync();
        var fault = (await harness.HandleAsync(Operation.Update, "policies/acl/a", body)).Fault;
        Assert.Equal(FaultKind.Invalid, fault?.Kind);
        Assert.StartsWith(expected, fault!.Messages[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deep_and_long_policies_are_refused()
    {
        await using var harness = await StartAsync();
        foreach (
            var policy in (string[])
                [
                    string.Concat(Enumerable.Repeat("path \"a\" {", 10_000)),
                    "path \"a\" { allowed_parameters = { x = " + new string('[', 10_000),
                    new string('#', 2 << 20),
                ]
        )
        {
            var fault = (await harness.HandleAsync(Operation.Update, "policies/acl/a", Body("policy", policy))).Fault;
            Assert.Equal(FaultKind.Invalid, fault?.Kind);
            Assert.True(fault!.Messages[0].Length < 300);
        }
    }

    [Fact]
    public async Task Capabilities_are_answered_per_path_for_self_a_token_and_an_accessor()
    {
        await using var harness = await StartAsync();
        harness.Caller = Caller("mine", Text + " path \"sys/*\" { capabilities = [\"update\"] }");
        const string Paths = "\"paths\": [\"secret/a\", \"other\"]";
        var self = await DataAsync(harness, Operation.Update, "capabilities-self", "{" + Paths + ", \"token\": \"t\"}");
        Assert.Equal("{\"secret/a\":[\"list\",\"read\"],\"other\":[\"deny\"]}", self.GetRawText());
        var token = await DataAsync(harness, Operation.Update, "capabilities", "{" + Paths + ", \"token\": \"known\"}");
        Assert.Equal("{\"secret/a\":[\"root\"],\"other\":[\"root\"]}", token.GetRawText());
        var accessor = await DataAsync(
            harness,
            Operation.Update,
            "capabilities-accessor",
            """{"path": "secret/a", "accessor": "other-accessor"}"""
        );
        Assert.Equal("{\"secret/a\":[\"deny\"],\"capabilities\":[\"deny\"]}", accessor.GetRawText());

        await FailsAsync(harness, "capabilities", "{" + Paths + ", \"token\": \"unknown\"}", "invalid token");
        await FailsAsync(harness, "capabilities", "{" + Paths + "}", "missing token");
        await FailsAsync(harness, "capabilities-accessor", "{" + Paths + "}", "missing accessor");
        await FailsAsync(harness, "capabilities-accessor", "{" + Paths + ", \"accessor\": \"x\"}", "invalid accessor");
        await FailsAsync(harness, "capabilities-self", "{}", "paths must be supplied");
        await FailsAsync(
            harness,
            "capabilities-self",
            """{"paths": [{}]}""",
            "field paths: expected a list of strings"
        );
    }

    [Fact]
    public async Task A_caller_may_have_itself_explained_and_others_only_with_sudo()
    {
        await using var harness = await StartAsync();
        harness.Caller = Caller("mine", Text + " path \"sys/internal/*\" { capabilities = [\"update\"] }");
        const string Path = "internal/policy-explain";
        var answer = await DataAsync(harness, Operation.Update, Path, """{"path": "/secret/a", "operation": "list"}""");
        Assert.True(answer.GetProperty("allowed").GetBoolean());
        Assert.Equal("granted", answer.GetProperty("reason").GetString());
        Assert.Equal("secret/a/", answer.GetProperty("path").GetString());
        Assert.Equal("secret/*", answer.GetProperty("deciding").GetProperty("path").GetString());
        var rule = answer.GetProperty("deciding").GetProperty("rules")[0];
        Assert.Equal("mine", rule.GetProperty("policy").GetString());
        Assert.Equal(1, rule.GetProperty("line").GetInt32());
        Assert.Contains("is allowed", answer.GetProperty("explanation")[0].GetString(), StringComparison.Ordinal);

        const string Other = """{"path": "secret/a", "operation": "read", "accessor": "other-accessor"}""";
        Assert.Equal(FaultKind.Denied, (await harness.HandleAsync(Operation.Update, Path, Other)).Fault?.Kind);
        harness.Caller = Caller("mine", "path \"sys/internal/*\" { capabilities = [\"update\", \"sudo\"] }");
        answer = await DataAsync(harness, Operation.Update, Path, Other);
        Assert.False(answer.GetProperty("allowed").GetBoolean());
        Assert.Equal("no_rule", answer.GetProperty("reason").GetString());
        Assert.Equal(JsonValueKind.Null, answer.GetProperty("deciding").ValueKind);

        const string Held = """{"path": "secret/a", "operation": "delete", "token": "known"}""";
        Assert.Equal(
            "root",
            (await DataAsync(harness, Operation.Update, Path, Held)).GetProperty("reason").GetString()
        );
        await FailsAsync(harness, Path, """{"path": "a", "operation": "read", "token": "x"}""", "invalid token");
        await FailsAsync(harness, Path, """{"path": "a", "operation": "eat"}""", "field operation: expected read");
        await FailsAsync(harness, Path, """{"path": "/", "operation": "read"}""", "field path: expected a path");
        await FailsAsync(harness, Path, """{"operation": "read"}""", "missing path");
    }

    [Fact]
    public async Task The_resultant_acl_shows_what_is_allowed()
    {
        await using var harness = await StartAsync();
        harness.Caller = Caller(
            "mine",
            Text + " path \"a\" { policy = \"deny\" } path \"+/b*\" {} path \"sys/internal/*\" { policy = \"read\" }"
        );
        var data = await DataAsync(harness, Operation.Read, "internal/ui/resultant-acl");
        Assert.False(data.GetProperty("root").GetBoolean());
        Assert.Equal("{\"a\":{\"capabilities\":[\"deny\"]}}", data.GetProperty("exact_paths").GetRawText());
        Assert.True(data.GetProperty("glob_paths").TryGetProperty("secret/", out _));
        Assert.True(data.GetProperty("glob_paths").TryGetProperty("+/b*", out _));
    }

    private static Task<EngineHarness> StartAsync() =>
        EngineHarness.StartAsync(new EngineType("sys", EngineKind.Secrets, "", context => new SysEngine(context)));

    private static string Body(string field, string text) =>
        JsonSerializer.Serialize(new Dictionary<string, string> { [field] = text });

    private static async Task<JsonElement> DataAsync(
        EngineHarness harness,
        Operation operation,
        string path,
        string? body = null
    )
    {
        var outcome = await harness.HandleAsync(operation, path, body);
        Assert.True(outcome.Succeeded, outcome.Fault?.ToString());
        using var response = outcome.Response!;
        return JsonDocument.Parse(response.Data.ToArray()).RootElement;
    }

    private static async Task FailsAsync(EngineHarness harness, string path, string body, string message)
    {
        var fault = (await harness.HandleAsync(Operation.Update, path, body)).Fault;
        Assert.Equal(FaultKind.Invalid, fault?.Kind);
        Assert.StartsWith(message, fault!.Messages[0], StringComparison.Ordinal);
    }

    private static Caller Caller(string policy, string text) =>
        new(
            new TokenEntry
            {
                Accessor = policy + "-accessor",
                Type = TokenType.Service,
                Policies = [policy],
                Path = "auth/token/create",
                CreatedAt = DateTimeOffset.UnixEpoch,
            },
            Acl.Compile([PolicyDocument.Parse(policy, text).Policy!])
        );

    private sealed class SysEngine : Engine
    {
        public SysEngine(MountContext context)
        {
            var capabilities = new CapabilitiesPaths(
                (token, _) => new(token == "known" ? Caller("root", "") with { Acl = Acl.Root } : null),
                (accessor, _) => new(accessor == "other-accessor" ? Caller("other", "") : null)
            );
            Paths = new PathTable([
                .. new PolicyPaths(new PolicyStore(context.View), context.Events).Entries,
                .. capabilities.Entries,
            ]);
        }

        public override PathTable Paths { get; }
    }
}
