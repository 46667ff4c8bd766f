using Mayfly.Agent.Configuration;
using Mayfly.Agent.Listeners;

namespace Mayfly.Agent.SecretsManager;

/// <summary>The interface of AWS's Secrets Manager agent, over secrets of a KV mount. Safe for concurrent use.</summary>
internal sealed class SecretsManagerApi(SecretsManagerStanza settings, SsrfToken token, NamedSecrets secrets)
{
    private int _running;

    public async Task HandleAsync(Exchange exchange)
    {
        var running = Interlocked.Increment(ref _running);
        try
        {
            await AnswerAsync(exchange, running);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private async Task AnswerAsync(Exchange exchange, int running)
    {
        var target = exchange.Target;
        var isPing = target == "/ping" || target.StartsWith("/ping?", StringComparison.Ordinal);
        if (running > settings.MaxConnections + (isPing ? 2 : 0))
        {
            await exchange.AnswerTextAsync(429, "Connection limit exceeded");
        }
        else if (isPing)
        {
            await (
                exchange.Method == "GET"
                    ? exchange.AnswerTextAsync(200, "healthy")
                    : exchange.AnswerTextAsync(405, "Not allowed")
            );
        }
        else if (exchange.Headers.ContainsKey("X-Forwarded-For") || exchange.Headers.ContainsKey("Forwarded"))
        {
            await exchange.AnswerTextAsync(400, "Forwarded");
        }
        else if (!token.IsIn(exchange.Headers, settings.SsrfHeaders))
        {
            await exchange.AnswerTextAsync(403, "Bad Token");
        }
        else if (exchange.Method != "GET")
        {
            await exchange.AnswerTextAsync(405, "Not allowed");
        }
        else
        {
            var (query, refusal) = SecretQuery.Read(target, settings.PathPrefix);
            if (query is null)
            {
                await exchange.AnswerTextAsync(refusal!.Value.Status, refusal.Value.Text);
                return;
            }

            var (status, body) = await secrets.GetAsync(query, exchange.Gone);
            await exchange.AnswerAsync(status, "application/json", body);
        }
    }
}
