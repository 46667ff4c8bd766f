using System.Text;
using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Sys;

/// <summary><c>sys/policies/password</c> through the whole pipeline.</summary>
public sealed class PasswordPolicyPathsTests
{
    private const string Digits = "length = 12\nrule \"charset\" {\n  charset = \"0123456789\"\n}\n";

    [Fact]
    public async Task A_policy_is_written_read_listed_used_and_deleted()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.FaultAsync(FaultKind.NotFound, Operation.List, "sys/policies/password/");
        await WriteAsync(vault, "pin", Digits);
        await WriteAsync(vault, "coded", Convert.ToBase64String(Encoding.UTF8.GetBytes(Digits)));

        foreach (var name in (string[])["pin", "coded"])
        {
            var read = await vault.DataAsync(Operation.Read, $"sys/policies/password/{name}");
            Assert.Equal(Digits, read.GetProperty("policy").GetString());
            var made = await vault.DataAsync(Operation.Read, $"sys/policies/password/{name}/generate");
            Assert.Matches("^[0-9]{12}$", made.GetProperty("password").GetString());
        }

        var list = await vault.DataAsync(Operation.List, "sys/policies/password/");
        Assert.Equal("""["coded","pin"]""", list.GetProperty("keys").GetRawText());
        await vault.DataAsync(Operation.Delete, "sys/policies/password/pin");
        await vault.DataAsync(Operation.Delete, "sys/policies/password/pin");
        foreach (var path in (string[])["sys/policies/password/pin", "sys/policies/password/pin/generate"])
        {
            Assert.Equal("policy does not exist", await vault.FaultAsync(FaultKind.NotFound, Operation.Read, path));
        }
    }

    [Theory]
    [InlineData("", "missing policy")]
    [InlineData("length = 3", "failed to parse password policy: passwords must be between 4 and 100")]
    [InlineData("length = 4\nrule \"charset\" { charset = \"a\" min-chars = 5 }", "asks for at least 5 characters")]
    public async Task A_policy_that_cannot_work_is_not_stored(string policy, string reason)
    {
        await using var vault = await TestVault.StartAsync();
        await WriteAsync(vault, "p", Digits);

        var message = await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "sys/policies/password/p",
            Body(policy)
        );

        Assert.Contains(reason, message, StringComparison.Ordinal);
        var read = await vault.DataAsync(Operation.Read, "sys/policies/password/p");
        Assert.Equal(Digits, read.GetProperty("policy").GetString());
    }

    [Fact]
    public async Task A_policy_survives_sealing()
    {
        await using var vault = await TestVault.StartAsync();
        await WriteAsync(vault, "p", Digits);
        await vault.DataAsync(Operation.Update, "sys/seal");
        await vault.UnsealAsync();

        var read = await vault.DataAsync(Operation.Read, "sys/policies/password/p");
        Assert.Equal(Digits, read.GetProperty("policy").GetString());
    }

    private static Task<JsonElement> WriteAsync(TestVault vault, string name, string policy) =>
        vault.DataAsync(Operation.Update, $"sys/policies/password/{name}", Body(policy));

    private static string Body(string policy) =>
        JsonSerializer.Serialize(new Dictionary<string, string>(StringComparer.Ordinal) { ["policy"] = policy });
}
