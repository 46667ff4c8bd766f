using System.Text.Json;
using Mayfly.Hosting.Logging;
using Mayfly.Server.Logging;
using Mayfly.Tests.Http;
using Microsoft.Extensions.Logging;

namespace Mayfly.Tests.Server;

public sealed class LogTests
{
    [Fact]
    public void Line_has_time_level_and_part()
    {
        using var log = new CapturedLog();

        log.Factory.CreateLogger("Mayfly.Core.Vault").LogInformation("unsealed {Times} times", 3);

        Assert.Equal("2026-01-01T00:00:00.000Z [INFO]  vault: unsealed 3 times\n", log.Text);
    }

    [Fact]
    public void Nobody_can_forge_a_line()
    {
        using var log = new CapturedLog();

        log.Factory.CreateLogger("a").LogWarning("{Name}", "x\n2026 [INFO] forged\u001b[31m");

        Assert.Single(log.Text.TrimEnd('\n').Split('\n'));
        Assert.DoesNotContain('\u001b', log.Text);
    }

    [Fact]
    public void What_a_client_sent_is_not_quoted_at_any_level()
    {
        using var stream = new MemoryStream();
        var settings = new LogSettings(LogLevel.Trace, LogFormat.Standard);
        using var provider = new LineLoggerProvider(new LogStream(stream).Write, settings, new ManualTime());

        var log = provider.CreateLogger("Microsoft.AspNetCore.Server.Kestrel.BadRequests");
        log.LogDebug("Invalid request header: '{Header}'", "X-Vault-Token hvs.secret");

        Assert.Equal(0, stream.Length);
    }

    [Fact]
    public void Json_is_one_object_a_line()
    {
        using var log = new CapturedLog(LogFormat.Json);

        log.Factory.CreateLogger("a").LogError("broke\n{Name}", "it");

        var json = JsonDocument.Parse(log.Text).RootElement;
        Assert.Equal("error", json.GetProperty("@level").GetString());
        Assert.Equal("broke\nit", json.GetProperty("@message").GetString());
    }

    [Fact]
    public void Level_can_be_changed_while_it_runs()
    {
        using var stream = new MemoryStream();
        var settings = new LogSettings(LogLevel.Warning, LogFormat.Standard);
        using var provider = new LineLoggerProvider(new LogStream(stream).Write, settings, new ManualTime());
        var log = provider.CreateLogger("a");
        log.LogInformation("quiet");
        settings.Level = LogLevel.Debug;

        log.LogDebug("loud");

        Assert.EndsWith("[DEBUG] a: loud\n", System.Text.Encoding.UTF8.GetString(stream.ToArray()));
    }
}
