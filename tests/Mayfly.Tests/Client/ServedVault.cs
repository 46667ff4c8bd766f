using System.Collections.Concurrent;
using Mayfly.Client;
using Mayfly.Core.Pipeline;
using Mayfly.Tests.Http;

namespace Mayfly.Tests.Client;

/// <summary>A whole vault behind a real Kestrel, and a clock that client and server share.</summary>
internal sealed class ServedVault : IAsyncDisposable
{
    private DialectServer _http = null!;

    private ServedVault(TestVault vault) => Vault = vault;

    public TestVault Vault { get; }

    public ManualTime Time => Vault.Time;

    /// <summary>Answers in the vault's stead, when it answers something.</summary>
    public Func<Request, Fault?> Interfere { get; set; } = static _ => null;

    /// <summary>What was asked: the path of each request.</summary>
    public ConcurrentQueue<string> Asked { get; } = [];

    /// <summary>Where it listens, and nobody logs in. Attempts have no limit: the clock that moves is not theirs.</summary>
    public MayflyClientOptions Options =>
        new()
        {
            Address = _http.Url.ToString(),
            Time = Time,
            Timeout = Timeout.InfiniteTimeSpan,
            MaxRetries = 0,
        };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<ServedVault> StartAsync()
    {
        var served = new ServedVault(await TestVault.StartAsync());
        served._http = await DialectServer.StartAsync(
            (request, cancellation) =>
            {
                served.Asked.Enqueue(request.Path);
                return served.Interfere(request) is { } fault
                    ? new ValueTask<Outcome>(fault)
                    : new ValueTask<Outcome>(served.Vault.Vault.HandleAsync(request, cancellation).AsTask());
            }
        );
        return served;
    }

    public int CountOf(string path) => Asked.Count(each => each == path);

    /// <summary>Writes as root.</summary>
    public Task<System.Text.Json.JsonElement> WriteAsync(string path, string? body = null) =>
        Vault.DataAsync(Operation.Update, path, body);

    /// <summary>Lets time pass in small steps, each with what it brings, until something is so.</summary>
    public async Task PassUntilAsync(Func<bool> isSo, TimeSpan? step = null)
    {
        while (!isSo())
        {
            await PassAsync(step ?? TimeSpan.FromSeconds(1), step ?? TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>Lets time pass in steps of a second, or others.</summary>
    public async Task PassAsync(TimeSpan time, TimeSpan? step = null)
    {
        var each = step ?? TimeSpan.FromSeconds(1);
        for (var passed = TimeSpan.Zero; passed < time; passed += each)
        {
            await Vault.AdvanceAsync(each);
            // What has come due runs on other threads.
            await Task.Delay(10, Cancellation);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _http.DisposeAsync();
        await Vault.DisposeAsync();
    }
}
