using System.Text.Json;
using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Auth;

/// <summary>Both methods in a whole vault: from enabling the mount to the end of the token.</summary>
public sealed class LoginTests
{
    [Fact]
    public async Task A_machine_logs_in_uses_its_token_and_renews_it_until_the_role_is_gone()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/auth/approle", """{"type":"approle"}""");
        await vault.DataAsync(
            Operation.Update,
            "auth/approle/role/web",
            """{"token_policies":"web","token_ttl":"10m","token_max_ttl":"1h","secret_id_ttl":60,"secret_id_num_uses":2}"""
        );
        var roleId = await FieldAsync(vault, Operation.Read, "auth/approle/role/web/role-id", "role_id");
        var secretId = await FieldAsync(vault, Operation.Update, "auth/approle/role/web/secret-id", "secret_id");
        var login = JsonSerializer.Serialize(new { role_id = roleId, secret_id = secretId });

        var issued = await LoginAsync(vault, "auth/approle/login", login);
        Assert.Equal("approle", issued.Entry.DisplayName);
        Assert.Equal(["default", "web"], issued.Entry.Policies);
        Assert.Equal("web", issued.Entry.Metadata["role_name"]);
        Assert.Equal(TimeSpan.FromMinutes(10), issued.Ttl);
        await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: issued.Token);

        await vault.AdvanceAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(
            "invalid role or secret ID",
            await vault.FaultAsync(FaultKind.Invalid, Operation.Update, "auth/approle/login", login)
        );
        var accessors = await vault.HandleAsync(Operation.List, "auth/approle/role/web/secret-id/");
        Assert.Equal(FaultKind.NotFound, accessors.Fault!.Kind);

        await vault.DataAsync(Operation.Update, "auth/token/renew-self", "{}", issued.Token);
        await vault.DataAsync(Operation.Delete, "auth/approle/role/web");
        await vault.FaultAsync(FaultKind.Invalid, Operation.Update, "auth/token/renew-self", "{}", issued.Token);
        await vault.AdvanceAsync(TimeSpan.FromMinutes(11));
        await vault.FaultAsync(
            FaultKind.Unauthenticated,
            Operation.Read,
            "auth/token/lookup-self",
            token: issued.Token
        );
    }

    [Fact]
    public async Task A_person_logs_in_and_the_token_ends_with_the_mount()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/auth/people", """{"type":"userpass"}""");
        await vault.DataAsync(
            Operation.Update,
            "auth/people/users/alice",
            """{"password":"correct horse","token_policies":"ops","token_no_default_policy":true}"""
        );
        var issued = await LoginAsync(vault, "auth/people/login/Alice", """{"password":"correct horse"}""");
        Assert.Equal("people-alice", issued.Entry.DisplayName);
        Assert.Equal(["ops"], issued.Entry.Policies);

        await vault.DataAsync(Operation.Delete, "sys/auth/people");
        await vault.FaultAsync(
            FaultKind.Unauthenticated,
            Operation.Read,
            "auth/token/lookup-self",
            token: issued.Token
        );
    }

    private static async Task<string> FieldAsync(TestVault vault, Operation operation, string path, string name) =>
        (await vault.DataAsync(operation, path)).GetProperty(name).GetString()!;

    private static async Task<IssuedToken> LoginAsync(TestVault vault, string path, string body)
    {
        var outcome = await vault.HandleAsync(Operation.Update, path, body);
        Assert.True(outcome.Succeeded, string.Join("; ", outcome.Fault?.Messages ?? []));
        return outcome.Response!.Auth!;
    }
}
