using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Sys;

/// <summary>The paths about keys, called through the whole vault.</summary>
public sealed class KeyPathTests
{
    [Fact]
    public async Task The_seal_is_shown_and_taken_and_the_keys_bring_the_vault_back()
    {
        await using var vault = await TestVault.StartAsync();
        var open = await ReadAsync(vault, "sys/seal-status", token: null);
        Assert.False(open.GetProperty("sealed").GetBoolean());
        Assert.Equal("shamir", open.GetProperty("type").GetString());
        Assert.Equal(1, open.GetProperty("t").GetInt32());
        Assert.NotEqual("", open.GetProperty("cluster_id").GetString());
        Assert.Equal(
            FaultKind.Unauthenticated,
            (await CallAsync(vault, Operation.Update, "sys/seal", null)).Fault?.Kind
        );
        Assert.Null((await CallAsync(vault, Operation.Update, "sys/seal", vault.RootToken)).Fault);
        Assert.True((await ReadAsync(vault, "sys/seal-status", token: null)).GetProperty("sealed").GetBoolean());
        Assert.Equal(FaultKind.Sealed, (await CallAsync(vault, Operation.Read, "sys/key-status", null)).Fault?.Kind);
        Assert.Equal(
            FaultKind.Invalid,
            (await CallAsync(vault, Operation.Update, "sys/unseal", null, """{"key":"abcd"}""")).Fault?.Kind
        );
        Assert.Equal(
            FaultKind.Invalid,
            (await CallAsync(vault, Operation.Update, "sys/unseal", null, "{}")).Fault?.Kind
        );
        await vault.UnsealAsync();
        Assert.Equal(1, (await ReadAsync(vault, "sys/key-status", vault.RootToken)).GetProperty("term").GetInt32());
    }

    [Fact]
    public async Task Only_a_token_or_a_share_cancels_what_somebody_started()
    {
        await using var vault = await TestVault.StartAsync();
        foreach (var path in (string[])["sys/generate-root/attempt", "sys/generate-root", "sys/rekey/init"])
        {
            var body = path == "sys/rekey/init" ? """{"secret_shares":3,"secret_threshold":2}""" : null;
            var (fault, started) = await CallAsync(vault, Operation.Update, path, null, body);
            Assert.Null(fault);
            Assert.True(started!.Value.GetProperty("started").GetBoolean());
            Assert.Equal(FaultKind.Denied, (await CallAsync(vault, Operation.Delete, path, null)).Fault?.Kind);
            Assert.Equal(FaultKind.Denied, (await CallAsync(vault, Operation.Delete, path, "hvs.no")).Fault?.Kind);
            var status = await ReadAsync(vault, path, token: null);
            Assert.Equal(started.Value.GetProperty("nonce").GetString(), status.GetProperty("nonce").GetString());
            Assert.Null((await CallAsync(vault, Operation.Delete, path, vault.RootToken)).Fault);
            Assert.False((await ReadAsync(vault, path, token: null)).GetProperty("started").GetBoolean());
        }
    }

    [Fact]
    public async Task A_root_token_that_was_generated_works()
    {
        await using var vault = await TestVault.StartAsync();
        var (_, started) = await CallAsync(vault, Operation.Update, "sys/generate-root/attempt", null);
        var nonce = started!.Value.GetProperty("nonce").GetString();
        var (fault, done) = await CallAsync(
            vault,
            Operation.Update,
            "sys/generate-root/update",
            null,
            $$"""{"nonce":"{{nonce}}","key":"{{vault.Shares[0]}}"}"""
        );
        Assert.Null(fault);
        var encoded = done!.Value.GetProperty("encoded_root_token").GetString()!;
        var bytes = Convert.FromBase64String(encoded.PadRight((encoded.Length + 3) / 4 * 4, '='));
        var pad = started.Value.GetProperty("otp").GetString()!;
        var token = new string([.. bytes.Select((value, i) => (char)(value ^ pad[i]))]);
        Assert.Equal(1, (await ReadAsync(vault, "sys/key-status", token)).GetProperty("term").GetInt32());
    }

    [Fact]
    public async Task Rotation_is_started_configured_and_shown()
    {
        await using var vault = await TestVault.StartAsync();
        Assert.Null((await CallAsync(vault, Operation.Update, "sys/rotate", vault.RootToken)).Fault);
        Assert.Equal(2, (await ReadAsync(vault, "sys/key-status", vault.RootToken)).GetProperty("term").GetInt32());
        await vault.Vault.Custody.Rotation.Rewrapping;
        var progress = await ReadAsync(vault, "sys/rotate", vault.RootToken);
        Assert.True(progress.GetProperty("complete").GetBoolean());
        Assert.Equal(0, progress.GetProperty("damaged").GetInt32());
        Assert.Null(
            (
                await CallAsync(
                    vault,
                    Operation.Update,
                    "sys/rotate/config",
                    vault.RootToken,
                    """{"interval":"48h","max_operations":2000000}"""
                )
            ).Fault
        );
        var config = await ReadAsync(vault, "sys/rotate/config", vault.RootToken);
        Assert.Equal(172_800, config.GetProperty("interval").GetInt32());
        foreach (var wrong in (string[])["""{"interval":"1h"}""", """{"max_operations":5}""", """{"interval":-1}"""])
        {
            var (fault, _) = await CallAsync(vault, Operation.Update, "sys/rotate/config", vault.RootToken, wrong);
            Assert.Equal(FaultKind.Invalid, fault?.Kind);
        }
    }

    [Theory]
    [InlineData("sys/rekey/init", """{"secret_shares":1,"secret_threshold":1,"pgp_keys":["x"]}""")]
    [InlineData("sys/rekey/init", """{"secret_shares":1,"secret_threshold":1,"backup":true}""")]
    [InlineData("sys/rekey/init", """{"secret_shares":1,"secret_threshold":2}""")]
    [InlineData("sys/rekey-recovery-key/init", """{"secret_shares":1,"secret_threshold":1}""")]
    [InlineData("sys/rekey/update", """{"key":"00","nonce":"x"}""")]
    [InlineData("sys/rekey/verify", """{"key":"00","nonce":"x"}""")]
    [InlineData("sys/generate-root/attempt", """{"pgp_key":"x"}""")]
    [InlineData("sys/generate-root/update", """{"key":"00","nonce":"x"}""")]
    [InlineData("sys/generate-root/update", """{"nonce":"x"}""")]
    [InlineData("sys/init", """{"secret_shares":1,"secret_threshold":1}""")]
    [InlineData("sys/unseal", """{"key":""}""")]
    public async Task What_cannot_be_done_is_said(string path, string body)
    {
        await using var vault = await TestVault.StartAsync();
        var (fault, _) = await CallAsync(vault, Operation.Update, path, null, body);
        Assert.Equal(FaultKind.Invalid, fault?.Kind);
        Assert.NotEmpty(fault!.Messages[0]);
    }

    private static async Task<JsonElement> ReadAsync(TestVault vault, string path, string? token)
    {
        var (fault, data) = await CallAsync(vault, Operation.Read, path, token);
        Assert.Null(fault);
        return data!.Value;
    }

    private static Task<(Fault? Fault, JsonElement? Data)> CallAsync(
        TestVault vault,
        Operation operation,
        string path,
        string? token,
        string? body = null
    ) => TestVault.CallAsync(vault.Vault, operation, path, token, body);
}
