using System.Net;
using System.Net.Sockets;
using Mayfly.Core;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Server.Configuration;
using Mayfly.Server.Http;
using Mayfly.Server.Http.Vault;
using Mayfly.Server.Logging;
using Microsoft.Extensions.Logging;

namespace Mayfly.Server.Startup;

/// <summary>A running server: store, vault and listeners, put together and taken apart in order.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    /// <summary>How long running requests may take to finish once the server is told to stop.</summary>
    public static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(20);

    private readonly Vault _vault;
    private readonly IStore _store;
    private readonly HttpServer _http;
    private readonly ILogger _log;

    private ServerProcess(Vault vault, IStore store, HttpServer http, ILogger log)
    {
        _vault = vault;
        _store = store;
        _http = http;
        _log = log;
    }

    public Vault Vault => _vault;

    /// <summary>Where clients reach it.</summary>
    public IReadOnlyCollection<string> Addresses => _http.Addresses;

    /// <summary>Opens the store and listens. The vault is sealed or new afterwards; see <see cref="DevMode"/>.</summary>
    /// <param name="configuration">What the operator asked for.</param>
    /// <param name="logs">Where to log.</param>
    /// <param name="time">The clock.</param>
    /// <param name="prepare">Runs before the first listener opens, so that nobody sees a half-made vault.</param>
    /// <param name="cancellation">Gives up starting.</param>
    /// <exception cref="StartupException">The store, a certificate or an address cannot be used.</exception>
    public static async Task<ServerProcess> StartAsync(
        ServerConfiguration configuration,
        ILoggerFactory logs,
        TimeProvider time,
        Func<Vault, Task> prepare,
        CancellationToken cancellation
    )
    {
        var store = OpenStore(configuration.Storage!);
        var vault = await Vault.LoadAsync(
            Options(configuration),
            store,
            seal: null,
            time,
            logs,
            () => "",
            cancellation
        );
        try
        {
            await prepare(vault);
            var http = await ListenAsync(configuration, vault, time, logs, cancellation);
            return new ServerProcess(vault, store, http, logs.CreateLogger("server"));
        }
        catch
        {
            await vault.DisposeAsync();
            await store.DisposeAsync();
            throw;
        }
    }

    /// <summary>What SIGHUP asks for: certificates are read again, and audit files opened again.</summary>
    public void Reload()
    {
        foreach (var problem in _http.ReloadCertificates())
        {
            _log.LogError("Kept the certificate in use: {Problem}", problem);
        }

        _log.LogInformation("Reloaded");
    }

    /// <summary>Stops listening, lets running requests finish, and closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(DrainLimit);
        await _http.StopAsync(limit.Token);
        await _http.DisposeAsync();
        await _vault.DisposeAsync();
        await _store.DisposeAsync();
    }

    private static MemoryStore OpenStore(StorageChoice choice)
    {
        if (choice.Folder is { } folder)
        {
            Directory.CreateDirectory(
                folder,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            );
        }

        return new MemoryStore();
    }

    private static VaultOptions Options(ServerConfiguration configuration)
    {
        var options = new VaultOptions
        {
            Version = Versions.InReplies,
            ApiAddress = configuration.ApiAddress,
            ClusterAddress = configuration.ClusterAddress,
            UnknownFields = configuration.UnknownFields,
        };
        return options with
        {
            ClusterName = configuration.ClusterName.Length > 0 ? configuration.ClusterName : options.ClusterName,
            DefaultLeaseTtl = configuration.DefaultLeaseTtl ?? options.DefaultLeaseTtl,
            MaxLeaseTtl = configuration.MaxLeaseTtl ?? options.MaxLeaseTtl,
        };
    }

    private static async Task<HttpServer> ListenAsync(
        ServerConfiguration configuration,
        Vault vault,
        TimeProvider time,
        ILoggerFactory logs,
        CancellationToken cancellation
    )
    {
        var application = new VaultApplication(
            vault.HandleAsync,
            new RequestDecoder(configuration.Listeners.Any(listener => listener.RequireRequestHeader)),
            [new HealthPath(() => new Health(vault.State, vault.Options.Version, vault.Options.ClusterName, ""), time)],
            logs.CreateLogger<VaultApplication>()
        );
        try
        {
            return await HttpServer.StartAsync(configuration.Listeners, application, logs, cancellation);
        }
        catch (Exception e) when (e is IOException or SocketException or TlsFilesException)
        {
            throw new StartupException($"cannot listen: {e.Message}", e);
        }
    }
}
