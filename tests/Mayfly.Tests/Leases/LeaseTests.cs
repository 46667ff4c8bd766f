using Mayfly.Core;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Tests.Engines;

namespace Mayfly.Tests.Leases;

/// <summary>Leases through the whole vault, over an engine whose credentials the test can see.</summary>
public sealed class LeaseTests
{
    [Fact]
    public async Task A_credential_ends_with_its_lease()
    {
        await using var leasing = await LeasingVault.StartAsync();

        var lease = await leasing.IssueAsync("ttl=60");
        Assert.StartsWith("leasing/creds/app/", lease.LeaseId);
        Assert.Equal(TimeSpan.FromSeconds(60), lease.LeaseDuration);
        Assert.True(lease.Renewable);
        Assert.Single(leasing.Things.Alive);

        await leasing.Vault.AdvanceAsync(TimeSpan.FromSeconds(59));
        Assert.Single(leasing.Things.Alive);

        await leasing.Vault.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Empty(leasing.Things.Alive);
        await leasing.HasNothingStoredAsync();
    }

    [Fact]
    public async Task A_clock_that_jumps_ahead_ends_what_has_passed_its_time()
    {
        await using var leasing = await LeasingVault.StartAsync();
        await leasing.IssueAsync("ttl=30m");
        var later = await leasing.IssueAsync("ttl=2h");

        await leasing.Vault.AdvanceAsync(TimeSpan.FromHours(1));

        Assert.Equal(later.Name, Assert.Single(leasing.Things.Alive).Key);
    }

    [Fact]
    public async Task A_clock_that_is_set_back_lets_a_credential_live_longer_by_no_more_than_the_jump()
    {
        await using var leasing = await LeasingVault.StartAsync();
        await leasing.IssueAsync("ttl=30m");
        leasing.Vault.Time.Advance(TimeSpan.FromHours(-1));
        await leasing.IssueAsync("ttl=10m");

        await leasing.Vault.AdvanceAsync(TimeSpan.FromMinutes(10));
        Assert.Single(leasing.Things.Alive);

        await leasing.Vault.AdvanceAsync(TimeSpan.FromMinutes(80));
        Assert.Empty(leasing.Things.Alive);
    }

    [Fact]
    public async Task A_wrapped_credential_tells_its_lease_once_it_is_unwrapped()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var wrapped = await leasing.Vault.HandleAsync(
            Operation.Read,
            "leasing/creds/app",
            wrapTtl: TimeSpan.FromMinutes(1)
        );
        Assert.Empty(wrapped.Response!.LeaseId);

        var unwrapped = await leasing.Vault.HandleAsync(
            Operation.Update,
            "sys/wrapping/unwrap",
            token: wrapped.Response.WrapInfo!.Token
        );

