using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Leases;

/// <summary>What a mount has issued ends before the mount goes: nobody else could end it.</summary>
public sealed class LeavingMountTests
{
    [Fact]
    public async Task Disabling_a_mount_ends_what_it_has_issued()
    {
        await using var leasing = await LeasingVault.StartAsync();
        await leasing.IssueAsync();
        await leasing.IssueAsync();

        await leasing.Vault.DataAsync(Operation.Delete, "sys/mounts/leasing");

        Assert.Empty(leasing.Things.Alive);
        await leasing.HasNothingStoredAsync();
    }

    [Fact]
    public async Task Moving_a_mount_ends_what_it_has_issued()
    {
        await using var leasing = await LeasingVault.StartAsync();
        await leasing.IssueAsync();

        await leasing.Vault.DataAsync(Operation.Update, "sys/remount", """{"from":"leasing","to":"elsewhere"}""");

        Assert.Empty(leasing.Things.Alive);
        await leasing.IssueAsync(path: "elsewhere/creds/app");
        Assert.Single(leasing.Things.Alive);
    }

    [Fact]
    public async Task What_was_asked_of_a_mount_before_it_moved_is_not_issued_under_its_old_name()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var planning = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var moved = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        leasing.Things.OnPlan = () =>
        {
            planning.SetResult();
            return moved.Task;
        };
        var asked = leasing.Vault.HandleAsync(Operation.Read, "leasing/creds/app");
        await planning.Task;
        await leasing.Vault.DataAsync(Operation.Update, "sys/remount", """{"from":"leasing","to":"elsewhere"}""");

        moved.SetResult();

        Assert.Equal(FaultKind.NotFound, (await asked).Fault?.Kind);
        Assert.Empty(leasing.Things.Alive);
        await leasing.HasNothingStoredAsync();
    }

    [Fact]
    public async Task A_mount_whose_leases_cannot_be_ended_stays_until_they_are_forgotten_by_force()
    {
        await using var leasing = await LeasingVault.StartAsync();
        var lease = await leasing.IssueAsync();
        leasing.Things.OnRevoke = (_, _) => new(Fault.Unavailable("the database is away"));

        var reason = await leasing.Vault.FaultAsync(FaultKind.Unavailable, Operation.Delete, "sys/mounts/leasing");
        Assert.Contains("the database is away", reason);
        Assert.Contains("sys/leases/revoke-force/leasing", reason);
        Assert.Equal(lease.Name, Assert.Single(leasing.Things.Alive).Key);
        await leasing.Vault.DataAsync(Operation.Update, "sys/leases/lookup", LeasePathsTests.Body(lease.LeaseId));

        await leasing.Vault.DataAsync(Operation.Update, "sys/leases/revoke-force/leasing");
        await leasing.Vault.DataAsync(Operation.Delete, "sys/mounts/leasing");
        await leasing.HasNothingStoredAsync();
    }
}
