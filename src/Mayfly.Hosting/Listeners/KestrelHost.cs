using System.Diagnostics;
using System.Net;
using System.Net.Security;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mayfly.Hosting.Listeners;

/// <summary>Kestrel on a set of endpoints, with one application and nothing between.</summary>
internal sealed class KestrelHost : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly IServer _server;
    private readonly IReadOnlyCollection<Certificates> _certificates;
    private readonly IReadOnlyList<UnixAddress> _sockets;

    private KestrelHost(
        ServiceProvider services,
        IReadOnlyCollection<Certificates> certificates,
        IReadOnlyList<UnixAddress> sockets
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
    /// <param name="program">The name of the program, for diagnostics.</param>
    /// <param name="endpoints">Where.</param>
    /// <param name="application">What answers.</param>
    /// <param name="longestBody">How many bytes a request's body may have, unless the application says otherwise for one.</param>
    /// <param name="logs">Where Kestrel logs.</param>
    /// <param name="cancellation">Gives up starting.</param>
    /// <exception cref="TlsFilesException">A certificate cannot be used.</exception>
    /// <exception cref="IOException">An address is in use, or a socket's owner cannot be set.</exception>
    public static async Task<KestrelHost> StartAsync<TContext>(
        string program,
        IReadOnlyList<Endpoint> endpoints,
        IHttpApplication<TContext> application,
        long longestBody,
        ILoggerFactory logs,
        CancellationToken cancellation
    )
        where TContext : notnull
    {
        var certificates = endpoints
            .Select(endpoint => (endpoint.Address as TcpAddress)?.Tls)
            .OfType<TlsFiles>()
            .Distinct()
            .ToDictionary(files => files, files => new Certificates(files));
        var services = Services(program, logs);
        var kestrel = new KestrelServices(services).UseKestrelCore();
        if (endpoints.Any(endpoint => endpoint.Address is TcpAddress { Tls: not null } or CertifiedAddress))
        {
            kestrel.UseKestrelHttpsConfiguration();
        }

        services.Configure<KestrelServerOptions>(options =>
        {
            SetLimits(options, longestBody);
            foreach (var endpoint in endpoints)
            {
                Listen(options, endpoint, certificates);
            }
        });
        var provider = services.BuildServiceProvider();
        var sockets = endpoints.Select(endpoint => endpoint.Address).OfType<UnixAddress>().ToList();
        try
        {
            foreach (var socket in sockets)
            {
                UnixSocketFile.RemoveStale(socket.Path);
            }

            var host = new KestrelHost(provider, certificates.Values, sockets);
            await host._server.StartAsync(application, cancellation);
            foreach (var socket in sockets)
            {
                UnixSocketFile.SetAccess(socket);
            }

            return host;
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

    private static ServiceCollection Services(string program, ILoggerFactory logs)
    {
        var services = new ServiceCollection();
        services.AddSingleton(logs);
        services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        services.AddMetrics();
        services.AddSingleton<DiagnosticSource>(new DiagnosticListener(program));
        services.AddSingleton<IHostEnvironment>(new KestrelServices.Environment(program));
        return services;
    }

    private static void SetLimits(KestrelServerOptions options, long longestBody)
    {
        options.AddServerHeader = false;
        options.AllowSynchronousIO = false;
        options.Limits.MaxRequestBodySize = longestBody;
        // The server's path has a limit of its own, with a message; this one must let three encoded bytes for each of its bytes in.
        options.Limits.MaxRequestLineSize = 64 * 1024;
        options.Limits.MaxRequestHeadersTotalSize = 64 * 1024;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        options.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(130);
    }

    private static void Listen(
        KestrelServerOptions options,
        Endpoint endpoint,
        Dictionary<TlsFiles, Certificates> certificates
    )
    {
        switch (endpoint.Address)
        {
            case TcpAddress { Tls: { } files } tcp:
                var certificate = certificates[files];
                options.Listen(tcp.EndPoint, listen => Encrypted(listen, () => certificate.Current, endpoint));
                break;
            case TcpAddress tcp:
                options.Listen(tcp.EndPoint, listen => Plain(listen, endpoint));
                break;
            case CertifiedAddress certified when certified.EndPoint.Address.Equals(IPAddress.IPv6Any):
                // Also where there is no IPv6.
                options.ListenAnyIP(
                    certified.EndPoint.Port,
                    listen => Encrypted(listen, certified.Certificate, endpoint)
                );
                break;
            case CertifiedAddress certified:
                options.Listen(certified.EndPoint, listen => Encrypted(listen, certified.Certificate, endpoint));
                break;
            case UnixAddress unix:
                options.ListenUnixSocket(unix.Path, listen => Plain(listen, endpoint));
                break;
            default:
                throw new InvalidOperationException($"Unknown address {endpoint.Address.GetType().Name}.");
        }
    }

    private static void Encrypted(
        ListenOptions listen,
        Func<SslServerAuthenticationOptions> certificate,
        Endpoint endpoint
    )
    {
        listen.UseHttps(
            new TlsHandshakeCallbackOptions
            {
                OnConnection = _ => new(certificate()),
                HandshakeTimeout = TimeSpan.FromSeconds(10),
            }
        );
        // Behind TLS, where the bytes are HTTP.
        listen.Use(endpoint.Meet);
    }

    private static void Plain(ListenOptions listen, Endpoint endpoint)
    {
        listen.Protocols = HttpProtocols.Http1;
        listen.Use(endpoint.Meet);
    }
}
