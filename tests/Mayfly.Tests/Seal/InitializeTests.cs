using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Tests.Seal;

public sealed class InitializeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    [InlineData(-1, -1)]
    [InlineData(3, 4)]
    [InlineData(3, 1)]
    [InlineData(256, 2)]
    [InlineData(long.MaxValue, long.MaxValue)]
    public async Task Numbers_that_make_no_sense_are_refused_and_nothing_is_written(long shares, long threshold)
    {
        await using var server = await CustodyHarness.StartAsync();
        var (_, fault) = await server.Custody.InitializeAsync(shares, threshold, Cancellation);
        Assert.Equal(FaultKind.Invalid, fault!.Kind);
        Assert.False(server.Custody.Status.Initialized);
        Assert.Equal(0, await server.Store.CountAsync(StoreKey.Root, Cancellation));
    }

    [Fact]
    public async Task A_vault_is_initialized_once()
    {
        await using var server = await CustodyHarness.StartAsync();
        await server.InitializeAsync(1, 1);
        var (_, fault) = await server.Custody.InitializeAsync(1, 1, Cancellation);
        Assert.Equal(FaultKind.Invalid, fault!.Kind);
        Assert.Equal(
            FaultKind.Invalid,
            (await (await server.RestartAsync()).Custody.InitializeAsync(1, 1, Cancellation)).Fault!.Kind
        );
    }

    [Fact]
    public async Task What_an_interrupted_initialization_left_behind_does_not_disturb_the_next()
    {
        await using var server = await CustodyHarness.StartAsync();
        server.Refuse = Fault.Unavailable("the disk is full");
        Assert.NotNull((await server.Custody.InitializeAsync(1, 1, Cancellation)).Fault);
        Assert.False(server.Custody.Status.Initialized);
        var leftover = await server.Store.GetAsync(CustodyHarness.Secret, Cancellation);
        Assert.NotNull(leftover);

        await using var restarted = await server.RestartAsync();
        await restarted.UnsealAsync(await restarted.InitializeAsync(1, 1));
        Assert.Equal("hello", await restarted.ReadSecretAsync());
        Assert.Null(await server.Store.GetAsync(Mayfly.Core.Seal.CoreKeys.Initializing, Cancellation));
    }

    [Fact]
    public async Task Records_whose_seal_configuration_was_lost_are_never_overwritten()
    {
        await using var server = await CustodyHarness.StartAsync();
        var batch = new Batch();
        batch.Put(CustodyHarness.Secret, new byte[100]);
        await server.Store.CommitAsync(batch, Cancellation);
        var (_, fault) = await server.Custody.InitializeAsync(1, 1, Cancellation);
        Assert.Equal(FaultKind.Conflict, fault!.Kind);
        Assert.NotNull(await server.Store.GetAsync(CustodyHarness.Secret, Cancellation));
    }
}
