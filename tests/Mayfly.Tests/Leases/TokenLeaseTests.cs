using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Leases;

/// <summary>Tokens are leases too: their record is the token's own, and their id the path that made them and the accessor.</summary>
public sealed class TokenLeaseTests
{
    [Fact]
    public async Task A_login_is_a_lease_at_the_path_of_the_login()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var (token, accessor) = await LoginAsync(leasing, "alice");
        var id = $"auth/userpass/login/alice/{accessor}";

        Assert.Equal(["alice/"], await LeasePathsTests.KeysAsync(leasing, "auth/userpass/login/"));
        Assert.Equal([accessor], await LeasePathsTests.KeysAsync(leasing, "auth/userpass/login/alice/"));
        var shown = await leasing.Vault.DataAsync(Operation.Update, "sys/leases/lookup", LeasePathsTests.Body(id));
        Assert.Equal(3600, shown.GetProperty("ttl").GetInt32());
        Assert.Equal(
            "invalid lease",
            await LeasePathsTests.RefusedAsync(leasing, "sys/leases/lookup", "auth/x/" + accessor)
        );

        leasing.Vault.Time.Advance(TimeSpan.FromMinutes(30));
        var renewed = await leasing.Vault.HandleAsync(Operation.Update, "sys/leases/renew", LeasePathsTests.Body(id));
        Assert.Equal(TimeSpan.FromHours(1), renewed.Response!.LeaseDuration);
        Assert.Equal(id, renewed.Response.LeaseId);

        await leasing.Vault.DataAsync(Operation.Update, "sys/leases/revoke", LeasePathsTests.Body(id));
        await leasing.Vault.FaultAsync(
            FaultKind.Unauthenticated,
            Operation.Read,
            "auth/token/lookup-self",
            token: token
        );
    }

    [Fact]
    public async Task Revoking_a_prefix_ends_tokens_at_once_and_what_they_own_soon()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var (alice, accessor) = await LoginAsync(leasing, "alice");
        var (bob, _) = await LoginAsync(leasing, "bob");
        await leasing.IssueAsync(token: alice);
        await leasing.Vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: alice);

        await leasing.Vault.DataAsync(Operation.Update, "sys/leases/revoke-prefix/auth/userpass/login/alice");

        // Before anything is cleaned away.
        await leasing.Vault.FaultAsync(
            FaultKind.Unauthenticated,
            Operation.Read,
            "auth/token/lookup-self",
            token: alice
        );
        await leasing.Vault.FaultAsync(
            FaultKind.Denied,
            Operation.Update,
            "auth/token/lookup-accessor",
            $$"""{"accessor":"{{accessor}}"}"""
        );
        await leasing.Vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: bob);
        var (again, _) = await LoginAsync(leasing, "alice");
        await leasing.Vault.AdvanceAsync(TimeSpan.Zero);

        Assert.Empty(leasing.Things.Alive);
        await leasing.Vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: again);
        Assert.Single(await LeasePathsTests.KeysAsync(leasing, "auth/userpass/login/alice/"));
    }

    [Fact]
    public async Task Revoking_a_prefix_survives_a_restart_before_the_cleaning()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var (alice, _) = await LoginAsync(leasing, "alice");
        await leasing.Vault.DataAsync(Operation.Update, "sys/leases/revoke-prefix/auth/userpass");

        await using var restarted = await leasing.RestartAsync();

        var (fault, _) = await TestVault.CallAsync(restarted, Operation.Read, "auth/token/lookup-self", alice, null);
        Assert.Equal(FaultKind.Unauthenticated, fault!.Kind);
    }

    [Fact]
    public async Task Revoking_a_prefix_reaches_batch_tokens_as_long_as_they_would_have_lived()
    {
        await using var leasing = await LeasingVault.StartAsync();
        await leasing.Vault.DataAsync(Operation.Update, "sys/auth/userpass", """{"type":"userpass"}""");
        await leasing.Vault.DataAsync(Operation.Update, "sys/auth/userpass/tune", """{"token_type":"batch"}""");
        var (token, _) = await LoginAsync(leasing, "alice", ttl: "700h");

        await leasing.Vault.DataAsync(Operation.Update, "sys/leases/revoke-prefix/auth/userpass");
        await leasing.Vault.AdvanceAsync(TimeSpan.FromHours(699));

        await leasing.Vault.FaultAsync(
            FaultKind.Unauthenticated,
            Operation.Read,
            "auth/token/lookup-self",
            token: token
        );
    }

    [Fact]
    public async Task The_first_root_token_is_below_no_prefix()
    {
        await using var leasing = await LeasingVault.StartAsync();

        await leasing.Vault.DataAsync(Operation.Update, "sys/leases/revoke-prefix/auth/token");
        await leasing.Vault.AdvanceAsync(TimeSpan.Zero);

        await leasing.Vault.DataAsync(Operation.Read, "auth/token/lookup-self");
    }

    private static async Task<(string Token, string Accessor)> LoginAsync(
        LeasingVault leasing,
        string name,
        string ttl = "1h"
    )
    {
        await leasing.Vault.HandleAsync(Operation.Update, "sys/auth/userpass", """{"type":"userpass"}""");
        await leasing.Vault.DataAsync(
            Operation.Update,
            "sys/policies/acl/leasing",
            """{"policy":"path \"leasing/*\" { capabilities = [\"read\"] }"}"""
        );
        await leasing.Vault.DataAsync(
            Operation.Update,
            $"auth/userpass/users/{name}",
            $$"""{"password":"p","token_ttl":"{{ttl}}","token_policies":"leasing"}"""
        );
        var outcome = await leasing.Vault.HandleAsync(
            Operation.Update,
            $"auth/userpass/login/{name}",
            """{"password":"p"}"""
        );
        var auth = outcome.Response!.Auth!;
        return (auth.Token, auth.Entry.Accessor);
    }
}
