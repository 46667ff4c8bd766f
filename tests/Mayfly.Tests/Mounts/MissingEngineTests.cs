using Mayfly.Core;
using Mayfly.Core.Engines;
using Mayfly.Core.Events;
using Mayfly.Core.Identity;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Crypto;
using Mayfly.Tests.Contracts;
using Mayfly.Tests.Engines;
using Microsoft.Extensions.Logging.Abstractions;
using Barrier = Mayfly.Core.Storage.Barrier;

namespace Mayfly.Tests.Mounts;

public sealed class MissingEngineTests : EngineContract
{
    protected override EngineType Type { get; } =
        new("gone", EngineKind.Secrets, "What an older server lacks.", context => new MissingEngine(context.Mount));

    [Fact]
    public async Task A_mount_of_an_unknown_type_keeps_nobody_from_starting_and_can_be_disabled()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var keyring = Keyring.Generate();
        await using var store = new MemoryStore();
        using var barrier = new Barrier(store, keyring);
        var time = new ManualTime();
        var view = new View(barrier, StoreKey.Root.Append("mounts"));
        await view.PutAsync("1", MountCodec.Encode(new MountRecord(At("old/", "gone"), Removing: false)), cancellation);
        await view.PutAsync("2", MountCodec.Encode(new MountRecord(At("kv/", "kv"), Removing: false)), cancellation);
        using var events = new EventBus(new EventLimits(), "mayfly://test", time);
        await using var mounts = new MountRegistry(
            barrier,
            view,
            Passwords.Source(barrier),
            new VaultOptions { Version = "test" },
            rotationsOf: _ => null!, // No engine here has anything rotated.
            events,
            time,
            NullLoggerFactory.Instance
        );

        await mounts.StartAsync([], cancellation);

        Assert.IsType<MissingEngine>(mounts.Table.At("old/")?.Engine);
        Assert.IsNotType<MissingEngine>(mounts.Table.At("kv/")?.Engine);
        Assert.Null(await mounts.DisableAsync("old/", cancellation));
        Assert.Null(mounts.Table.At("old/"));
    }

    [Fact]
    public async Task It_says_what_is_missing()
    {
        await using var harness = await StartAsync();

        (await harness.HandleAsync(Operation.Read, "a/b")).Failed(
            FaultKind.Unavailable,
            "gone/ has the type gone, which this server lacks"
        );
    }

    private static Mount At(string path, string type) =>
        new()
        {
            Uuid = path == "old/" ? "1" : "2",
            Kind = EngineKind.Secrets,
            Path = path,
            Type = type,
            Accessor = type,
        };
}
