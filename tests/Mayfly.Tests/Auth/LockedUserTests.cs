using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Auth;

/// <summary>Lockout after failed logins, through the whole vault.</summary>
public sealed class LockedUserTests
{
    [Fact]
    public async Task A_role_is_locked_after_five_wrong_secret_ids_and_for_fifteen_minutes()
    {
        await using var vault = await TestVault.StartAsync();
        var right = await AppRoleAsync(vault);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal("invalid role or secret ID", await FailAsync(vault, FaultKind.Invalid, "wrong"));
        }

        Assert.Equal("permission denied", await FailAsync(vault, FaultKind.Denied, right));
        await vault.AdvanceAsync(TimeSpan.FromMinutes(16));
        Assert.True((await LoginAsync(vault, right)).Succeeded);
    }

    [Fact]
    public async Task Who_is_locked_is_listed_and_unlocked()
    {
        await using var vault = await TestVault.StartAsync();
        var right = await AppRoleAsync(vault);
        for (var i = 0; i < 5; i++)
        {
            await FailAsync(vault, FaultKind.Invalid, "wrong");
        }

        var accessor = (await vault.DataAsync(Operation.Read, "sys/auth/approle")).GetProperty("accessor").GetString();
        var locked = await vault.DataAsync(Operation.Read, "sys/locked-users");
        Assert.Equal(1, locked.GetProperty("total").GetInt32());
        var mount = locked.GetProperty("by_namespace")[0].GetProperty("mount_accessors")[0];
        Assert.Equal(accessor, mount.GetProperty("mount_accessor").GetString());
        Assert.Equal("r", mount.GetProperty("alias_identifiers")[0].GetString());

        await vault.DataAsync(Operation.Update, $"sys/locked-users/{accessor}/unlock/r");
        Assert.True((await LoginAsync(vault, right)).Succeeded);
        Assert.Equal(0, (await vault.DataAsync(Operation.Read, "sys/locked-users")).GetProperty("total").GetInt32());
        await vault.FaultAsync(FaultKind.Invalid, Operation.Update, "sys/locked-users/nobody/unlock/r");
    }

    [Fact]
    public async Task A_mount_has_limits_of_its_own()
    {
        await using var vault = await TestVault.StartAsync();
        var right = await AppRoleAsync(vault);
        await vault.DataAsync(
            Operation.Update,
            "sys/auth/approle/tune",
            """{"user_lockout_config":{"lockout_threshold":"2","lockout_duration":"1m"}}"""
        );
        var tuning = await vault.DataAsync(Operation.Read, "sys/auth/approle/tune");
        Assert.Equal(2, tuning.GetProperty("user_lockout_threshold").GetInt32());
        Assert.Equal(60, tuning.GetProperty("user_lockout_duration").GetInt32());
        Assert.Equal(900, tuning.GetProperty("user_lockout_counter_reset_duration").GetInt32());

        await FailAsync(vault, FaultKind.Invalid, "wrong");
        await FailAsync(vault, FaultKind.Invalid, "wrong");
        await FailAsync(vault, FaultKind.Denied, right);
        await vault.AdvanceAsync(TimeSpan.FromMinutes(1));
        Assert.True((await LoginAsync(vault, right)).Succeeded);

        await vault.DataAsync(
            Operation.Update,
            "sys/auth/approle/tune",
            """{"user_lockout_config":{"lockout_disable":true}}"""
        );
        for (var i = 0; i < 10; i++)
        {
            await FailAsync(vault, FaultKind.Invalid, "wrong");
        }

        Assert.True((await LoginAsync(vault, right)).Succeeded);
    }

    [Theory]
    [InlineData("""{"user_lockout_config":{"lockout_threshold":"-1"}}""")]
    [InlineData("""{"user_lockout_config":{"lockout_duration":"soon"}}""")]
    [InlineData("""{"user_lockout_config":{"lockout_disable":"perhaps"}}""")]
    [InlineData("""{"user_lockout_config":{"threshold":1}}""")]
    public async Task Limits_that_make_no_sense_are_refused(string body)
    {
        await using var vault = await TestVault.StartAsync();
        await AppRoleAsync(vault);
        var message = await vault.FaultAsync(FaultKind.Invalid, Operation.Update, "sys/auth/approle/tune", body);
        Assert.Contains("user_lockout_config", message, StringComparison.Ordinal);
    }

    private static async Task<string> AppRoleAsync(TestVault vault)
    {
        await vault.DataAsync(Operation.Update, "sys/auth/approle", """{"type":"approle"}""");
        await vault.DataAsync(Operation.Update, "auth/approle/role/app", """{"role_id":"r"}""");
        var made = await vault.DataAsync(Operation.Update, "auth/approle/role/app/secret-id", "{}");
        return made.GetProperty("secret_id").GetString()!;
    }

    private static Task<Outcome> LoginAsync(TestVault vault, string secretId) =>
        vault.HandleAsync(Operation.Update, "auth/approle/login", Body(secretId));

    private static Task<string> FailAsync(TestVault vault, FaultKind kind, string secretId) =>
        vault.FaultAsync(kind, Operation.Update, "auth/approle/login", Body(secretId));

    private static string Body(string secretId) =>
        JsonSerializer.Serialize(new Dictionary<string, string> { ["role_id"] = "r", ["secret_id"] = secretId });
}
