using System.Net;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Quotas;

/// <summary><c>sys/quotas/rate-limit</c> and <c>sys/quotas/config</c> through the whole pipeline.</summary>
public sealed class RateLimitTests
{
    private static readonly IPAddress Noisy = IPAddress.Parse("192.0.2.66");

    [Fact]
    public async Task A_quota_is_written_read_listed_and_deleted()
    {
        await using var vault = await TestVault.StartAsync();
        await MountAsync(vault);
        await vault.FaultAsync(FaultKind.NotFound, Operation.List, "sys/quotas/rate-limit/");
        await WriteAsync(vault, "a", """{"rate":100,"interval":"2m","block_interval":"10s","path":"kv/data/x*"}""");
        await WriteAsync(vault, "b", """{"rate":"12.5"}""");

        var a = await vault.DataAsync(Operation.Read, "sys/quotas/rate-limit/a");
        Assert.Equal(
            """{"type":"rate-limit","name":"a","path":"kv/data/x*","role":"","inheritable":false,"rate":100,"interval":120,"block_interval":10,"group_by":"ip"}""",
            a.GetRawText()
        );
        var b = await vault.DataAsync(Operation.Read, "sys/quotas/rate-limit/b");
        Assert.Equal(12.5, b.GetProperty("rate").GetDouble());
        Assert.Equal(1, b.GetProperty("interval").GetInt32());
        Assert.True(b.GetProperty("inheritable").GetBoolean());
        Assert.Equal("", b.GetProperty("path").GetString());
        var list = await vault.DataAsync(Operation.List, "sys/quotas/rate-limit/");
        Assert.Equal("""["a","b"]""", list.GetProperty("keys").GetRawText());
        await vault.DataAsync(Operation.Delete, "sys/quotas/rate-limit/a");
        await vault.FaultAsync(FaultKind.NotFound, Operation.Read, "sys/quotas/rate-limit/a");
    }

    [Theory]
    [InlineData("""{"path":"kv"}""", "rate")]
    [InlineData("""{"rate":0}""", "'rate' is invalid")]
    [InlineData("""{"rate":-1}""", "'rate' is invalid")]
    [InlineData("""{"rate":"NaN"}""", "'rate' is invalid")]
    [InlineData("""{"rate":1,"interval":-1}""", "field interval: expected a duration")]
    [InlineData("""{"rate":1,"block_interval":"-1s"}""", "field block_interval: expected a duration")]
    [InlineData("""{"rate":1,"group_by":"entity_then_ip"}""", "'group_by' is invalid")]
    [InlineData("""{"rate":1,"path":"nothing/here"}""", "invalid mount path \"nothing/here\"")]
    [InlineData("""{"rate":1,"path":"kv/a*b"}""", "only stand at the end")]
    [InlineData("""{"rate":1,"path":"kv","role":"r"}""", "not a valid auth method")]
    [InlineData("""{"rate":1,"path":"auth/token","role":"r"}""", "does not support use with role-based quotas")]
    [InlineData("""{"rate":1,"path":"auth/approle/login","role":"r"}""", "both a path suffix and a role")]
    [InlineData("""{"rate":1,"role":"r"}""", "needs the path of an auth method")]
    [InlineData("""{"rate":1,"inheritable":false}""", "all global quotas must be inheritable")]
    [InlineData("""{"rate":1,"path":"kv","inheritable":true}""", "only global quotas can be inheritable")]
    public async Task What_cannot_be_a_quota_is_refused_with_the_reason(string body, string reason)
    {
        await using var vault = await TestVault.StartAsync();
        await MountAsync(vault);

        var message = await vault.FaultAsync(FaultKind.Invalid, Operation.Update, "sys/quotas/rate-limit/q", body);

        Assert.Contains(reason, message, StringComparison.Ordinal);
        await vault.FaultAsync(FaultKind.NotFound, Operation.Read, "sys/quotas/rate-limit/q");
    }

    [Fact]
    public async Task Two_quotas_cannot_hold_for_the_same()
    {
        await using var vault = await TestVault.StartAsync();
        await MountAsync(vault);
        await WriteAsync(vault, "a", """{"rate":10,"path":"kv"}""");

        Assert.Equal(
            "quota rule with similar properties exists under the name \"a\"",
            await vault.FaultAsync(
                FaultKind.Invalid,
                Operation.Update,
                "sys/quotas/rate-limit/b",
                """{"rate":5,"path":"kv/"}"""
            )
        );
    }

