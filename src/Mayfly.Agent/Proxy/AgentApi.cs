using System.Text.Json;
using Mayfly.Agent.Listeners;
using Mayfly.Agent.Telemetry;

namespace Mayfly.Agent.Proxy;

/// <summary>The agent's own paths below <c>/agent/v1/</c> (and <c>/proxy/v1/</c>, as Vault Proxy has them).</summary>
internal sealed class AgentApi(AgentMetrics metrics, ProxyCache? cache, Action quit)
{
    private const int LargestBody = 64 * 1024;

    /// <summary>Whether a request is for the agent itself.</summary>
    public static bool Owns(string target) =>
        target.StartsWith("/agent/", StringComparison.Ordinal)
        || target.StartsWith("/proxy/", StringComparison.Ordinal);

    public async Task HandleAsync(Exchange exchange)
    {
        var query = exchange.Target.IndexOf('?', StringComparison.Ordinal);
        var path = query < 0 ? exchange.Target : exchange.Target[..query];
        switch (path.Split('/') is [_, _, "v1", var name] ? name : "")
        {
            case "metrics":
                await MetricsAsync(exchange, query < 0 ? "" : exchange.Target[query..]);
                break;
            case "cache-clear" when exchange.Method is "POST" or "PUT":
                await ClearAsync(exchange);
                break;
            case "quit" when exchange.Listener.EnableQuit && exchange.Method is "POST":
                await exchange.AnswerAsync(200, null, default);
                quit();
                break;
            case "cache-clear":
            case "quit" when exchange.Listener.EnableQuit:
                await exchange.FailAsync(405, "unsupported operation");
                break;
            default:
                await exchange.FailAsync(404, "no such path of the agent");
                break;
        }
    }

    private async Task MetricsAsync(Exchange exchange, string query)
    {
        if (exchange.Method != "GET")
        {
            await exchange.FailAsync(405, "unsupported operation");
        }
        else if (
            query.Contains("format=prometheus", StringComparison.Ordinal)
            || exchange.Headers.Accept.ToString().Contains("text/plain", StringComparison.OrdinalIgnoreCase)
        )
        {
            await exchange.AnswerAsync(200, "text/plain; version=0.0.4", metrics.Prometheus());
        }
        else
        {
            await exchange.AnswerAsync(200, "application/json", metrics.Json());
        }
    }

    private async Task ClearAsync(Exchange exchange)
    {
        var (body, isWhole) = await exchange.ReadBodyAsync(LargestBody);
        if (!isWhole || !TryRead(body, out var type, out var value, out var ns))
        {
            await exchange.FailAsync(400, "the body must be JSON: {\"type\": \"request_path\", \"value\": \"…\"}");
            return;
        }

        Predicate<CachedResponse>? fits = type switch
        {
            "all" => static _ => true,
            "request_path" => entry =>
                RequestOf(entry).StartsWith(value, StringComparison.Ordinal)
                && (ns.Length == 0 || entry.Key.Namespace.Trim('/') == ns.Trim('/')),
            "lease" => entry => entry.LeaseId.StartsWith(value, StringComparison.Ordinal) && entry.LeaseId.Length > 0,
            "token" => entry => entry.Key.Token == value || entry.HandedOut == value,
            "token_accessor" => entry => entry.Accessor == value,
            _ => null,
        };
        if (fits is null || (value.Length == 0 && type != "all"))
        {
            await exchange.FailAsync(
                400,
                fits is null
                    ? "type must be request_path, lease, token, token_accessor or all"
                    : "value must not be empty"
            );
            return;
        }

        cache?.Clear(fits);
        await exchange.AnswerAsync(200, "application/json", default);
    }

    /// <summary>The path with <c>/v1/</c>, which Vault's users give.</summary>
    private static string RequestOf(CachedResponse entry) => "/v1/" + entry.Key.Path;

    private static bool TryRead(byte[] body, out string type, out string value, out string ns)
    {
        (type, value, ns) = ("", "", "");
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            type = Text(document.RootElement, "type");
            value = Text(document.RootElement, "value");
            ns = Text(document.RootElement, "namespace");
            if (type == "request_path" && value.Length > 0 && !value.StartsWith('/'))
            {
                value = value.StartsWith("v1/", StringComparison.Ordinal) ? "/" + value : "/v1/" + value;
            }

            return type.Length > 0;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static string Text(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
