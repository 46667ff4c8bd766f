using System.Net;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Pipeline;

public sealed class PipelineTests
{
    [Fact]
    public async Task Without_a_token_nothing_is_told()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "secret/data/x", token: "");
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "no/such/mount", token: "");
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "sys/mounts", token: "");
    }

    [Fact]
    public async Task A_token_without_the_right_policy_is_denied_whether_the_path_exists_or_not()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await vault.TokenWithPolicyAsync("narrow", """path "kv/a" { capabilities = ["read"] }""");
        await vault.DataAsync(Operation.Update, "sys/mounts/kv", """{"type":"kv"}""");
        await vault.FaultAsync(FaultKind.Denied, Operation.Read, "kv/b", token: token);
        await vault.FaultAsync(FaultKind.Denied, Operation.Read, "nowhere/b", token: token);
        await vault.FaultAsync(FaultKind.NotFound, Operation.Read, "kv/a", token: token);
    }

    [Fact]
    public async Task Creating_and_updating_are_different_capabilities()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/mounts/kv", """{"type":"kv"}""");
        var creator = await vault.TokenWithPolicyAsync("creator", """path "kv/*" { capabilities = ["create"] }""");
        await vault.DataAsync(Operation.Update, "kv/a", """{"v":"1"}""", creator);
        await vault.FaultAsync(FaultKind.Denied, Operation.Update, "kv/a", """{"v":"2"}""", creator);
        var updater = await vault.TokenWithPolicyAsync("updater", """path "kv/*" { capabilities = ["update"] }""");
        await vault.DataAsync(Operation.Update, "kv/a", """{"v":"3"}""", updater);
        await vault.FaultAsync(FaultKind.Denied, Operation.Update, "kv/b", """{"v":"2"}""", updater);
    }

    [Fact]
    public async Task Root_protected_paths_need_sudo()
    {
        await using var vault = await TestVault.StartAsync();
        var without = await vault.TokenWithPolicyAsync(
            "u",
            """path "sys/auth/*" { capabilities = ["create", "update"] }"""
        );
        await vault.FaultAsync(
            FaultKind.Denied,
            Operation.Update,
            "sys/auth/userpass",
            """{"type":"userpass"}""",
            without
        );
        var with = await vault.TokenWithPolicyAsync(
            "s",
            """path "sys/auth/*" { capabilities = ["create", "update", "sudo"] }"""
        );
        await vault.DataAsync(Operation.Update, "sys/auth/userpass", """{"type":"userpass"}""", with);
    }

    [Fact]
    public async Task Unknown_and_mistyped_fields_are_refused_by_name()
    {
        await using var vault = await TestVault.StartAsync();
        var unknown = await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "auth/token/create",
            """{"tttl":"1h"}"""
        );
        Assert.Contains("tttl", unknown, StringComparison.Ordinal);
        var wrong = await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "auth/token/create",
            """{"ttl":"-1h"}"""
        );
        Assert.Contains("ttl", wrong, StringComparison.Ordinal);
        await vault.FaultAsync(FaultKind.Invalid, Operation.Update, "auth/token/create", """{"policies":{"a":1}}""");
        await vault.FaultAsync(FaultKind.Invalid, Operation.Update, "auth/token/create", """{"num_uses":"many"}""");
        await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "auth/token/create",
            """{"ttl":99999999999999999999}"""
        );
    }

    [Fact]
    public async Task Members_that_are_null_or_repeat_the_path_are_passed_over()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(
            Operation.Update,
            "sys/mounts/team/kv",
            """{"type":"kv","mount_point":"team/kv","external":null}"""
        );
        await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "sys/mounts/other",
            """{"type":"kv","mount_point":"team"}"""
        );
    }

    [Fact]
    public async Task Guessing_at_an_open_path_is_slowed_down_and_forgiven_with_time()
    {
        await using var vault = await TestVault.StartAsync();
        var guesser = IPAddress.Parse("203.0.113.9");
        for (var i = 0; i < FailureLimit.Burst; i++)
        {
            await vault.FaultAsync(
                FaultKind.Invalid,
                Operation.Update,
                "sys/wrapping/unwrap",
                """{"token":"x"}""",
                "",
                guesser
            );
        }

        await vault.FaultAsync(
            FaultKind.Throttled,
            Operation.Update,
            "sys/wrapping/unwrap",
            """{"token":"x"}""",
            "",
            guesser
        );
        // Neither who has a token, nor who asks how the server is, is held up by them.
        Assert.True((await vault.HandleAsync(Operation.Read, "sys/internal/ui/mounts", remote: guesser)).Succeeded);
        Assert.True((await vault.HandleAsync(Operation.Read, "sys/seal-status", token: "", remote: guesser)).Succeeded);
        await vault.FaultAsync(FaultKind.Invalid, Operation.Update, "sys/wrapping/unwrap", """{"token":"x"}""", "");
        vault.Time.Advance(TimeSpan.FromSeconds(2));
        await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "sys/wrapping/unwrap",
            """{"token":"x"}""",
            "",
            guesser
        );
    }

    [Fact]
    public async Task Every_path_of_the_server_has_help()
    {
        await using var vault = await TestVault.StartAsync();
        var outcome = await vault.HandleAsync(Operation.Help, "sys/mounts");
        Assert.Contains(
            "Lists",
            System.Text.Encoding.UTF8.GetString(outcome.Response!.Data.Span),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("secret")]
    [InlineData("secret/")]
    public async Task Help_of_a_mount_names_its_paths(string path)
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(
            Operation.Update,
            "sys/mounts/secret",
            """{"type":"kv-v2","description":"For the shop."}"""
        );

        var outcome = await vault.HandleAsync(Operation.Help, path);

        var help = System.Text.Encoding.UTF8.GetString(outcome.Response!.Data.Span);
        Assert.Contains("For the shop.", help, StringComparison.Ordinal);
        Assert.Contains("metadata/{path*}", help, StringComparison.Ordinal);
        Assert.Contains("Reads a secret", help, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_is_on_record()
    {
        await using var vault = await TestVault.StartAsync();
        var file = Path.GetTempFileName();
        try
        {
            await vault.DataAsync(
                Operation.Update,
                "sys/audit/file",
                $$$"""{"type":"file","options":{"file_path":"{{{file}}}"}}"""
            );
            Assert.True((await vault.HandleAsync(Operation.Help, "sys/mounts")).Succeeded);

            var lines = await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken);
            Assert.Equal(2, lines.Count(line => line.Contains("\"operation\":\"help\"", StringComparison.Ordinal)));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task What_accompanies_a_failure_names_the_type_of_its_mount()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/mounts/secret", """{"type":"kv-v2"}""");
        await vault.DataAsync(Operation.Update, "secret/data/app", """{"data":{"a":1}}""");
        await vault.HandleAsync(Operation.Delete, "secret/data/app");

        var outcome = await vault.HandleAsync(Operation.Read, "secret/data/app");

        Assert.Equal("kv", outcome.Fault!.Body!.MountType);
    }

    [Fact]
    public async Task The_openapi_description_knows_every_mount()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/mounts/kv", """{"type":"kv-v2"}""");
        var data = await vault.DataAsync(Operation.Read, "sys/internal/specs/openapi", token: "");
        var paths = data.GetProperty("paths");
        Assert.True(paths.TryGetProperty("/kv/data/{path}", out _));
        Assert.True(paths.TryGetProperty("/sys/mounts/{path}/tune", out _));
        Assert.True(
            paths.TryGetProperty("/auth/token/lookup-self", out var lookup) && lookup.TryGetProperty("get", out _)
        );
        var remount = paths.GetProperty("/sys/remount").GetProperty("post").GetProperty("requestBody");
        var schema = remount.GetProperty("content").GetProperty("application/json").GetProperty("schema");
        Assert.Equal("""["from","to"]""", schema.GetProperty("required").GetRawText());
    }
}