    [Fact]
    public async Task A_client_that_makes_too_many_requests_harms_only_itself()
    {
        await using var vault = await TestVault.StartAsync();
        await MountAsync(vault);
        await WriteAsync(vault, "q", """{"rate":5,"path":"kv"}""");

        // It shows no token that is known: the limit comes before anything that costs.
        for (var i = 0; i < 5; i++)
        {
            var before = await vault.HandleAsync(Operation.Read, "kv/a", token: "hvs.unknown", remote: Noisy);
            Assert.Equal(FaultKind.Unauthenticated, before.Fault?.Kind);
        }

        var refused = await vault.HandleAsync(Operation.Read, "kv/a", token: "hvs.unknown", remote: Noisy);
        Assert.Equal(FaultKind.Throttled, refused.Fault?.Kind);
        Assert.Equal("request path \"kv/a\": rate limit quota exceeded", refused.Fault!.Messages[0]);
        Assert.Equal(TimeSpan.FromSeconds(0.2), refused.Fault.RetryAfter);
        Assert.Equal("1", (await vault.DataAsync(Operation.Read, "kv/a")).GetProperty("n").GetString());

        vault.Time.Advance(TimeSpan.FromSeconds(0.2));
        var after = await vault.HandleAsync(Operation.Read, "kv/a", remote: Noisy);
        Assert.True(after.Succeeded);
        after.Response!.Dispose();
    }

    [Fact]
    public async Task The_most_specific_quota_holds()
    {
        await using var vault = await TestVault.StartAsync();
        await MountAsync(vault);
        await vault.DataAsync(
            Operation.Update,
            "auth/approle/role/few",
            """{"bind_secret_id":false,"token_bound_cidrs":"0.0.0.0/0"}"""
        );
        await vault.DataAsync(
            Operation.Update,
            "auth/approle/role/other",
            """{"bind_secret_id":false,"token_bound_cidrs":"0.0.0.0/0"}"""
        );
        var few = await RoleIdAsync(vault, "few");
        var other = await RoleIdAsync(vault, "other");
        await WriteAsync(vault, "all", """{"rate":100,"interval":"1h"}""");
        await WriteAsync(vault, "mount", """{"rate":4,"interval":"1h","path":"kv"}""");
        await WriteAsync(vault, "glob", """{"rate":3,"interval":"1h","path":"kv/a*"}""");
        await WriteAsync(vault, "longer", """{"rate":7,"interval":"1h","path":"kv/ab*"}""");
        await WriteAsync(vault, "exact", """{"rate":2,"interval":"1h","path":"kv/abc"}""");
        await WriteAsync(vault, "logins", """{"rate":5,"interval":"1h","path":"auth/approle"}""");
        await WriteAsync(vault, "role", """{"rate":1,"interval":"1h","path":"auth/approle","role":"few"}""");

        Assert.Equal(4, await AllowedAsync(vault, "kv/z"));
        Assert.Equal(3, await AllowedAsync(vault, "kv/a"));
        Assert.Equal(7, await AllowedAsync(vault, "kv/abd"));
        Assert.Equal(2, await AllowedAsync(vault, "kv/abc"));
        Assert.Equal(1, await AllowedAsync(vault, "auth/approle/login", $$"""{"role_id":"{{few}}"}"""));
        Assert.Equal(5, await AllowedAsync(vault, "auth/approle/login", $$"""{"role_id":"{{other}}"}"""));
        Assert.Equal(20, await AllowedAsync(vault, "cubbyhole/x"));
    }

