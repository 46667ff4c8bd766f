using Mayfly.Agent.Configuration;
using Mayfly.Hosting.Listeners;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Listeners;

/// <summary>Starts Kestrel on the agent's listeners.</summary>
internal static class LocalServer
{
    /// <summary>What a body may have that is not passed on: Kestrel's own default.</summary>
    private const long LongestBody = 30_000_000;

    /// <summary>Listens, and answers from then on.</summary>
    /// <exception cref="AgentException">An address or a certificate cannot be used.</exception>
    public static async Task<KestrelHost> StartAsync(
        IReadOnlyList<ListenerStanza> listeners,
        Func<Exchange, Task> handle,
        ILoggerFactory logs,
        CancellationToken cancellation
    )
    {
        var log = logs.CreateLogger("listener");
        try
        {
            return await KestrelHost.StartAsync(
                "mayfly-agent",
                [.. listeners.Select(listener => new Endpoint(listener.Address, next => Meet(next, listener, log)))],
                new Application(handle, log),
                LongestBody,
                logs,
                cancellation
            );
        }
        catch (TlsFilesException e)
        {
            throw new AgentException(e.Message, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            throw new AgentException($"cannot listen: {e.Message}", e);
        }
    }

    /// <summary>Lets each connection know the listener that it came in by, and turns away programs that it is not for.</summary>
    private static ConnectionDelegate Meet(ConnectionDelegate next, ListenerStanza listener, ILogger log) =>
        connection =>
        {
            if (
                listener.Address is UnixAddress unix
                && connection.Features.Get<IConnectionSocketFeature>()?.Socket is { } socket
                && PeerCredentials.Of(socket) is var peer
                && !peer.MayUse(listener)
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
        };

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
