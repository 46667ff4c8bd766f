using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Identity;

/// <summary>The time of day is set wrong while the server runs, and right again.</summary>
public sealed class ClockTests
{
    private static readonly TimeSpan Year = TimeSpan.FromDays(365);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<TimeSpan> Jumps { get; } = [TimeSpan.FromHours(-1), TimeSpan.FromHours(1), -Year, Year];

    [Theory]
    [MemberData(nameof(Jumps))]
    public async Task The_server_works_on_after_a_jump(TimeSpan jump)
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/mounts/kv", """{"type":"kv","options":{"version":"2"}}""");
        await vault.DataAsync(Operation.Update, "sys/auth/approle", """{"type":"approle"}""");
        await vault.DataAsync(Operation.Update, "auth/approle/role/app", """{"secret_id_ttl":"1h","role_id":"r"}""");

        vault.Time.Jump(jump);
        await vault.AdvanceAsync(TimeSpan.FromSeconds(1));

        await vault.DataAsync(Operation.Update, "kv/metadata/a", """{"delete_version_after":"1h"}""");
        await vault.DataAsync(Operation.Update, "kv/data/a", """{"data":{"k":"v"}}""");
        var made = await vault.DataAsync(Operation.Update, "auth/approle/role/app/secret-id", "{}");
        var secretId = made.GetProperty("secret_id").GetString();
        var login = $$"""{"role_id":"r","secret_id":"{{secretId}}"}""";
        var token = await vault.TokenAsync("""{"ttl":"30m"}""");
        await vault.AdvanceAsync(TimeSpan.FromMinutes(29));
        Assert.True((await vault.HandleAsync(Operation.Update, "auth/approle/login", login)).Succeeded);
        await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: token);
        Assert.Equal(
            "v",
            (await vault.DataAsync(Operation.Read, "kv/data/a")).GetProperty("data").GetProperty("k").GetString()
        );
        var wrapped = await vault.HandleAsync(
            Operation.Update,
            "sys/wrapping/wrap",
            """{"a":"b"}""",
            wrapTtl: TimeSpan.FromMinutes(5)
        );
        var wrapping = JsonSerializer.Serialize(
            new Dictionary<string, string> { ["token"] = wrapped.Response!.WrapInfo!.Token }
        );
        await vault.DataAsync(Operation.Update, "sys/wrapping/unwrap", wrapping);

        await vault.AdvanceAsync(TimeSpan.FromMinutes(32));
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);
        await vault.FaultAsync(FaultKind.Invalid, Operation.Update, "auth/approle/login", login);
        await vault.FaultAsync(FaultKind.NotFound, Operation.Read, "kv/data/a");
        await vault.DataAsync(Operation.Read, "sys/mounts");
    }

    [Fact]
    public async Task A_token_from_a_clock_that_was_a_year_ahead_is_refused_once_it_is_right_and_in_that_year()
    {
        await using var vault = await TestVault.StartAsync();
        vault.Time.Jump(Year);
        var token = await vault.TokenAsync("""{"ttl":"1h"}""");
        var batch = await vault.TokenAsync("""{"ttl":"1h","type":"batch","policies":["default"]}""");
        await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: token);

        vault.Time.Jump(-Year);
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: batch);
        await vault.DataAsync(Operation.Read, "auth/token/lookup-self");

        await LookForAsync(vault, TimeSpan.FromMinutes(70));
        await vault.AdvanceAsync(Year - TimeSpan.FromMinutes(70));
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: batch);
        var now = await vault.TokenAsync("""{"ttl":"1h"}""");
        await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: now);
    }

    [Fact]
    public async Task A_token_renewed_by_a_clock_that_was_ahead_does_not_live_longer_for_it()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await vault.TokenAsync("""{"period":"1h"}""");
        vault.Time.Jump(TimeSpan.FromMinutes(30));
        await vault.DataAsync(Operation.Update, "auth/token/renew-self", token: token);
        vault.Time.Jump(TimeSpan.FromMinutes(-30));

        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);
    }

    [Fact]
    public async Task Nothing_is_revoked_when_a_clock_is_wrong_for_a_moment()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await vault.TokenAsync("""{"ttl":"768h"}""");
        vault.Time.Jump(-Year);
        await LookForAsync(vault, TimeSpan.FromMinutes(30));
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);

        vault.Time.Jump(Year);
        await LookForAsync(vault, TimeSpan.FromMinutes(120));
        await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: token);
    }

    [Fact]
    public async Task A_small_step_is_no_reason_to_refuse_a_token()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await vault.TokenAsync("""{"ttl":"1h"}""");
        vault.Time.Jump(TimeSpan.FromMinutes(-9));

        await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: token);
    }

    [Fact]
    public async Task What_the_clock_has_been_outlives_the_server()
    {
        await using var vault = await TestVault.StartAsync();
        vault.Time.Jump(Year);
        var token = await vault.TokenAsync("""{"ttl":"1h"}""");
        await vault.DataAsync(Operation.Update, "sys/seal");
        vault.Time.Jump(-Year);
        await vault.UnsealAsync();
        await LookForAsync(vault, TimeSpan.FromMinutes(70));
        await vault.DataAsync(Operation.Update, "sys/seal");
        await vault.UnsealAsync();

        await vault.AdvanceAsync(Year - TimeSpan.FromMinutes(70));
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);
    }

    private static async Task LookForAsync(TestVault vault, TimeSpan span)
    {
        for (var passed = TimeSpan.Zero; passed <= span; passed += TimeSpan.FromMinutes(5))
        {
            await vault.Vault.LookAtClockAsync(Cancellation);
            await vault.AdvanceAsync(TimeSpan.FromMinutes(5));
        }
    }
}
