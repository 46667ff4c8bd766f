using System.Text;

namespace Mayfly.Server.Http.Vault;

/// <summary>
/// <c>sys/metrics</c> on a listener where it may be read without a token. Elsewhere the request takes the common way,
/// where a policy decides.
/// </summary>
internal sealed class MetricsPath(Func<string> read) : ISpecialPath
{
    public string Path => "sys/metrics";

    public async ValueTask<bool> TryAnswerAsync(Exchange exchange, string method, RequestTarget target)
    {
        if (method != "GET" || exchange.Listener is not { UnauthenticatedMetrics: true })
        {
            return false;
        }

        var bytes = Encoding.UTF8.GetBytes(read());
        await Reply.WriteBytesAsync(exchange.Features, 200, Telemetry.Metrics.ContentType, bytes);
        return true;
    }
}
