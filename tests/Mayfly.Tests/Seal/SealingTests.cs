using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage.Memory;
using Mayfly.Tests.Engines;
using Mayfly.Tests.Server;

namespace Mayfly.Tests.Seal;

public sealed class SealingTests
{
    [Fact]
    public async Task Sealing_is_on_record_and_answered_before_the_audit_ends()
    {
        using var folder = new TemporaryFolder();
        await using var vault = await TestVault.StartAsync();
        var log = folder.File("audit.log");
        await vault.DataAsync(
            Operation.Update,
            "sys/audit/file",
            $$$"""{"type":"file","options":{"file_path":"{{{log}}}"}}"""
        );

        await vault.DataAsync(Operation.Update, "sys/seal");

        Assert.True(vault.Vault.Status.Sealed);
        var entries = File.ReadAllLines(log).Where(line => line.Contains("\"path\":\"sys/seal\"")).ToList();
        Assert.Equal(2, entries.Count);
        Assert.Contains("\"type\":\"response\"", entries[1]);
    }

    [Fact]
    public async Task Request_that_outlives_the_sealing_is_told_that_the_vault_is_sealed()
    {
        var store = new FaultyStore(new MemoryStore());
        await using var vault = await TestVault.StartAsync(store: store);
        await vault.DataAsync(Operation.Update, "sys/policies/acl/p", """{"policy":"path \"a\" {}"}""");
        await vault.DataAsync(Operation.Update, "sys/seal");
        await vault.UnsealAsync();
        await vault.DataAsync(Operation.Read, "auth/token/lookup-self");
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        store.HoldReads = held.Task;
        var read = vault.HandleAsync(Operation.Read, "sys/policies/acl/p");

        var seal = vault.HandleAsync(Operation.Update, "sys/seal");
        while (!seal.IsCompleted)
        {
            vault.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }

        held.SetResult();
        Assert.True((await seal).Succeeded);
        Assert.Equal(FaultKind.Sealed, (await read).Fault?.Kind);

        await vault.UnsealAsync();
        Assert.True((await vault.HandleAsync(Operation.Update, "auth/token/create", "{}")).Succeeded);
    }
}
