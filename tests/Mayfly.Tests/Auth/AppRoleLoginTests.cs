using System.Text;
using Mayfly.Core.Engines;
using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Tests.Auth;

public sealed class AppRoleLoginTests
{
    private const string Invalid = "invalid role or secret ID";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_role_id_and_a_secret_id_give_what_the_role_says()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync(
            "role/Web",
            """{"token_policies":"web","token_ttl":"20m","token_bound_cidrs":"10.0.0.0/8"}"""
        );
        var roleId = await approle.RoleIdAsync("web");
        var (secretId, _) = await approle.MakeSecretIdAsync(
            "web",
            """{"metadata":"{\"team\":\"shop\",\"role_name\":\"forged\"}"}"""
        );

        var grant = await approle.GrantAsync($" {roleId}\n", $"{secretId}\n");
        Assert.Equal(["web"], grant.Parameters.Policies);
        Assert.Equal(TimeSpan.FromMinutes(20), grant.Parameters.Ttl);
        Assert.Equal(["10.0.0.0/8"], grant.Parameters.BoundCidrs);
        Assert.Equal(roleId, grant.AliasName);
        Assert.Equal("web", grant.Metadata["role_name"]);
        Assert.Equal("shop", grant.Metadata["team"]);
    }

    [Fact]
    public async Task What_is_wrong_is_told_in_vaults_words()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web");
        await approle.WriteAsync("role/other");
        var roleId = await approle.RoleIdAsync("web");
        var (secretId, accessor) = await approle.MakeSecretIdAsync("web");
        var (others, _) = await approle.MakeSecretIdAsync("other");

        foreach (
            var (role, secret, message) in new[]
            {
                (null, secretId, "missing role_id"),
                ("", secretId, "missing role_id"),
                (roleId, null, "missing secret_id"),
                (roleId, " ", "missing secret_id"),
                (roleId, "wrong", Invalid),
                (roleId, others, Invalid),
                (roleId, accessor, Invalid),
                (roleId, secretId.ToUpperInvariant(), Invalid),
                ("wrong", secretId, Invalid),
                (new string('x', 100_000), secretId, Invalid),
            }
        )
        {
            var fault = (await approle.LoginAsync(role, secret)).Fault!;
            Assert.Equal(FaultKind.Invalid, fault.Kind);
            Assert.Equal([message], fault.Messages);
        }
    }

    [Fact]
    public async Task Limited_uses_run_out_and_the_last_removes_the_record()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web", """{"secret_id_num_uses":2}""");
        var roleId = await approle.RoleIdAsync("web");
        var (secretId, accessor) = await approle.MakeSecretIdAsync("web");

        await approle.GrantAsync(roleId, secretId);
        approle.Engine.Time.Advance(TimeSpan.FromSeconds(5));
        await approle.GrantAsync(roleId, secretId);
        Assert.Equal([Invalid], (await approle.LoginAsync(roleId, secretId)).Fault!.Messages);
        Assert.DoesNotContain(accessor, await approle.ListAsync("role/web/secret-id/"));
    }

    [Fact]
    public async Task Of_64_logins_at_once_with_a_secret_id_for_10_exactly_10_succeed()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web");
        var roleId = await approle.RoleIdAsync("web");
        var (secretId, _) = await approle.MakeSecretIdAsync("web", """{"num_uses":10}""");

        var outcomes = await Task.WhenAll(
            Enumerable.Range(0, 64).Select(_ => Task.Run(() => approle.LoginAsync(roleId, secretId)))
        );
        Assert.Equal(10, outcomes.Count(outcome => outcome.Succeeded));
        Assert.All(
            outcomes.Where(outcome => !outcome.Succeeded),
            // After five of them the role is locked.
            outcome =>
                Assert.Contains(Assert.Single(outcome.Fault!.Messages), new[] { Invalid, Fault.PermissionDenied })
        );
    }

    [Fact]
    public async Task A_secret_id_ends_on_time_with_and_without_the_scheduler()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web", """{"secret_id_ttl":60,"secret_id_num_uses":5}""");
        var roleId = await approle.RoleIdAsync("web");
        var (secretId, accessor) = await approle.MakeSecretIdAsync("web");
        approle.Engine.Time.Advance(TimeSpan.FromSeconds(59));
        await approle.GrantAsync(roleId, secretId);
        await approle.RunDueAsync();
        Assert.Equal([accessor], await approle.ListAsync("role/web/secret-id/"));

        approle.Engine.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([Invalid], (await approle.LoginAsync(roleId, secretId)).Fault!.Messages);
        await approle.RunDueAsync();
        Assert.Empty(await approle.ListAsync("role/web/secret-id/"));
        await approle.RunDueAsync();
    }

    [Fact]
    public async Task A_login_from_the_wrong_address_is_refused_and_uses_nothing_up()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web", """{"secret_id_bound_cidrs":"10.0.0.0/8"}""");
        var roleId = await approle.RoleIdAsync("web");
        var (secretId, _) = await approle.MakeSecretIdAsync("web", """{"num_uses":1,"cidr_list":"10.1.0.0/16"}""");

        var fault = (await approle.LoginAsync(roleId, secretId, "10.2.0.1")).Fault!;
        Assert.Equal(
            "source address \"10.2.0.1\" unauthorized through CIDR restrictions on the secret ID",
            fault.Messages[0]
        );
        Assert.NotNull((await approle.LoginAsync(roleId, secretId, "192.168.0.1")).Fault);
        await approle.GrantAsync(roleId, secretId, "::ffff:10.1.2.3");
        Assert.Equal([Invalid], (await approle.LoginAsync(roleId, secretId, "10.1.2.3")).Fault!.Messages);
    }

    [Fact]
    public async Task A_role_without_secret_ids_is_bound_to_addresses()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web", """{"bind_secret_id":false,"secret_id_bound_cidrs":"10.0.0.0/8"}""");
        var roleId = await approle.RoleIdAsync("web");
        await approle.GrantAsync(roleId, null, "10.0.0.1");
        var fault = (await approle.LoginAsync(roleId, null, "11.0.0.1")).Fault!;
        Assert.Contains("unauthorized by CIDR restrictions on the role", fault.Messages[0], StringComparison.Ordinal);
        Assert.Equal(
            ["bind_secret_id is not set on the role"],
            (await approle.FailAsync("role/web/secret-id")).Messages
        );
    }

    [Fact]
    public async Task The_tokens_addresses_of_a_secret_id_win_over_the_roles()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web", """{"token_bound_cidrs":"10.0.0.0/8"}""");
        var (secretId, _) = await approle.MakeSecretIdAsync("web", """{"token_bound_cidrs":"10.1.0.0/16"}""");
        var grant = await approle.GrantAsync(await approle.RoleIdAsync("web"), secretId);
        Assert.Equal(["10.1.0.0/16"], grant.Parameters.BoundCidrs);
    }

    [Fact]
    public async Task Secret_ids_die_with_their_role_also_when_another_gets_its_name_and_id()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web", """{"role_id":"fixed"}""");
        var (secretId, _) = await approle.MakeSecretIdAsync("web");
        await approle.DeleteAsync("role/web");
        Assert.Equal([Invalid], (await approle.LoginAsync("fixed", secretId)).Fault!.Messages);
        Assert.Equal(0, await approle.Engine.Store.CountAsync(StoreKey.Root, Cancellation));

        await approle.WriteAsync("role/web", """{"role_id":"fixed"}""");
        Assert.Equal([Invalid], (await approle.LoginAsync("fixed", secretId)).Fault!.Messages);
        await approle.WriteAsync("role/web/custom-secret-id", $$"""{"secret_id":"{{secretId}}"}""");
        await approle.GrantAsync("fixed", secretId);
    }

    [Fact]
    public async Task A_login_with_unlimited_uses_writes_nothing()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web");
        var roleId = await approle.RoleIdAsync("web");
        var (secretId, _) = await approle.MakeSecretIdAsync("web", """{"ttl":"1h"}""");
        var commits = 0;
        using (approle.Engine.Store.Observe(_ => commits++))
        {
            await approle.GrantAsync(roleId, secretId);
        }

        Assert.Equal(0, commits);
    }

    [Fact]
    public async Task A_token_is_renewed_by_the_role_as_it_is_now_while_there_is_one()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web", """{"token_ttl":60}""");
        var (secretId, _) = await approle.MakeSecretIdAsync("web");
        var grant = await approle.GrantAsync(await approle.RoleIdAsync("web"), secretId);
        var token = new TokenEntry
        {
            Accessor = "a",
            Type = TokenType.Service,
            Policies = [],
            Path = "auth/approle/login",
            CreatedAt = DateTimeOffset.UnixEpoch,
            MethodData = grant.MethodData,
        };
        var method = (IRenewsTokens)approle.Engine.Engine;
        await approle.WriteAsync("role/web", """{"token_ttl":120}""");
        Assert.Equal(TimeSpan.FromMinutes(2), (await method.RenewAsync(token, Cancellation)).Parameters!.Ttl);
        await approle.DeleteAsync("role/web");
        Assert.Contains("does not exist", (await method.RenewAsync(token, Cancellation)).Fault!.Messages[0]);
    }

    [Fact]
    public async Task Neither_secret_ids_nor_role_ids_can_be_found_in_the_store()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web", """{"role_id":"canary-role-id"}""");
        await approle.WriteAsync("role/web/custom-secret-id", """{"secret_id":"canary-secret-id"}""");
        foreach (var record in await approle.Engine.Store.ScanAsync(StoreKey.Root, null, int.MaxValue, Cancellation))
        {
            Assert.Equal(-1, record.Key.Bytes.IndexOf("canary"u8));
            using var opened = approle.Engine.View.Open(record);
            Assert.Equal(-1, opened.Value.Span.IndexOf("canary-secret-id"u8));
        }

        Assert.DoesNotContain(
            "canary",
            Encoding.UTF8.GetString(
                (await approle.FailAsync("role/web/secret-id/lookup", """{"secret_id":""}"""))
                    .Messages.SelectMany(Encoding.UTF8.GetBytes)
                    .ToArray()
            ),
            StringComparison.Ordinal
        );
    }
}
