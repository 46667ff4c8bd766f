using System.Net;
using System.Net.Sockets;
using Mayfly.Core;
using Mayfly.Core.Seal;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Core.Storage.Sqlite;
using Mayfly.Hosting.Listeners;
using Mayfly.Server.Configuration;
using Mayfly.Server.Http;
using Mayfly.Server.Http.Vault;
using Mayfly.Server.Telemetry;
using Microsoft.Extensions.Logging;

namespace Mayfly.Server.Startup;

/// <summary>A running server: store, vault and listeners, put together and taken apart in order.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    /// <summary>How long running requests may take to finish once the server is told to stop.</summary>
    public static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(20);

    private readonly Vault _vault;
    private readonly KestrelHost _http;
    private readonly ILogger _log;
    private readonly IReadOnlyList<object> _parts;

    private ServerProcess(Vault vault, KestrelHost http, ILogger log, IReadOnlyList<object> parts)
    {
        _vault = vault;
        _http = http;
        _log = log;
        _parts = parts;
    }

    public Vault Vault => _vault;

    /// <summary>Where clients reach it.</summary>
    public IReadOnlyList<string> Addresses => _http.Addresses;

    /// <summary>Opens the store and listens. The vault is sealed or new afterwards, unless <paramref name="prepare"/> opens it.</summary>
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
        // Taken apart in reverse order, also when starting fails halfway.
        var parts = new List<object>();
        KestrelHost? http = null;
        try
        {
            var metrics = Add(parts, new Metrics(time));
            var counts = Add(parts, new RequestCounts());
            var store = Add(parts, OpenStore(configuration.Storage!, logs));
            var vault = Add(
                parts,
                await Vault.LoadAsync(
                    Options(configuration) with
                    {
                        ApiAddress = () => ApiAddress(configuration, http),
                    },
                    store,
                    OpenSeal(configuration.Seal),
                    time,
                    logs,
                    metrics.Read,
                    cancellation
                )
            );
            await prepare(vault);
            await UnsealAsync(vault, configuration.Seal, logs.CreateLogger("seal"), cancellation);
            var application = new VaultApplication(
                vault.HandleAsync,
                [new HealthPath(() => HealthOf(vault), time), new MetricsPath(metrics.Read)],
                counts,
                logs.CreateLogger<VaultApplication>()
            );
            http = await HttpServer.StartAsync(configuration.Listeners, application, logs, cancellation);
            return new ServerProcess(vault, http, logs.CreateLogger("server"), parts);
        }
        catch (Exception e)
        {
            await DisposeAsync(parts);
            if (Explain(e) is { } reason)
            {
                throw new StartupException(reason, e);
            }

            throw;
        }
    }

    /// <summary>What SIGHUP asks for: certificates are read again, and audit files opened again.</summary>
    public async Task ReloadAsync(CancellationToken cancellation)
    {
        foreach (var problem in _http.ReloadCertificates())
        {
            _log.LogError("Kept the certificate in use: {Problem}", problem);
        }

        await _vault.ReopenAuditAsync(cancellation);
        _log.LogInformation("Reloaded");
    }

    /// <summary>Stops listening, lets running requests finish, and closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        _vault.EndStreams();
        using (var limit = new CancellationTokenSource(DrainLimit))
        {
            await _http.StopAsync(limit.Token);
        }

        await _http.DisposeAsync();
        await DisposeAsync(_parts);
    }

    private static T Add<T>(List<object> parts, T part)
        where T : class
    {
        parts.Add(part);
        return part;
    }

    private static async ValueTask DisposeAsync(IReadOnlyList<object> parts)
    {
        foreach (var part in parts.Reverse())
        {
            if (part is IAsyncDisposable asynchronous)
            {
                await asynchronous.DisposeAsync();
            }
            else if (part is IDisposable disposable)
            {
                disposable.Dispose();
            }
        }
    }

    private static IStore OpenStore(StorageChoice choice, ILoggerFactory logs) =>
        choice.Folder is { } folder
            ? SqliteStore.Open(folder, logger: logs.CreateLogger<SqliteStore>())
            : new MemoryStore();

    private static StaticKeySeal? OpenSeal(SealChoice choice)
    {
        if (choice.KeyFile is null)
        {
            return null;
        }

        var (seal, fault) = StaticKeySeal.Load(choice.KeyFile);
        return seal ?? throw new StartupException(string.Join("; ", fault!.Messages));
    }

    /// <summary>With an automatic seal the vault opens itself; when it cannot, it waits for recovery keys, and says why.</summary>
    private static async Task UnsealAsync(Vault vault, SealChoice seal, ILogger log, CancellationToken cancellation)
    {
        if (seal.KeyFile is null || vault.State != VaultState.Sealed)
        {
            return;
        }

        if (await vault.Custody.UnsealAutomaticallyAsync(cancellation) is { } fault)
        {
            log.LogError("Still sealed: {Reason}", string.Join("; ", fault.Messages));
        }
    }

    private static Health HealthOf(Vault vault) =>
        new(vault.State, vault.Options.Version, vault.Options.ClusterName, vault.Status.ClusterId);

    /// <summary>Why the server cannot start, when that is the world's doing rather than a bug.</summary>
    private static string? Explain(Exception e) =>
        e switch
        {
            StoreUnavailableException or StoreCorruptException => e.Message,
            IOException or SocketException or UnauthorizedAccessException or TlsFilesException =>
                $"cannot listen: {e.Message}",
            _ => null,
        };

    /// <summary>Where clients reach it: what the operator says, or the first listener that has an address of its own.</summary>
    private static string ApiAddress(ServerConfiguration configuration, KestrelHost? http)
    {
        if (configuration.ApiAddress.Length > 0)
        {
            return configuration.ApiAddress;
        }

        var addresses = http?.Addresses ?? [.. configuration.Listeners.Select(listener => listener.Address.Url)];
        return addresses.FirstOrDefault(address =>
                Uri.TryCreate(address, UriKind.Absolute, out var url)
                && IPAddress.TryParse(url.DnsSafeHost, out var host)
                && !host.Equals(IPAddress.Any)
                && !host.Equals(IPAddress.IPv6Any)
            ) ?? "";
    }

    private static VaultOptions Options(ServerConfiguration configuration)
    {
        var options = new VaultOptions
        {
            Version = Versions.InReplies,
            ClusterAddress = configuration.ClusterAddress,
            UnknownFields = configuration.UnknownFields,
            UserLockout = configuration.UserLockout,
        };
        return options with
        {
            ClusterName = configuration.ClusterName.Length > 0 ? configuration.ClusterName : options.ClusterName,
            DefaultLeaseTtl = configuration.DefaultLeaseTtl ?? options.DefaultLeaseTtl,
            MaxLeaseTtl = configuration.MaxLeaseTtl ?? options.MaxLeaseTtl,
        };
    }
}
