using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Sys;

/// <summary>What client libraries and Terraform's provider send besides what they mean, and the texts that they look for.</summary>
public sealed class ClientHabitTests
{
    [Fact]
    public async Task Terraform_writes_a_versioned_secret_again()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/mounts/kv", """{"type":"kv-v2"}""");
        const string Body = """{"data":{"a":"b"},"cas":0,"options":{}}""";
        await vault.DataAsync(Operation.Update, "kv/data/app", Body);
        var second = await vault.DataAsync(Operation.Update, "kv/data/app", Body);
        Assert.Equal(2, second.GetProperty("version").GetInt32());
    }

    [Fact]
    public async Task Terraform_writes_a_token_role_with_all_that_roles_have_elsewhere()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(
            Operation.Update,
            "auth/token/roles/r",
            """{"allowed_policies":[],"orphan":false,"token_policies":[],"token_ttl":0,"token_type":"default-service"}"""
        );
        var role = await vault.DataAsync(Operation.Read, "auth/token/roles/r");
        Assert.Equal("default-service", role.GetProperty("token_type").GetString());
    }

    [Fact]
    public async Task Typed_clients_send_null_for_options_that_are_not_set()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(
            Operation.Update,
            "sys/mounts/kv",
            """{"type":"kv","options":{"version":"2","other":null},"config":null}"""
        );
        var mount = await vault.DataAsync(Operation.Read, "sys/mounts/kv");
        Assert.False(mount.GetProperty("options").TryGetProperty("other", out _));
    }

    [Theory]
    [InlineData(
        Operation.Update,
        "sys/audit-hash/none",
        """{"input":"x"}""",
        FaultKind.Invalid,
        "unknown audit backend"
    )]
    [InlineData(Operation.Read, "sys/rekey/backup", null, FaultKind.Invalid, "no backed-up keys found")]
    [InlineData(Operation.Read, "sys/no/such/thing", null, FaultKind.NotFound, "unsupported path")]
    [InlineData(Operation.Read, "auth/token/no/such/thing", null, FaultKind.NotFound, "unsupported path")]
    public async Task Failures_have_the_text_and_kind_that_clients_look_for(
        Operation operation,
        string path,
        string? body,
        FaultKind kind,
        string text
    )
    {
        await using var vault = await TestVault.StartAsync();
        Assert.Contains(text, await vault.FaultAsync(kind, operation, path, body), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_token_permission_is_denied()
    {
        await using var vault = await TestVault.StartAsync();
        var message = await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "sys/mounts", token: "");
        Assert.Equal("permission denied", message);
    }

    [Fact]
    public async Task A_root_token_is_made_for_the_pad_of_28_characters_that_scripts_bring_along()
    {
        await using var vault = await TestVault.StartAsync();
        var started = await vault.DataAsync(
            Operation.Update,
            "sys/generate-root/attempt",
            """{"otp":"0123456789012345678901234567"}"""
        );
        Assert.True(started.GetProperty("started").GetBoolean());
        Assert.Equal(28, started.GetProperty("otp_length").GetInt32());
    }

    [Fact]
    public async Task Tokens_are_made_after_a_mount_has_gone_and_the_keyring_has_rotated()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/auth/userpass", """{"type":"userpass"}""");
        await vault.DataAsync(Operation.Delete, "sys/auth/userpass");
        await vault.DataAsync(Operation.Update, "sys/rotate");
        for (var i = 0; i < 50; i++)
        {
            // The records are wrapped anew in the background meanwhile.
            await Task.Delay(10, TestContext.Current.CancellationToken);
            await vault.TokenAsync("""{"ttl":"1h"}""");
        }

        await vault.DataAsync(Operation.Update, "sys/auth/userpass", """{"type":"userpass"}""");
        await vault.DataAsync(Operation.Delete, "sys/auth/userpass");
        await vault.TokenAsync("""{"ttl":"1h"}""");
    }

    [Fact]
    public async Task Backups_of_rekeyed_shares_can_be_deleted_though_there_are_none()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Delete, "sys/rekey/backup");
        Assert.Contains(
            "system backend",
            (await vault.DataAsync(Operation.Help, "sys")).GetProperty("help").GetString(),
            StringComparison.Ordinal
        );
    }
}
