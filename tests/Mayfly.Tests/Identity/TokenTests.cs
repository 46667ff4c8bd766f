using System.Net;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage.Memory;
using Mayfly.Tests.Engines;

namespace Mayfly.Tests.Identity;

public sealed class TokenTests
{
    [Fact]
    public async Task Root_looks_itself_up()
    {
        await using var vault = await TestVault.StartAsync();
        var data = await vault.DataAsync(Operation.Read, "auth/token/lookup-self");
        Assert.Equal(vault.RootToken, data.GetProperty("id").GetString());
        Assert.Equal("root", data.GetProperty("policies")[0].GetString());
        Assert.Equal(0, data.GetProperty("ttl").GetInt64());
        Assert.True(data.GetProperty("orphan").GetBoolean());
    }

    [Fact]
    public async Task A_token_ends_with_its_ttl_and_leaves_nothing_in_the_store()
    {
        await using var vault = await TestVault.StartAsync();
        var before = await vault.Store.CountAsync(default, TestContext.Current.CancellationToken);
        var token = await vault.TokenAsync("""{"ttl":"1h"}""");
        await vault.AdvanceAsync(TimeSpan.FromMinutes(59));
        await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: token);
        await vault.AdvanceAsync(TimeSpan.FromMinutes(2));
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);
        Assert.Equal(before, await vault.Store.CountAsync(default, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_expired_token_is_refused_even_before_it_is_removed()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await vault.TokenAsync("""{"ttl":"1h"}""");
        vault.Time.Advance(TimeSpan.FromHours(1));
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);
    }

    [Fact]
    public async Task Children_end_with_their_parent()
    {
        await using var vault = await TestVault.StartAsync();
        var parent = await vault.TokenAsync("""{"policies":["root"],"ttl":"1h"}""");
        var child = await vault.TokenAsync("""{"ttl":"1h"}""", parent);
        var grandchild = await vault.TokenAsync("""{"policies":["root"]}""", parent);
        var great = await vault.TokenAsync("""{"ttl":"1h"}""", grandchild);
        await vault.DataAsync(Operation.Update, "auth/token/revoke", $$"""{"token":"{{parent}}"}""");
        foreach (var token in new[] { parent, child, grandchild, great })
        {
            await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);
        }
    }

    [Fact]
    public async Task Revoke_orphan_sets_children_free()
    {
        await using var vault = await TestVault.StartAsync();
        var parent = await vault.TokenAsync("""{"policies":["root"],"ttl":"1h"}""");
        var child = await vault.TokenAsync("""{"ttl":"1h"}""", parent);
        await vault.DataAsync(Operation.Update, "auth/token/revoke-orphan", $$"""{"token":"{{parent}}"}""");
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: parent);
        var data = await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: child);
        Assert.True(data.GetProperty("orphan").GetBoolean());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Children_go_free_although_the_store_fails_half_way(int commits)
    {
        var store = new FaultyStore(new MemoryStore());
        await using var vault = await TestVault.StartAsync(store: store);
        var parent = await vault.TokenAsync("""{"policies":["root"],"ttl":"1h"}""");
        var child = await vault.TokenAsync("""{"ttl":"1h"}""", parent);
        store.FailAfter(commits);
        await vault.HandleAsync(Operation.Update, "auth/token/revoke-orphan", $$"""{"token":"{{parent}}"}""");
        store.FailAfter(int.MaxValue);
        await vault.AdvanceAsync(TimeSpan.FromMinutes(1));

        // The scheduler may have met the failing store just now, and then tries again later.
        await vault.AdvanceAsync(TimeSpan.FromMinutes(1));
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: parent);
        var data = await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: child);
        Assert.True(data.GetProperty("orphan").GetBoolean());
    }

    [Fact]
    public async Task A_token_with_two_uses_is_good_for_two_requests()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await vault.TokenAsync("""{"num_uses":2}""");
        await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: token);
        await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: token);
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);
    }

    [Fact]
    public async Task Sixty_four_requests_at_once_never_take_more_uses_than_there_are()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await vault.TokenAsync("""{"num_uses":10}""");
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 64)
                .Select(_ => Task.Run(() => vault.HandleAsync(Operation.Read, "auth/token/lookup-self", token: token)))
        );
        Assert.Equal(10, outcomes.Count(outcome => outcome.Succeeded));
    }

    [Fact]
    public async Task Renewal_extends_a_token_up_to_its_explicit_maximum()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await vault.TokenAsync("""{"ttl":"1h","explicit_max_ttl":"90m"}""");
        vault.Time.Advance(TimeSpan.FromMinutes(50));
        var outcome = await vault.HandleAsync(Operation.Update, "auth/token/renew-self", "{}", token);
        Assert.Equal(TimeSpan.FromMinutes(40), outcome.Response!.Auth!.Ttl);
        await vault.AdvanceAsync(TimeSpan.FromMinutes(41));
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);
    }

    [Fact]
    public async Task A_periodic_token_lives_as_long_as_it_is_renewed()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await vault.TokenAsync("""{"period":"24h"}""");
        for (var day = 0; day < 60; day++)
        {
            await vault.AdvanceAsync(TimeSpan.FromHours(23));
            var outcome = await vault.HandleAsync(Operation.Update, "auth/token/renew-self", "{}", token);
            Assert.Equal(TimeSpan.FromHours(24), outcome.Response!.Auth!.Ttl);
        }
    }

    [Fact]
    public async Task A_batch_token_works_and_can_be_neither_renewed_nor_revoked()
    {
        await using var vault = await TestVault.StartAsync();
        var before = await vault.Store.CountAsync(default, TestContext.Current.CancellationToken);
        var token = await vault.TokenAsync("""{"type":"batch","policies":["default"],"ttl":"1h"}""");
        Assert.StartsWith("hvb.", token, StringComparison.Ordinal);
        Assert.Equal(before, await vault.Store.CountAsync(default, TestContext.Current.CancellationToken));
        var data = await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: token);
        Assert.Equal("batch", data.GetProperty("type").GetString());
        await vault.FaultAsync(FaultKind.Invalid, Operation.Update, "auth/token/renew-self", "{}", token);
        await vault.FaultAsync(FaultKind.Invalid, Operation.Update, "auth/token/revoke", $$"""{"token":"{{token}}"}""");
        vault.Time.Advance(TimeSpan.FromHours(2));
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);
    }

    [Theory]
    [InlineData("")]
    [InlineData("hvs.")]
    [InlineData("hvb.")]
    [InlineData("hvb.AAAA")]
    [InlineData("hvb.!!!!")]
    [InlineData("nonsense")]
    [InlineData("s.aaaaaaaaaaaaaaaaaaaaaaaa")]
    public async Task Tokens_that_were_never_issued_are_refused(string token)
    {
        await using var vault = await TestVault.StartAsync();
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);
    }

    [Fact]
    public async Task A_truncated_or_changed_token_is_refused()
    {
        await using var vault = await TestVault.StartAsync();
        var batch = await vault.TokenAsync("""{"type":"batch","ttl":"1h"}""");
        foreach (
            var token in new[] { vault.RootToken[..^1], vault.RootToken + "x", batch[..^1], batch[..^8] + "AAAAAAAA" }
        )
        {
            await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);
        }
    }

    [Fact]
    public async Task A_bound_token_works_only_from_its_networks()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "auth/token/roles/bound", """{"token_bound_cidrs":["10.0.0.0/8"]}""");
        var made = await vault.HandleAsync(Operation.Update, "auth/token/create/bound", "{}");
        var token = made.Response!.Auth!.Token;
        await vault.FaultAsync(
            FaultKind.Unauthenticated,
            Operation.Read,
            "auth/token/lookup-self",
            token: token,
            remote: IPAddress.Parse("192.168.0.1")
        );
        var outcome = await vault.HandleAsync(
            Operation.Read,
            "auth/token/lookup-self",
            token: token,
            remote: IPAddress.Parse("10.1.2.3")
        );
        Assert.True(outcome.Succeeded);
    }

    [Fact]
    public async Task A_child_cannot_have_policies_that_its_parent_lacks()
    {
        await using var vault = await TestVault.StartAsync();
        var parent = await vault.TokenWithPolicyAsync(
            "maker",
            """path "auth/token/create" { capabilities = ["update"] }"""
        );
        await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "auth/token/create",
            """{"policies":["root"]}""",
            parent
        );
        await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "auth/token/create",
            """{"policies":["other"]}""",
            parent
        );
        await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "auth/token/create",
            """{"no_parent":true}""",
            parent
        );
        await vault.FaultAsync(FaultKind.Invalid, Operation.Update, "auth/token/create", """{"period":"1h"}""", parent);
        await vault.FaultAsync(FaultKind.Invalid, Operation.Update, "auth/token/create", """{"id":"mine"}""", parent);
        var child = await vault.TokenAsync("{}", parent);
        var data = await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: child);
        Assert.Equal(["default", "maker"], data.GetProperty("policies").EnumerateArray().Select(p => p.GetString()));
    }

    [Fact]
    public async Task Sudo_makes_no_root()
    {
        await using var vault = await TestVault.StartAsync();
        var admin = await vault.TokenWithPolicyAsync(
            "admin",
            """path "auth/token/create" { capabilities = ["update", "sudo"] }"""
        );
        await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "auth/token/create",
            """{"policies":["root"]}""",
            admin
        );
        await vault.TokenAsync("""{"policies":["anything"]}""", admin);
    }

    [Fact]
    public async Task A_role_bounds_the_policies_of_its_tokens()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(
            Operation.Update,
            "auth/token/roles/app",
            """{"allowed_policies":["app","shared"],"orphan":true,"renewable":false,"path_suffix":"x1"}"""
        );
        var outcome = await vault.HandleAsync(Operation.Update, "auth/token/create/app", """{"policies":["app"]}""");
        var entry = outcome.Response!.Auth!.Entry;
        Assert.Equal(["app", "default"], entry.Policies);
        Assert.Null(entry.Parent);
        Assert.False(entry.Renewable);
        Assert.Equal("auth/token/create/app/x1", entry.Path);
        await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "auth/token/create/app",
            """{"policies":["prod"]}"""
        );
    }

    [Fact]
    public async Task Accessors_stand_for_tokens_without_their_power()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await vault.TokenAsync("""{"ttl":"1h"}""");
        var accessor = (await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: token))
            .GetProperty("accessor")
            .GetString()!;
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: accessor);
        var data = await vault.DataAsync(
            Operation.Update,
            "auth/token/lookup-accessor",
            $$"""{"accessor":"{{accessor}}"}"""
        );
        Assert.Equal("", data.GetProperty("id").GetString());
        var listed = await vault.DataAsync(Operation.List, "auth/token/accessors/");
        Assert.Contains(accessor, listed.GetProperty("keys").EnumerateArray().Select(key => key.GetString()));
        await vault.DataAsync(Operation.Update, "auth/token/revoke-accessor", $$"""{"accessor":"{{accessor}}"}""");
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);
    }

    [Fact]
    public async Task Tokens_survive_sealing_and_unsealing()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await vault.TokenAsync("""{"ttl":"1h"}""");
        await vault.HandleAsync(Operation.Update, "sys/seal");
        await vault.FaultAsync(FaultKind.Sealed, Operation.Read, "auth/token/lookup-self", token: token);
        await vault.UnsealAsync();
        await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: token);
    }
}
