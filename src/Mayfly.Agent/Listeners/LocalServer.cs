using System.Diagnostics;
using System.Net;
using Mayfly.Agent.Configuration;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Listeners;

/// <summary>Kestrel on the agent's listeners, with one application and nothing between.</summary>
internal sealed class LocalServer : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly IServer _server;
    private readonly IReadOnlyList<Certificates> _certificates;
    private readonly IReadOnlyList<UnixListenerStanza> _sockets;

    private LocalServer(
        ServiceProvider services,
        IReadOnlyList<Certificates> certificates,
        IReadOnlyList<UnixListenerStanza> sockets
    )
    {
        _services = services;
        _server = services.GetRequiredService<IServer>();
        _certificates = certificates;
        _sockets = sockets;
    }

    /// <summary>The addresses it listens at, with the ports that were chosen for port 0.</summary>
    public IReadOnlyList<string> Addresses => _server.Features.Get<IServerAddressesFeature>()?.Addresses.ToList() ?? [];

    /// <summary>Listens, and answers from then on.</summary>
    /// <exception cref="AgentException">An address or a certificate cannot be used.</exception>
    public static async Task<LocalServer> StartAsync(
        IReadOnlyList<ListenerStanza> listeners,
        Func<Exchange, Task> handle,
        ILoggerFactory logs,
        CancellationToken cancellation
    )
    {
        var certificates = new List<Certificates>();
        var services = new ServiceCollection();
        services.AddSingleton(logs);
        services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        services.AddMetrics();
        services.AddSingleton<DiagnosticSource>(new DiagnosticListener("mayfly-agent"));
        services.AddSingleton<IHostEnvironment, KestrelServices.Environment>();
        var kestrel = new KestrelServices(services).UseKestrelCore();
        if (listeners.Any(listener => listener is TcpListenerStanza { Tls: not null } or CertifiedListenerStanza))
        {
            kestrel.UseKestrelHttpsConfiguration();
        }

        services.Configure<KestrelServerOptions>(options =>
        {
            SetLimits(options);
            foreach (var listener in listeners)
            {
                Listen(options, listener, certificates, logs.CreateLogger("listener"));
            }
        });
        var provider = services.BuildServiceProvider();
        var sockets = listeners.OfType<UnixListenerStanza>().ToList();
        try
        {
            foreach (var socket in sockets)
            {
                UnixSocketFile.RemoveStale(socket.Path);
            }

            var server = new LocalServer(provider, certificates, sockets);
            await server._server.StartAsync(new Application(handle, logs.CreateLogger("listener")), cancellation);
            foreach (var socket in sockets)
            {
                UnixSocketFile.SetAccess(socket);
            }

            return server;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            await provider.DisposeAsync();
            throw new AgentException($"cannot listen: {e.Message}", e);
        }
    }

    /// <summary>Reads all certificates again. Those that cannot be used stay as they were, and are returned as problems.</summary>
    public IReadOnlyList<string> ReloadCertificates()
    {
        var problems = new List<string>();
        foreach (var certificate in _certificates)
        {
            try
            {
                certificate.Reload();
            }
            catch (AgentException e)
            {
                problems.Add(e.Message);
            }
        }

        return problems;
    }

    /// <summary>Takes no more connections, and lets running requests finish until <paramref name="cancellation"/> ends.</summary>
    public async Task StopAsync(CancellationToken cancellation)
    {
        await _server.StopAsync(cancellation);
        foreach (var socket in _sockets)
        {
            File.Delete(socket.Path);
        }
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private static void SetLimits(KestrelServerOptions options)
    {
        options.AddServerHeader = false;
        options.AllowSynchronousIO = false;
        options.Limits.MaxRequestLineSize = 64 * 1024;
        options.Limits.MaxRequestHeadersTotalSize = 64 * 1024;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        options.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(130);
    }

    private static void Listen(
        KestrelServerOptions options,
        ListenerStanza listener,
        List<Certificates> certificates,
        ILogger log
    )
    {
        switch (listener)
        {
            case TcpListenerStanza { Tls: { } files } tcp:
                var certificate = new Certificates(files);
                certificates.Add(certificate);
                options.Listen(
                    tcp.Address,
                    endpoint =>
                    {
                        endpoint.UseHttps(
                            new TlsHandshakeCallbackOptions
                            {
                                OnConnection = _ => new(certificate.Current),
                                HandshakeTimeout = TimeSpan.FromSeconds(10),
                            }
                        );
                        Mark(endpoint, listener, log);
                    }
                );
                break;
            case TcpListenerStanza tcp:
                options.Listen(tcp.Address, endpoint => Plain(endpoint, listener, log));
                break;
            case CertifiedListenerStanza certified when certified.Address.Address.Equals(IPAddress.IPv6Any):
                // Also where there is no IPv6.
                options.ListenAnyIP(certified.Address.Port, endpoint => Certified(endpoint, certified, log));
                break;
            case CertifiedListenerStanza certified:
                options.Listen(certified.Address, endpoint => Certified(endpoint, certified, log));
                break;
            case UnixListenerStanza unix:
                options.ListenUnixSocket(unix.Path, endpoint => Plain(endpoint, listener, log));
                break;
            default:
                throw new InvalidOperationException($"Unknown listener {listener.GetType().Name}.");
        }
    }

    private static void Certified(ListenOptions endpoint, CertifiedListenerStanza listener, ILogger log)
    {
        endpoint.UseHttps(
            new TlsHandshakeCallbackOptions
            {
                OnConnection = _ => new(listener.Certificate()),
                HandshakeTimeout = TimeSpan.FromSeconds(10),
            }
        );
        Mark(endpoint, listener, log);
    }

    private static void Plain(ListenOptions endpoint, ListenerStanza listener, ILogger log)
    {
        endpoint.Protocols = HttpProtocols.Http1;
        Mark(endpoint, listener, log);
    }

    /// <summary>Lets each connection know the listener that it came in by, and turns away programs that it is not for.</summary>
    private static void Mark(ListenOptions endpoint, ListenerStanza listener, ILogger log) =>
        endpoint.Use(next =>
            connection =>
            {
                if (
                    listener is UnixListenerStanza unix
                    && connection.Features.Get<IConnectionSocketFeature>()?.Socket is { } socket
                    && PeerCredentials.Of(socket) is var peer
                    && !peer.MayUse(unix)
                )
                {
                    log.LogWarning(
                        "Turned away process {Process} of user {User} and group {Group} at {Path}",
                        peer.Process,
                        peer.User,
                        peer.Group,
                        unix.Path
                    );
                    connection.Abort();
                    return Task.CompletedTask;
                }

                connection.Features.Set(listener);
                return next(connection);
            }
        );

    private sealed class Application(Func<Exchange, Task> handle, ILogger log) : IHttpApplication<Exchange>
    {
        public Exchange CreateContext(IFeatureCollection contextFeatures) => new(contextFeatures);

        public void DisposeContext(Exchange context, Exception? exception) { }

        public async Task ProcessRequestAsync(Exchange context)
        {
            try
            {
                await handle(context);
            }
            catch (OperationCanceledException) when (context.Gone.IsCancellationRequested)
            {
                context.Abort();
            }
            catch (IOException) when (context.Gone.IsCancellationRequested)
            {
                context.Abort();
            }
#pragma warning disable CA1031 // One request must not end the agent; what it says may quote secrets, so only its type is told.
            catch (Exception bug)
            {
                log.LogError(
                    "A request failed with {Type} at {Place}",
                    bug.GetType().Name,
                    bug.StackTrace?.Split('\n')[0].Trim()
                );
                if (context.HasStarted)
                {
                    context.Abort();
                }
                else
                {
                    await context.FailAsync(500, "internal error of the agent");
                }
            }
#pragma warning restore CA1031
        }
    }
}
