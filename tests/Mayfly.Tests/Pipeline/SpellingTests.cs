using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Pipeline;

public sealed class SpellingTests
{
    [Theory]
    [InlineData(Operation.Read, "auth/userpass/users/bob/")]
    [InlineData(Operation.Read, "auth/userpass/users/BOB")]
    [InlineData(Operation.Update, "auth/userpass/users/Bob/password")]
    [InlineData(Operation.Delete, "auth/userpass/users/Bob/")]
    [InlineData(Operation.Read, "sys/policies/acl/Guarded")]
    [InlineData(Operation.Read, "sys/policy/GUARDED")]
    [InlineData(Operation.Read, "auth/approle/role/Deploy/role-id")]
    [InlineData(Operation.Update, "auth/approle/role/deploy/secret-id/")]
    [InlineData(Operation.Delete, "sys/auth/userpass/")]
    public async Task A_denial_holds_for_every_spelling_of_its_path(Operation operation, string path)
    {
        await using var vault = await StartAsync();
        var token = await vault.TokenWithPolicyAsync(
            "guarded",
            """
            path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }
            path "auth/userpass/users/bob*" { capabilities = ["deny"] }
            path "sys/policies/acl/guarded" { capabilities = ["deny"] }
            path "sys/policy/guarded" { capabilities = ["deny"] }
            path "auth/approle/role/deploy/*" { capabilities = ["deny"] }
            path "sys/auth/userpass" { capabilities = ["deny"] }
            """
        );
        await vault.FaultAsync(FaultKind.Denied, operation, path, operation == Operation.Update ? "{}" : null, token);
    }

    [Fact]
    public async Task White_space_around_the_name_of_a_policy_is_not_passed_over()
    {
        await using var vault = await StartAsync();
        await vault.DataAsync(Operation.Update, "sys/policies/acl/p", """{"policy":"path \"a\" {}"}""");
        await vault.FaultAsync(FaultKind.NotFound, Operation.Read, "sys/policies/acl/p ");
        await vault.FaultAsync(FaultKind.Invalid, Operation.Update, "sys/policies/acl/ p", """{"policy":"#"}""");
        await vault.FaultAsync(FaultKind.Invalid, Operation.Delete, "sys/policies/acl/p ");
    }

    [Fact]
    public async Task A_rule_may_be_spelled_in_capitals_or_with_a_slash()
    {
        await using var vault = await StartAsync();
        var token = await vault.TokenWithPolicyAsync(
            "spelled",
            """
            path "auth/userpass/users/Bob" { capabilities = ["read"] }
            path "sys/auth/userpass/" { capabilities = ["read", "sudo"] }
            """
        );
        await vault.DataAsync(Operation.Read, "auth/userpass/users/Bob", token: token);
        await vault.DataAsync(Operation.Read, "sys/auth/userpass/", token: token);
    }

    [Fact]
    public async Task A_rule_for_what_stands_below_a_user_is_none_for_the_user()
    {
        await using var vault = await StartAsync();
        var token = await vault.TokenWithPolicyAsync(
            "below",
            """path "auth/userpass/users/bob/*" { capabilities = ["read", "update"] }"""
        );
        await vault.FaultAsync(FaultKind.Denied, Operation.Read, "auth/userpass/users/bob/", token: token);
        const string Escalation = """{"token_policies":"root"}""";
        await vault.FaultAsync(FaultKind.Denied, Operation.Update, "auth/userpass/users/bob/", Escalation, token);
        const string Password = """{"password":"another long one"}""";
        await vault.DataAsync(Operation.Update, "auth/userpass/users/bob/password", Password, token: token);
        await vault.DataAsync(Operation.Read, "auth/userpass/users/bob/");
    }

    private static async Task<TestVault> StartAsync()
    {
        var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/auth/userpass", """{"type":"userpass"}""");
        await vault.DataAsync(Operation.Update, "sys/auth/approle", """{"type":"approle"}""");
        await vault.DataAsync(Operation.Update, "auth/userpass/users/bob", """{"password":"a long one"}""");
        await vault.DataAsync(Operation.Update, "auth/approle/role/deploy", "{}");
        return vault;
    }
}