        Assert.StartsWith("leasing/creds/app/", unwrapped.Response!.LeaseId);
        Assert.True(unwrapped.Response.Renewable);
        Assert.Single(leasing.Things.Alive);
        Assert.Null(await LeaseFaultAsync(leasing, unwrapped.Response.LeaseId));
    }

    [Fact]
    public async Task The_mount_and_the_server_cap_what_a_role_wants()
    {
        await using var leasing = await LeasingVault.StartAsync();
        await leasing.Vault.DataAsync(
            Operation.Update,
            "sys/mounts/leasing/tune",
            """{"default_lease_ttl":"10m","max_lease_ttl":"30m"}"""
        );

        Assert.Equal(TimeSpan.FromMinutes(10), (await leasing.IssueAsync()).LeaseDuration);
        var capped = await leasing.IssueAsync("ttl=2h");
        Assert.Equal(TimeSpan.FromMinutes(30), capped.LeaseDuration);
        Assert.Contains("exceeded the effective max_ttl", Assert.Single(capped.Warnings));
        Assert.Equal(TimeSpan.FromMinutes(5), (await leasing.IssueAsync("max_ttl=5m")).LeaseDuration);
    }

    [Fact]
    public async Task A_lease_ends_with_the_token_that_asked_for_it()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var parent = await leasing.Vault.TokenAsync("""{"ttl":"1h"}""");
        var child = await leasing.Vault.TokenAsync("""{"policies":["root"]}""", parent);
        await leasing.IssueAsync(token: child);
        await leasing.IssueAsync(token: child);
        await leasing.IssueAsync();

        await leasing.Vault.DataAsync(Operation.Update, "auth/token/revoke", $$"""{"token":"{{parent}}"}""");
        await leasing.Vault.AdvanceAsync(TimeSpan.Zero);

        Assert.Single(leasing.Things.Alive);
    }

    [Fact]
    public async Task A_lease_of_a_batch_token_ends_no_later_than_the_token()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var batch = await leasing.Vault.TokenWithPolicyAsync(
            "leasing",
            """path "leasing/creds/*" { capabilities = ["read"] }""",
            ""","type":"batch","ttl":"5m" """
        );

        var lease = await leasing.IssueAsync("ttl=1h", batch);

        Assert.Equal(TimeSpan.FromMinutes(5), lease.LeaseDuration);
    }

    [Fact]
    public async Task The_last_use_of_a_token_issues_nothing()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var token = await leasing.Vault.TokenAsync("""{"num_uses":1}""");

        Assert.Contains(
            "one use left",
            await leasing.Vault.FaultAsync(FaultKind.Invalid, Operation.Read, "leasing/creds/app", token: token)
        );
        Assert.Empty(leasing.Things.Alive);
    }

    [Fact]
    public async Task What_was_made_half_way_is_undone_at_once()
    {
        await using var leasing = await LeasingVault.StartAsync();
        leasing.Things.OnMake = (_, _) => new(Fault.Invalid("the second statement failed"));

        Assert.Equal(
            "the second statement failed",
            await leasing.Vault.FaultAsync(FaultKind.Invalid, Operation.Read, "leasing/creds/app")
        );

        Assert.Empty(leasing.Things.Alive);
        await leasing.HasNothingStoredAsync();
    }

    [Fact]
    public async Task What_is_away_for_one_path_does_not_hold_up_the_leases_of_another()
    {
        const int Away = 100;
        await using var leasing = await LeasingVault.StartAsync();
        leasing.Things.OnRevoke = (name, _) =>
            new(name.StartsWith("away", StringComparison.Ordinal) ? Fault.Unavailable("away") : null);
        for (var i = 0; i < Away; i++)
        {
            await leasing.IssueAsync("ttl=50", path: "leasing/creds/away");
        }

        await leasing.IssueAsync("ttl=60");
        await leasing.Vault.AdvanceAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(Away, leasing.Things.Alive.Count);
        Assert.InRange(leasing.Things.Revocations.Count, 2, Away / 2);
    }

    [Fact]
    public async Task What_has_been_away_for_one_path_for_long_does_not_delay_the_leases_of_another()
    {
        await using var leasing = await LeasingVault.StartAsync();
        leasing.Things.OnRevoke = (name, _) =>
            new(name.StartsWith("away", StringComparison.Ordinal) ? Fault.Unavailable("away") : null);
        for (var i = 0; i < 50; i++)
        {
            await leasing.IssueAsync("ttl=10", path: "leasing/creds/away");
        }

        // Each time the pauses are over, what is away is tried again, and refuses again.
        for (var i = 0; i < 20; i++)
        {
            await leasing.Vault.AdvanceAsync(TimeSpan.FromSeconds(15));
        }

        await leasing.IssueAsync("ttl=1");
        await leasing.Vault.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.DoesNotContain(leasing.Things.Alive.Keys, name => name.StartsWith("app", StringComparison.Ordinal));
        Assert.Equal(50, leasing.Things.Alive.Count);

        leasing.Things.OnRevoke = null;
        await leasing.Vault.AdvanceAsync(TimeSpan.FromHours(4));
        Assert.Empty(leasing.Things.Alive);
        await leasing.HasNothingStoredAsync();
    }

    [Fact]
    public async Task A_lease_that_comes_due_while_it_is_being_renewed_lives_on()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var lease = await leasing.IssueAsync("ttl=60");
        var renewing = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        leasing.Things.OnRenew = async (_, _) =>
        {
            renewing.SetResult();
            await goOn.Task;
            return null;
        };
        leasing.Vault.Time.Advance(TimeSpan.FromSeconds(30));
        var renewal = leasing.Vault.HandleAsync(
            Operation.Update,
            "sys/leases/renew",
            LeasePathsTests.Body(lease.LeaseId)
        );
        await renewing.Task;

        leasing.Vault.Time.Advance(TimeSpan.FromSeconds(30));
        var due = leasing.Vault.Vault.RunDueAsync(TestContext.Current.CancellationToken);
        goOn.SetResult();
        await due;

        Assert.True((await renewal).Succeeded);
        Assert.Empty(leasing.Things.Revocations);
        Assert.Single(leasing.Things.Alive);
    }

    [Fact]
    public async Task What_an_engine_did_not_even_begin_leaves_no_lease_to_be_revoked_while_the_engine_is_away()
    {
        await using var leasing = await LeasingVault.StartAsync();
        leasing.Things.OnRevoke = (_, _) => new(Fault.Unavailable("away"));
        leasing.Things.OnMake = (_, _) => new(Fault.Unavailable("away") with { NothingMade = true });

        var outcome = await leasing.Vault.HandleAsync(Operation.Read, "leasing/creds/app");

        Assert.Equal(FaultKind.Unavailable, outcome.Fault?.Kind);
        Assert.Empty(leasing.Things.Revocations);
        await leasing.HasNothingStoredAsync();
    }

    [Fact]
    public async Task What_cannot_be_undone_at_once_is_undone_later()
    {
        await using var leasing = await LeasingVault.StartAsync();
        leasing.Things.OnMake = (_, _) => throw new InvalidOperationException("a bug");
        leasing.Things.OnRevoke = (_, _) => new(Fault.Unavailable("the database is away"));
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            leasing.Vault.HandleAsync(Operation.Read, "leasing/creds/app")
        );
        Assert.Single(leasing.Things.Alive);

        leasing.Things.OnRevoke = null;
        await leasing.Vault.AdvanceAsync(TimeSpan.FromMinutes(5));

        Assert.Empty(leasing.Things.Alive);
        await leasing.HasNothingStoredAsync();
    }

    [Fact]
    public async Task A_credential_whose_reply_did_not_leave_is_revoked()
    {
        await using var leasing = await LeasingVault.StartAsync();
        using var request = new Request
        {
            Id = Guid.NewGuid().ToString(),
            Operation = Operation.Read,
            Path = "leasing/creds/app",
            Token = leasing.Vault.RootToken,
        };
        var outcome = await leasing.Vault.Vault.HandleAsync(request, TestContext.Current.CancellationToken);
        Assert.Single(leasing.Things.Alive);

        await outcome.Response!.Settle!(false);
        await leasing.Vault.AdvanceAsync(TimeSpan.Zero);

        Assert.Empty(leasing.Things.Alive);
        await leasing.HasNothingStoredAsync();
    }

    [Fact]
    public async Task A_credential_whose_reply_had_not_left_at_a_crash_is_revoked_at_the_next_start()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var kept = await leasing.IssueAsync();
        using var request = new Request
        {
            Id = Guid.NewGuid().ToString(),
            Operation = Operation.Read,
            Path = "leasing/creds/app",
            Token = leasing.Vault.RootToken,
        };
        await leasing.Vault.Vault.HandleAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(2, leasing.Things.Alive.Count);

        await using var restarted = await leasing.RestartAsync();

        var alive = Assert.Single(leasing.Things.Alive);
        Assert.Equal(kept.Name, alive.Key);
    }

    [Fact]
    public async Task Revoking_is_tried_again_until_it_works()
    {
        await using var leasing = await LeasingVault.StartAsync();
        await leasing.IssueAsync("ttl=60");
        leasing.Things.OnRevoke = (_, _) => new(Fault.Unavailable("the database is away"));
        await leasing.Vault.AdvanceAsync(TimeSpan.FromSeconds(60));
        await leasing.Vault.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.Single(leasing.Things.Alive);

        leasing.Things.OnRevoke = null;
        await leasing.Vault.AdvanceAsync(TimeSpan.FromMinutes(1));

        Assert.Empty(leasing.Things.Alive);
    }

    private static async Task<Fault?> LeaseFaultAsync(LeasingVault leasing, string id) =>
        (await leasing.Vault.HandleAsync(Operation.Update, "sys/leases/lookup", LeasePathsTests.Body(id))).Fault;
}
