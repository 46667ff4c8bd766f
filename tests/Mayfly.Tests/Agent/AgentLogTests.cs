using System.Text;
using Mayfly.Hosting.Logging;
using Microsoft.Extensions.Logging;

namespace Mayfly.Tests.Agent;

/// <summary>Lines of the agent's log.</summary>
public sealed class AgentLogTests
{
    [Fact]
    public void A_refusal_of_several_lines_is_one_line_that_can_be_read_and_forges_no_other()
    {
        var lines = new List<string>();
        using var provider = new LineLoggerProvider(
            bytes => lines.Add(Encoding.UTF8.GetString(bytes)),
            new LogSettings(LogLevel.Information, LogFormat.Standard),
            new ManualTime(DateTimeOffset.UnixEpoch)
        );

        provider.CreateLogger("auth").LogError("{Reason}", "Code: 403. Errors:\n\n\t* permission denied\r\u001b[2J");

        Assert.Equal(
            "1970-01-01T00:00:00.000Z [ERROR] auth: Code: 403. Errors:\\n\\n\\t* permission denied\\u000d\\u001b[2J\n",
            Assert.Single(lines)
        );
    }
}
