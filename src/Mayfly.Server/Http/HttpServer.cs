using System.Diagnostics;
using System.Net;
using Mayfly.Server.Http.Vault;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mayfly.Server.Http;

/// <summary>Kestrel on a set of listeners, with one application and nothing between.</summary>
internal sealed class HttpServer : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly IServer _server;
    private readonly IReadOnlyList<Certificates> _certificates;
    private readonly IReadOnlyList<UnixListener> _sockets;

    private HttpServer(
        ServiceProvider services,
        IReadOnlyList<Certificates> certificates,
        IReadOnlyList<UnixListener> sockets
    )
    {
        _services = services;
        _server = services.GetRequiredService<IServer>();
        _certificates = certificates;
        _sockets = sockets;
    }

    /// <summary>The addresses it listens at, with the ports that were chosen for port 0.</summary>
    public IReadOnlyCollection<string> Addresses =>
        (IReadOnlyCollection<string>?)_server.Features.Get<IServerAddressesFeature>()?.Addresses.ToList() ?? [];

    /// <summary>Listens, and answers from then on.</summary>
    /// <exception cref="TlsFilesException">A certificate cannot be used.</exception>
    /// <exception cref="IOException">An address is in use.</exception>
    public static async Task<HttpServer> StartAsync(
        IReadOnlyList<Listener> listeners,
        IHttpApplication<Exchange> application,
        ILoggerFactory logs,
        CancellationToken cancellation
    )
    {
        var certificates = new List<Certificates>();
        var services = new ServiceCollection();
        services.AddSingleton(logs);
        services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        services.AddMetrics();
        services.AddSingleton<DiagnosticSource>(new DiagnosticListener("mayflyd"));
        services.AddSingleton<IHostEnvironment, KestrelServices.Environment>();
        new KestrelServices(services).UseKestrelCore().UseKestrelHttpsConfiguration();
        services.Configure<KestrelServerOptions>(options =>
        {
            SetLimits(options);
            foreach (var listener in listeners)
            {
                Listen(options, listener, certificates);
            }
        });
        var provider = services.BuildServiceProvider();
        var sockets = listeners.OfType<UnixListener>().ToList();
        try
        {
            foreach (var socket in sockets)
            {
                UnixSocketFile.RemoveStale(socket.Path);
            }

            var server = new HttpServer(provider, certificates, sockets);
            await server._server.StartAsync(application, cancellation);
            foreach (var socket in sockets)
            {
                UnixSocketFile.SetAccess(socket);
            }

            return server;
        }
        catch
        {
            await provider.DisposeAsync();
            throw;
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
            catch (TlsFilesException e)
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
        options.Limits.MaxRequestBodySize = RequestBody.MaxBytes;
        // The path has a limit of its own, with a message; this one must let three encoded bytes for each of its bytes in.
        options.Limits.MaxRequestLineSize = 64 * 1024;
        options.Limits.MaxRequestHeadersTotalSize = 64 * 1024;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        options.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(130);
    }

    private static void Listen(KestrelServerOptions options, Listener listener, List<Certificates> certificates)
    {
        switch (listener)
        {
            case TcpListener { Tls: { } files } tcp:
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
                        // Behind TLS, where the bytes are HTTP.
                        Mark(endpoint, listener);
                    }
                );
                break;
            case TcpListener tcp:
                options.Listen(tcp.Address, endpoint => Plain(endpoint, listener));
                break;
            case UnixListener unix:
                options.ListenUnixSocket(unix.Path, endpoint => Plain(endpoint, listener));
                break;
            default:
                throw new InvalidOperationException($"Unknown listener {listener.GetType().Name}.");
        }
    }

    private static void Plain(ListenOptions endpoint, Listener listener)
    {
        endpoint.Protocols = HttpProtocols.Http1;
        Mark(endpoint, listener);
    }

    /// <summary>Lets each connection know the listener that it came in by, and gives reasons to Kestrel's own refusals.</summary>
    private static void Mark(ListenOptions endpoint, Listener listener) =>
        endpoint.Use(next =>
            connection =>
            {
                connection.Features.Set(listener);
                RefusalWriter.Wrap(connection);
                return next(connection);
            }
        );
}