    [Fact]
    public async Task A_client_can_be_blocked_for_longer()
    {
        await using var vault = await TestVault.StartAsync();
        await MountAsync(vault);
        await WriteAsync(vault, "q", """{"rate":1,"path":"kv","block_interval":60}""");
        Assert.Equal(1, await AllowedAsync(vault, "kv/a"));

        vault.Time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(0, await AllowedAsync(vault, "kv/a"));
        vault.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, await AllowedAsync(vault, "kv/a"));
    }

    [Fact]
    public async Task All_clients_can_share_one_allowance()
    {
        await using var vault = await TestVault.StartAsync();
        await MountAsync(vault);
        await WriteAsync(vault, "q", """{"rate":3,"interval":"1h","path":"kv","group_by":"none"}""");

        Assert.Equal(3, await AllowedAsync(vault, "kv/a"));
        await vault.FaultAsync(FaultKind.Throttled, Operation.Read, "kv/a");
    }

    [Fact]
    public async Task Help_for_a_mount_counts_like_any_request()
    {
        await using var vault = await TestVault.StartAsync();
        await MountAsync(vault);
        await WriteAsync(vault, "q", """{"rate":2,"interval":"1h","path":"kv"}""");

        await vault.DataAsync(Operation.Help, "kv");
        await vault.DataAsync(Operation.Help, "kv/");

        await vault.FaultAsync(FaultKind.Throttled, Operation.Help, "kv");
    }

    [Fact]
    public async Task Exempt_paths_are_not_limited()
    {
        await using var vault = await TestVault.StartAsync();
        await MountAsync(vault);
        await WriteAsync(vault, "q", """{"rate":1,"interval":"1h"}""");
        Assert.Equal(20, await AllowedAsync(vault, "sys/seal-status"));
        Assert.Equal(1, await AllowedAsync(vault, "kv/a"));

        await vault.DataAsync(
            Operation.Update,
            "sys/quotas/config",
            """{"rate_limit_exempt_paths":["/v1/kv/b*","kv/a","sys/quotas/*"],"enable_rate_limit_response_headers":true}"""
        );

        Assert.Equal(20, await AllowedAsync(vault, "kv/a"));
        Assert.Equal(20, await AllowedAsync(vault, "kv/bc"));
        Assert.Equal(0, await AllowedAsync(vault, "kv/c"));
        Assert.Equal(0, await AllowedAsync(vault, "sys/seal-status"));
        var config = await vault.DataAsync(Operation.Read, "sys/quotas/config");
        Assert.Equal(
            """{"enable_rate_limit_audit_logging":false,"enable_rate_limit_response_headers":true,"rate_limit_exempt_paths":["kv/b*","kv/a","sys/quotas/*"]}""",
            config.GetRawText()
        );
    }

    [Fact]
    public async Task Refusals_are_audited_when_that_is_configured()
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-quota").FullName;
        try
        {
            var log = Path.Combine(folder, "audit.log");
            await using var vault = await TestVault.StartAsync();
            await MountAsync(vault);
            await vault.DataAsync(
                Operation.Update,
                "sys/audit/file",
                $$$"""{"type":"file","options":{"file_path":"{{{log}}}"}}"""
            );
            await WriteAsync(vault, "q", """{"rate":1,"interval":"1h","path":"kv"}""");
            Assert.Equal(1, await AllowedAsync(vault, "kv/quiet"));
            await vault.DataAsync(
                Operation.Update,
                "sys/quotas/config",
                """{"enable_rate_limit_audit_logging":true}"""
            );
            Assert.Equal(0, await AllowedAsync(vault, "kv/loud"));
            await vault.DataAsync(Operation.Delete, "sys/audit/file");

            var text = await File.ReadAllTextAsync(log, TestContext.Current.CancellationToken);
            Assert.DoesNotContain("\\\"kv/quiet\\\": rate limit quota exceeded", text, StringComparison.Ordinal);
            Assert.Contains("rate limit quota exceeded", text, StringComparison.Ordinal);
            Assert.Contains("kv/loud", text, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Quotas_outlive_sealing_follow_their_mount_and_end_with_it()
    {
        await using var vault = await TestVault.StartAsync();
        await MountAsync(vault);
        await WriteAsync(vault, "q", """{"rate":2,"interval":"1h","path":"kv/a"}""");
        await vault.DataAsync(Operation.Update, "sys/seal");
        await vault.UnsealAsync();
        Assert.Equal(2, await AllowedAsync(vault, "kv/a"));

        await vault.DataAsync(Operation.Update, "sys/remount", """{"from":"kv","to":"moved"}""");
        Assert.Equal(0, await AllowedAsync(vault, "moved/a"));
        var read = await vault.DataAsync(Operation.Read, "sys/quotas/rate-limit/q");
        Assert.Equal("moved/a", read.GetProperty("path").GetString());

        await vault.DataAsync(Operation.Delete, "sys/mounts/moved");
        await vault.FaultAsync(FaultKind.NotFound, Operation.Read, "sys/quotas/rate-limit/q");
    }

    private static async Task MountAsync(TestVault vault)
    {
        await vault.DataAsync(Operation.Update, "sys/mounts/kv", """{"type":"kv"}""");
        await vault.DataAsync(Operation.Update, "kv/a", """{"n":"1"}""");
        await vault.DataAsync(Operation.Update, "sys/auth/approle", """{"type":"approle"}""");
    }

    private static Task<System.Text.Json.JsonElement> WriteAsync(TestVault vault, string name, string body) =>
        vault.DataAsync(Operation.Update, $"sys/quotas/rate-limit/{name}", body);

    private static async Task<string> RoleIdAsync(TestVault vault, string role) =>
        (await vault.DataAsync(Operation.Read, $"auth/approle/role/{role}/role-id"))
            .GetProperty("role_id")
            .GetString()!;

    /// <summary>How many of twenty requests of the noisy client no quota refuses.</summary>
    private static async Task<int> AllowedAsync(TestVault vault, string path, string? body = null)
    {
        var allowed = 0;
        for (var i = 0; i < 20; i++)
        {
            var outcome = await vault.HandleAsync(
                body is null ? Operation.Read : Operation.Update,
                path,
                body,
                remote: Noisy
            );
            allowed += outcome.Fault?.Kind == FaultKind.Throttled ? 0 : 1;
            outcome.Response?.Dispose();
        }

        return allowed;
    }
}
