namespace Mayfly.Server.Http.Vault;

/// <summary>
/// <c>sys/metrics</c> on a listener where it may be read without a token. Elsewhere the request takes the common way,
/// where a policy decides.
/// </summary>
internal sealed class MetricsPath(Func<string, (string ContentType, byte[] Body)?> read) : ISpecialPath
{
    public string Path => "sys/metrics";

    public async ValueTask<bool> TryAnswerAsync(Exchange exchange, string method, RequestTarget target)
    {
        if (method != "GET" || exchange.Listener is not { UnauthenticatedMetrics: true })
        {
            return false;
        }

        if (read(target.Query.GetValueOrDefault("format", "")) is not { } found)
        {
            return false;
        }

        await Reply.WriteBytesAsync(exchange.Features, 200, found.ContentType, found.Body);
        return true;
    }
}
