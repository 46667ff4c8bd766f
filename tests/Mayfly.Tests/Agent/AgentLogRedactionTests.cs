using System.Text;
using Mayfly.Client.Redaction;
using Mayfly.Hosting.Logging;
using Microsoft.Extensions.Logging;

namespace Mayfly.Tests.Agent;

public sealed class AgentLogRedactionTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_reason_that_quotes_a_value_is_told_without_it(bool json)
    {
        var value = $"N0t-4-logs-{Guid.NewGuid():N}";
        var registry = new SecretRegistry();
        registry.Add(value);
        var log = new StringBuilder();
        using var provider = new LineLoggerProvider(
            line => log.Append(Encoding.UTF8.GetString(line)),
            new LogSettings(LogLevel.Debug, json ? LogFormat.Json : LogFormat.Standard),
            TimeProvider.System,
            new Redactor(registry).Redact
        );
        var logger = provider.CreateLogger("template");

        logger.LogWarning("a file cannot be read: {Path}", $"/etc/{value}/x");
        logger.LogError(new IOException($"there is no '{value}' in /etc/passwd"), "not written");

        Assert.Contains("a file cannot be read: /etc/[redacted]/x", log.ToString(), StringComparison.Ordinal);
        Assert.Contains("there is no '[redacted]' in /etc/passwd", log.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(value, log.ToString(), StringComparison.Ordinal);
    }
}
