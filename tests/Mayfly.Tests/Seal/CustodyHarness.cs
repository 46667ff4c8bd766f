using Mayfly.Core.Pipeline;
using Mayfly.Core.Seal;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Crypto;
using Microsoft.Extensions.Logging.Abstractions;
using Barrier = Mayfly.Core.Storage.Barrier;

namespace Mayfly.Tests.Seal;

/// <summary>A custody over a store in memory, with the least vault that its hooks need: one secret behind a barrier.</summary>
public sealed class CustodyHarness : IAsyncDisposable
{
    public const string RootToken = "hvs.0123456789ABCDEFGHIJKLMN";

    public static readonly StoreKey Secret = StoreKey.Root.Append("mount").Append("secret");

    private CustodyHarness(MemoryStore store, ManualTime time)
    {
        Store = store;
        Time = time;
    }

    public MemoryStore Store { get; }

    public ManualTime Time { get; }

    public Custody Custody { get; private set; } = null!;

    public Barrier? Barrier { get; private set; }

    /// <summary>What the next opening or bootstrap fails with.</summary>
    public Fault? Refuse { get; set; }

    public int Minted { get; private set; }

    /// <summary>What happens while the vault closes, such as a request that it waits for.</summary>
    public Func<Task>? WhileClosing { get; set; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A server that starts on <paramref name="store"/>.</summary>
    public static async Task<CustodyHarness> StartAsync(
        ISeal? seal = null,
        MemoryStore? store = null,
        ManualTime? time = null
    )
    {
        var harness = new CustodyHarness(store ?? new MemoryStore(), time ?? new ManualTime());
        harness.Custody = await Custody.LoadAsync(
            harness.Store,
            seal,
            harness.Hooks(),
            harness.Time,
            NullLogger.Instance,
            Cancellation
        );
        return harness;
    }

    /// <summary>Initializes, and gives the shares as text.</summary>
    public async Task<string[]> InitializeAsync(int shares, int threshold)
    {
        var (keys, fault) = await Custody.InitializeAsync(shares, threshold, Cancellation);
        Assert.Null(fault);
        using (keys)
        {
            return [.. keys!.Shares.Select(share => Convert.ToHexStringLower(share.Span))];
        }
    }

    /// <summary>Submits each of the shares, none of which may be refused.</summary>
    public async Task UnsealAsync(params IEnumerable<string> shares)
    {
        foreach (var share in shares)
        {
            Assert.Null(await Custody.SubmitShareAsync(share, migrate: false, Cancellation));
        }
    }

    public async Task<string> ReadSecretAsync()
    {
        using var entry = await Barrier!.GetAsync(Secret, Cancellation);
        return System.Text.Encoding.UTF8.GetString(entry!.Value.Span);
    }

    /// <summary>The same store after the process has ended without a goodbye.</summary>
    public Task<CustodyHarness> RestartAsync(ISeal? seal = null) => StartAsync(seal, Store, Time);

    public async ValueTask DisposeAsync() => await Custody.DisposeAsync();

    private CustodyHooks Hooks() =>
        new()
        {
            RootTokenLength = RootToken.Length,
            BootstrapAsync = async (keyring, cancellation) =>
            {
                var barrier = new Barrier(Store, keyring);
                var batch = new Batch();
                barrier.Put(batch, Secret, "hello"u8);
                await Store.CommitAsync(batch, cancellation);
                return Refuse is null ? (RootToken, null) : (null, Refuse);
            },
            OpenAsync = (keyring, _) =>
            {
                Barrier = Refuse is null ? new Barrier(Store, keyring) : null;
                return new(Refuse);
            },
            CloseAsync = async _ =>
            {
                await (WhileClosing?.Invoke() ?? Task.CompletedTask);
                Barrier = null;
            },
            MintRootTokenAsync = _ =>
            {
                Minted++;
                return new((RootToken, (Fault?)null));
            },
        };
}
