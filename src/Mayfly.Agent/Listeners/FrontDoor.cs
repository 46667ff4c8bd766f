using Mayfly.Agent.Configuration;
using Mayfly.Agent.Proxy;
using Mayfly.Agent.SecretsManager;

namespace Mayfly.Agent.Listeners;

/// <summary>What every request meets first, whatever it is for.</summary>
internal sealed class FrontDoor(
    ApiProxy proxy,
    AgentApi own,
    IReadOnlyDictionary<SecretsManagerStanza, SecretsManagerApi> secretsManagers
)
{
    public Task HandleAsync(Exchange exchange)
    {
        if (exchange.Listener is { MetricsOnly: false } listener && !listener.Names.Include(exchange.Headers.Host))
        {
            return exchange.FailAsync(
                403,
                "the request is for a host that this listener does not know: a page of the web may be behind it. "
                    + "Use its address, localhost, or a name in allowed_hosts"
            );
        }

        if (exchange.Listener.SecretsManager is { } stanza)
        {
            // It has checks, words and statuses of its own.
            return secretsManagers[stanza].HandleAsync(exchange);
        }

        // Somebody else's request that a program was made to pass on has no business here.
        if (exchange.Headers.ContainsKey("X-Forwarded-For") || exchange.Headers.ContainsKey("Forwarded"))
        {
            return exchange.FailAsync(400, "forwarded requests are refused: the agent is for programs on this machine");
        }

        // A whole address, or a host and a port, as proxies for the web are asked: appended to the server's it would name another.
        if (!exchange.Target.StartsWith('/'))
        {
            return exchange.FailAsync(400, "the request's target is no path");
        }

        var isOwn = AgentApi.Owns(exchange.Target);
        if (exchange.Listener.MetricsOnly)
        {
            return isOwn && exchange.Target.Contains("/v1/metrics", StringComparison.Ordinal)
                ? own.HandleAsync(exchange)
                : exchange.FailAsync(404, "this listener serves metrics alone");
        }

        if (exchange.Listener.RequireRequestHeader && exchange.Headers["X-Vault-Request"] is not ["true"])
        {
            return exchange.FailAsync(412, "missing 'X-Vault-Request' header");
        }

        return isOwn ? own.HandleAsync(exchange) : proxy.HandleAsync(exchange);
    }
}
