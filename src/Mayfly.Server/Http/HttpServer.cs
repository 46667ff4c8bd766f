using Mayfly.Hosting.Listeners;
using Mayfly.Server.Http.Vault;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.Logging;

namespace Mayfly.Server.Http;

/// <summary>Starts Kestrel on the server's listeners.</summary>
internal static class HttpServer
{
    /// <summary>Listens, and answers from then on.</summary>
    /// <exception cref="TlsFilesException">A certificate cannot be used.</exception>
    /// <exception cref="IOException">An address is in use.</exception>
    public static Task<KestrelHost> StartAsync(
        IReadOnlyList<Listener> listeners,
        IHttpApplication<Exchange> application,
        ILoggerFactory logs,
        CancellationToken cancellation
    ) =>
        KestrelHost.StartAsync(
            "mayflyd",
            [.. listeners.Select(listener => new Endpoint(listener.Address, next => Meet(next, listener)))],
            application,
            RequestBody.MaxBytes,
            logs,
            cancellation
        );

    /// <summary>Lets each connection know the listener that it came in by, and gives reasons to Kestrel's own refusals.</summary>
    private static ConnectionDelegate Meet(ConnectionDelegate next, Listener listener) =>
        connection =>
        {
            connection.Features.Set(listener);
            RefusalWriter.Wrap(connection);
            return next(connection);
        };
}
