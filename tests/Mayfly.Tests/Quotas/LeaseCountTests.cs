using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage.Sqlite;
using Mayfly.Tests.Leases;
using Mayfly.Tests.Storage;

namespace Mayfly.Tests.Quotas;

/// <summary><c>sys/quotas/lease-count</c> through the whole pipeline.</summary>
public sealed class LeaseCountTests
{
    [Fact]
    public async Task A_quota_is_written_read_listed_and_deleted()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.FaultAsync(FaultKind.NotFound, Operation.List, "sys/quotas/lease-count/");
        await WriteAsync(vault, "q", """{"max_leases":3,"path":"auth/token"}""");
        await vault.TokenAsync("""{"ttl":"1h"}""");

        var read = await vault.DataAsync(Operation.Read, "sys/quotas/lease-count/q");
        Assert.Equal(
            """{"type":"lease-count","name":"q","path":"auth/token/","role":"","inheritable":false,"max_leases":3,"counter":1}""",
            read.GetRawText()
        );
        var list = await vault.DataAsync(Operation.List, "sys/quotas/lease-count/");
        Assert.Equal("""["q"]""", list.GetProperty("keys").GetRawText());
        await vault.DataAsync(Operation.Delete, "sys/quotas/lease-count/q");
        await vault.FaultAsync(FaultKind.NotFound, Operation.Read, "sys/quotas/lease-count/q");
    }

    [Theory]
    [InlineData("{}", "max_leases")]
    [InlineData("""{"max_leases":0}""", "'max_leases' is invalid")]
    [InlineData("""{"max_leases":-1}""", "'max_leases' is invalid")]
    [InlineData("""{"max_leases":1,"path":"no"}""", "invalid mount path")]
    public async Task What_cannot_be_a_quota_is_refused_with_the_reason(string body, string reason)
    {
        await using var vault = await TestVault.StartAsync();

        var message = await vault.FaultAsync(FaultKind.Invalid, Operation.Update, "sys/quotas/lease-count/q", body);

        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    /// <summary>The client that mints a token for each request runs into its quota, and nobody else does.</summary>
    [Fact]
    public async Task A_client_that_mints_a_token_for_each_request_harms_only_itself()
    {
        await using var vault = await TestVault.StartAsync();
        foreach (var name in (string[])["noisy", "quiet"])
        {
            await vault.DataAsync(Operation.Update, $"sys/auth/{name}", """{"type":"userpass"}""");
            await vault.DataAsync(Operation.Update, $"auth/{name}/users/u", """{"password":"p","token_ttl":"10m"}""");
        }

        await WriteAsync(vault, "noisy", """{"max_leases":10,"path":"auth/noisy"}""");
        for (var i = 0; i < 10; i++)
        {
            await LoginAsync(vault, "noisy");
        }

        var refused = await vault.FaultAsync(
            FaultKind.Throttled,
            Operation.Update,
            "auth/noisy/login/u",
            """{"password":"p"}"""
        );
        Assert.Equal("request path \"auth/noisy/login/u\": lease count quota exceeded", refused);
        await LoginAsync(vault, "quiet");
        await vault.TokenAsync("""{"ttl":"1h"}""");
        Assert.Equal(10, await CountAsync(vault, "noisy"));

        // Time heals it.
        await vault.AdvanceAsync(TimeSpan.FromMinutes(11));
        Assert.Equal(0, await CountAsync(vault, "noisy"));
        await LoginAsync(vault, "noisy");
    }

    [Fact]
    public async Task A_revoked_token_makes_room_for_another()
    {
        await using var vault = await TestVault.StartAsync();
        await WriteAsync(vault, "q", """{"max_leases":2}""");
        var parent = await vault.TokenAsync("""{"ttl":"1h","policies":["root"]}""");
        await vault.TokenAsync("""{"ttl":"1h"}""", parent);
        await vault.FaultAsync(FaultKind.Throttled, Operation.Update, "auth/token/create", """{"ttl":"1h"}""");

        await vault.DataAsync(Operation.Update, "auth/token/revoke", $$"""{"token":"{{parent}}"}""");

        Assert.Equal(0, await CountAsync(vault, "q"));
        await vault.TokenAsync("""{"ttl":"1h"}""");
    }

    [Fact]
    public async Task Batch_tokens_are_no_way_around_and_root_tokens_always_are_one()
    {
        await using var vault = await TestVault.StartAsync();
        await WriteAsync(vault, "q", """{"max_leases":1}""");
        await vault.TokenAsync("""{"type":"batch","policies":["default"],"ttl":"1h"}""");
        Assert.Equal(0, await CountAsync(vault, "q"));
        await vault.TokenAsync("""{"ttl":"1h"}""");

        await vault.FaultAsync(
            FaultKind.Throttled,
            Operation.Update,
            "auth/token/create",
            """{"type":"batch","policies":["default"],"ttl":"1h"}"""
        );
        await vault.TokenAsync("{}");
        var wrapped = await vault.HandleAsync(
            Operation.Update,
            "sys/wrapping/wrap",
            """{"a":"b"}""",
            wrapTtl: TimeSpan.FromMinutes(1)
        );
        Assert.True(wrapped.Succeeded);
        Assert.Equal(1, await CountAsync(vault, "q"));
    }

    [Fact]
    public async Task A_login_that_has_no_room_uses_up_nothing()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/auth/approle", """{"type":"approle"}""");
        await vault.DataAsync(Operation.Update, "auth/approle/role/r", """{"secret_id_num_uses":1,"token_ttl":"1h"}""");
        var roleId = (await vault.DataAsync(Operation.Read, "auth/approle/role/r/role-id")).GetProperty("role_id");
        var secretId = (await vault.DataAsync(Operation.Update, "auth/approle/role/r/secret-id")).GetProperty(
            "secret_id"
        );
        var login = $$"""{"role_id":"{{roleId}}","secret_id":"{{secretId}}"}""";
        await WriteAsync(vault, "q", """{"max_leases":1}""");
        var blocker = await vault.TokenAsync("""{"ttl":"1h"}""");
        await vault.FaultAsync(FaultKind.Throttled, Operation.Update, "auth/approle/login", login);

        await vault.DataAsync(Operation.Update, "auth/token/revoke", $$"""{"token":"{{blocker}}"}""");

        var outcome = await vault.HandleAsync(Operation.Update, "auth/approle/login", login);
        Assert.True(outcome.Succeeded);
    }

    [Fact]
    public async Task Logins_of_one_role_can_have_a_quota_of_their_own()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/auth/approle", """{"type":"approle"}""");
        foreach (var role in (string[])["few", "many"])
        {
            await vault.DataAsync(
                Operation.Update,
                $"auth/approle/role/{role}",
                """{"bind_secret_id":false,"token_bound_cidrs":"0.0.0.0/0","token_ttl":"1h"}"""
            );
        }

        await WriteAsync(vault, "few", """{"max_leases":1,"path":"auth/approle","role":"few"}""");
        await WriteAsync(vault, "all", """{"max_leases":3}""");
        Assert.True(await RoleLoginAsync(vault, "few"));
        Assert.False(await RoleLoginAsync(vault, "few"));
        for (var i = 0; i < 3; i++)
        {
            Assert.True(await RoleLoginAsync(vault, "many"));
        }

        Assert.False(await RoleLoginAsync(vault, "many"));
        Assert.Equal(1, await CountAsync(vault, "few"));
        Assert.Equal(3, await CountAsync(vault, "all"));

        // The numbers are right again after a restart, roles included.
        await vault.DataAsync(Operation.Update, "sys/seal");
        await vault.UnsealAsync();
        Assert.Equal(1, await CountAsync(vault, "few"));
        Assert.Equal(3, await CountAsync(vault, "all"));
    }

    /// <summary>The client that asks for a credential for each request runs into its quota, and nobody else does.</summary>
    [Fact]
    public async Task A_client_that_asks_for_a_credential_for_each_request_harms_only_itself()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var vault = leasing.Vault;
        await WriteAsync(vault, "noisy", """{"max_leases":3,"path":"leasing/creds/noisy"}""");
        await WriteAsync(vault, "all", """{"max_leases":100,"path":"leasing"}""");
        var first = await leasing.IssueAsync("ttl=600", path: "leasing/creds/noisy");
        await leasing.IssueAsync("ttl=3600", path: "leasing/creds/noisy");
        await leasing.IssueAsync("ttl=3600", path: "leasing/creds/noisy");

        var refused = await vault.FaultAsync(FaultKind.Throttled, Operation.Read, "leasing/creds/noisy");
        Assert.Equal("request path \"leasing/creds/noisy\": lease count quota exceeded", refused);
        Assert.Equal(3, leasing.Things.Alive.Count);
        await leasing.IssueAsync("ttl=3600", path: "leasing/creds/quiet");
        Assert.Equal(3, await CountAsync(vault, "noisy"));
        Assert.Equal(1, await CountAsync(vault, "all"));

        // Right after a restart, and when one has expired.
        await vault.DataAsync(Operation.Update, "sys/seal");
        await vault.UnsealAsync();
        Assert.Equal(3, await CountAsync(vault, "noisy"));
        await vault.AdvanceAsync(TimeSpan.FromMinutes(11));
        Assert.DoesNotContain(first.Name, leasing.Things.Alive.Keys);
        Assert.Equal(2, await CountAsync(vault, "noisy"));
        await leasing.IssueAsync("ttl=3600", path: "leasing/creds/noisy");
    }

    [Fact]
    public async Task A_credential_that_could_not_be_made_takes_no_room()
    {
        await using var leasing = await LeasingVault.StartAsync();
        await WriteAsync(leasing.Vault, "q", """{"max_leases":1,"path":"leasing"}""");
        leasing.Things.OnMake = (_, _) => new(Fault.Unavailable("the other side is away"));
        for (var i = 0; i < 3; i++)
        {
            await leasing.Vault.FaultAsync(FaultKind.Unavailable, Operation.Read, "leasing/creds/app");
        }

        leasing.Things.OnMake = null;
        await leasing.IssueAsync();
        Assert.Equal(1, await CountAsync(leasing.Vault, "q"));
    }

    [Fact]
    public async Task A_quota_counts_what_was_there_before_it()
    {
        await using var vault = await TestVault.StartAsync();
        for (var i = 0; i < 700; i++)
        {
            await vault.TokenAsync("""{"ttl":"1h"}""");
        }

        await WriteAsync(vault, "q", """{"max_leases":500}""");

        Assert.Equal(700, await CountAsync(vault, "q"));
        await vault.FaultAsync(FaultKind.Throttled, Operation.Update, "auth/token/create", """{"ttl":"1h"}""");
    }

    [Fact]
    public async Task Simultaneous_requests_get_exactly_what_there_is()
    {
        await using var vault = await TestVault.StartAsync();
        await WriteAsync(vault, "q", """{"max_leases":37}""");

        var made = await Task.WhenAll(
            Enumerable
                .Range(0, 100)
                .Select(_ =>
                    Task.Run(() => vault.HandleAsync(Operation.Update, "auth/token/create", """{"ttl":"1h"}"""))
                )
        );

        Assert.Equal(37, made.Count(outcome => outcome.Succeeded));
        Assert.All(
            made.Where(outcome => !outcome.Succeeded),
            outcome => Assert.Equal(FaultKind.Throttled, outcome.Fault!.Kind)
        );
        Assert.Equal(37, await CountAsync(vault, "q"));
    }

    [Fact]
    public async Task The_numbers_follow_the_embedded_store_too()
    {
        using var folder = new TempFolder();
        await using var vault = await TestVault.StartAsync(store: SqliteStore.Open(folder.Path));
        await WriteAsync(vault, "q", """{"max_leases":30}""");
        var made = await Task.WhenAll(
            Enumerable
                .Range(0, 40)
                .Select(_ => vault.HandleAsync(Operation.Update, "auth/token/create", """{"ttl":"1h"}"""))
        );
        Assert.Equal(30, made.Count(outcome => outcome.Succeeded));
        await Task.WhenAll(
            made.Where(outcome => outcome.Succeeded)
                .Take(10)
                .Select(outcome => RevokeAsync(vault, outcome.Response!.Auth!.Token))
        );

        Assert.Equal(20, await CountAsync(vault, "q"));
        await AssertRecountedAsync(vault, "q 20");
        await vault.AdvanceAsync(TimeSpan.FromHours(2));
        await AssertRecountedAsync(vault, "q 0");
    }

    /// <summary>Whatever happens, also at the same time, the numbers are those that counting the store anew gives.</summary>
    [Fact]
    public async Task The_numbers_never_drift()
    {
        var steps = Gen.Choose(0, 9).ArrayOf(60).Sample(60, 12);
        foreach (var run in steps)
        {
            await using var leasing = await LeasingVault.StartAsync();
            var vault = leasing.Vault;
            await WriteAsync(vault, "all", """{"max_leases":40}""");
            await WriteAsync(vault, "glob", """{"max_leases":9,"path":"leasing/creds/a*"}""");
            var tokens = new List<string>();
            foreach (var step in run)
            {
                await StepAsync(vault, tokens, step);
            }

            await AssertRecountedAsync(vault);
        }
    }

    private static async Task StepAsync(TestVault vault, List<string> tokens, int step)
    {
        switch (step)
        {
            case 0 or 1 or 2:
                var made = await Task.WhenAll(
                    Enumerable
                        .Range(0, 5)
                        .Select(i =>
                            vault.HandleAsync(
                                Operation.Update,
                                "auth/token/create",
                                $$"""{"ttl":"{{5 + 10 * i}}m","policies":["root"]}""",
                                tokens.Count > 0 && i % 2 == 0 ? tokens[^1] : null
                            )
                        )
                );
                tokens.AddRange(made.Where(m => m.Succeeded).Select(m => m.Response!.Auth!.Token));
                break;
            case 3:
                await EachAsync(tokens, token => RevokeAsync(vault, token));
                break;
            case 4:
                await vault.AdvanceAsync(TimeSpan.FromMinutes(4));
                break;
            case 5:
                await EachAsync(
                    tokens,
                    token => vault.HandleAsync(Operation.Update, "auth/token/renew-self", "{}", token)
                );
                break;
            case 6:
                await WriteAsync(vault, "some", """{"max_leases":20,"path":"auth/token/create"}""");
                break;
            case 7:
                // The quotas change while tokens come and go.
                var coming = Task.Run(() => StepAsync(vault, [], 0));
                await vault.DataAsync(Operation.Delete, "sys/quotas/lease-count/some");
                await RevokeAsync(vault, tokens.LastOrDefault() ?? "none");
                await coming;
                break;
            case 8:
                // Leases belong to tokens, and end with them.
                await Task.WhenAll(
                    Enumerable
                        .Range(0, 6)
                        .Select(i =>
                            vault.HandleAsync(
                                Operation.Read,
                                $"leasing/creds/{(i % 2 == 0 ? "app" : "other")}",
                                token: i < 4 && tokens.Count > i ? tokens[^(i + 1)] : null,
                                query: new Dictionary<string, string>(StringComparer.Ordinal)
                                {
                                    ["ttl"] = $"{60 * i + 60}",
                                }
                            )
                        )
                );
                break;
            default:
                await vault.DataAsync(Operation.Update, "sys/seal");
                await vault.UnsealAsync();
                break;
        }
    }

    private static Task EachAsync(List<string> tokens, Func<string, Task> act) =>
        Task.WhenAll(tokens.Where((_, i) => i % 3 == 0).Select(act));

    private static async Task RevokeAsync(TestVault vault, string token)
    {
        var outcome = await vault.HandleAsync(
            Operation.Update,
            "auth/token/revoke-orphan",
            $$"""{"token":"{{token}}"}"""
        );
        outcome.Response?.Dispose();
    }

    private static async Task AssertRecountedAsync(TestVault vault, string shown = "all")
    {
        // Leases of tokens that have ended go in the background.
        await vault.AdvanceAsync(TimeSpan.Zero);
        var before = await CountsAsync(vault);
        await vault.DataAsync(Operation.Update, "sys/seal");
        await vault.UnsealAsync();
        Assert.Equal(before, await CountsAsync(vault));
        Assert.Contains(shown, before, StringComparison.Ordinal);
    }

    private static async Task<string> CountsAsync(TestVault vault)
    {
        var names = await vault.DataAsync(Operation.List, "sys/quotas/lease-count/");
        var counts = new List<string>();
        foreach (var name in names.GetProperty("keys").EnumerateArray())
        {
            counts.Add($"{name} {await CountAsync(vault, name.GetString()!)}");
        }

        return string.Join(", ", counts);
    }

    private static async Task<bool> RoleLoginAsync(TestVault vault, string role)
    {
        var id = await vault.DataAsync(Operation.Read, $"auth/approle/role/{role}/role-id");
        var outcome = await vault.HandleAsync(
            Operation.Update,
            "auth/approle/login",
            $$"""{"role_id":"{{id.GetProperty("role_id")}}"}"""
        );
        outcome.Response?.Dispose();
        return outcome.Succeeded;
    }

    private static async Task LoginAsync(TestVault vault, string mount)
    {
        var outcome = await vault.HandleAsync(Operation.Update, $"auth/{mount}/login/u", """{"password":"p"}""");
        Assert.True(outcome.Succeeded);
        outcome.Response!.Dispose();
    }

    private static async Task WriteAsync(TestVault vault, string name, string body) =>
        await vault.DataAsync(Operation.Update, $"sys/quotas/lease-count/{name}", body);

    private static async Task<long> CountAsync(TestVault vault, string name)
    {
        var read = await vault.DataAsync(Operation.Read, $"sys/quotas/lease-count/{name}");
        return read.GetProperty("counter").GetInt64();
    }
}
