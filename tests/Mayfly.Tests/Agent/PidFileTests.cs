using System.Globalization;
using Mayfly.Hosting.Files;

namespace Mayfly.Tests.Agent;

/// <summary>The file with the agent's process id.</summary>
public sealed class PidFileTests
{
    [Fact]
    public void It_names_the_process_and_goes_with_it()
    {
        using var folder = new AgentFolder();
        using (PidFile.Write(folder.At("pid")))
        {
            Assert.Equal(Environment.ProcessId, int.Parse(folder.Read("pid").Trim(), CultureInfo.InvariantCulture));
        }

        Assert.False(folder.Has("pid"));
    }

    [Theory]
    [InlineData("1\n")]
    [InlineData(null)]
    public void What_another_process_has_written_or_removed_since_is_left_alone(string? now)
    {
        using var folder = new AgentFolder();
        var file = PidFile.Write(folder.At("pid"))!;
        File.Delete(folder.At("pid"));
        if (now is not null)
        {
            folder.Write("pid", now);
        }

        file.Dispose();

        Assert.Equal(now, folder.Has("pid") ? folder.Read("pid") : null);
    }
}
