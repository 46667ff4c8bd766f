using System.Globalization;
using System.Text;
using Mayfly.Agent.Configuration;
using Mayfly.Agent.Logging;

namespace Mayfly.Tests.Agent;

/// <summary>When the agent's log file is replaced by a new one, and what becomes of the old ones.</summary>
public sealed class LogRotationTests : IDisposable
{
    private const int LineLength = 10;

    private readonly AgentFolder _folder = new();
    private readonly ManualTime _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Before_a_line_would_make_the_file_too_large_it_is_set_aside_and_no_line_is_lost()
    {
        using var output = Output(new LogStanza { RotateBytes = 2 * LineLength });

        WriteLines(output, 5);

        Assert.Equal(["000000000\n000000001\n", "000000002\n000000003\n"], SetAside().Select(_folder.Read));
        Assert.Equal("000000004\n", _folder.Read("agent.log"));
    }

    [Fact]
    public void A_line_that_is_longer_than_the_limit_alone_has_a_file_of_its_own()
    {
        using var output = Output(new LogStanza { RotateBytes = LineLength / 2 });

        WriteLines(output, 2);

        Assert.Equal("000000000\n", _folder.Read(Assert.Single(SetAside())));
        Assert.Equal("000000001\n", _folder.Read("agent.log"));
    }

    [Fact]
    public void What_an_earlier_agent_wrote_counts()
    {
        _folder.Write("agent.log", "something\n");
        using var output = Output(new LogStanza { RotateBytes = LineLength + 1 });

        WriteLines(output, 2);

        Assert.Equal(
            ["something\n000000000\n", "000000001\n"],
            [_folder.Read(Assert.Single(SetAside())), _folder.Read("agent.log")]
        );
    }

    [Fact]
    public void A_file_is_set_aside_when_it_is_old_enough_and_not_a_tick_before()
    {
        using var output = Output(new LogStanza { RotateAfter = TimeSpan.FromHours(1) });
        output.Write(Line(0));
        _time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromTicks(1));
        output.Write(Line(1));
        Assert.Empty(SetAside());

        _time.Advance(TimeSpan.FromTicks(1));
        output.Write(Line(2));

        Assert.Equal("000000000\n000000001\n", _folder.Read(Assert.Single(SetAside())));
        Assert.Equal("000000002\n", _folder.Read("agent.log"));
    }

    [Fact]
    public void A_clock_that_is_set_forward_sets_nothing_aside()
    {
        using var output = Output(new LogStanza { RotateAfter = TimeSpan.FromHours(1) });
        output.Write(Line(0));

        _time.Jump(TimeSpan.FromDays(1));
        output.Write(Line(1));

        Assert.Empty(SetAside());
    }

    [Fact]
    public void The_newest_of_those_set_aside_are_kept_and_files_of_others_stay()
    {
        string[] others = ["agent-web.log", "agent-0-web.log", "agent-.log", "agent-99999999999999999999999.log.gz"];
        foreach (var other in others)
        {
            _folder.Write(other, "of another program");
        }

        using var output = Output(new LogStanza { RotateBytes = LineLength, RotateKeep = 2 });

        WriteLines(output, 6);

        Assert.Equal(["000000003\n", "000000004\n"], SetAside().Select(_folder.Read));
        Assert.Equal("000000005\n", _folder.Read("agent.log"));
        Assert.All(others, other => Assert.True(_folder.Has(other), other));
    }

    [Fact]
    public void With_minus_one_none_is_kept()
    {
        using var output = Output(new LogStanza { RotateBytes = LineLength, RotateKeep = -1 });

        WriteLines(output, 3);

        Assert.Equal("000000002\n", _folder.Read("agent.log"));
        Assert.Equal([_folder.At("agent.log")], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_file_that_cannot_be_set_aside_takes_all_lines_and_is_set_aside_as_soon_as_it_can_be()
    {
        using var output = Output(new LogStanza { RotateBytes = LineLength });
        output.Write(Line(0));
        // Where the file would go, there is a folder.
        var hindrance = _folder.At(Stamped());
        Directory.CreateDirectory(hindrance);

        output.Write(Line(1));
        output.Write(Line(2));
        output.Write(Line(3));

        Assert.Equal("000000000\n000000001\n000000002\n000000003\n", _folder.Read("agent.log"));
        Directory.Delete(hindrance);
        _time.Advance(TimeSpan.FromMinutes(1));
        output.Write(Line(4));
        Assert.Equal("000000004\n", _folder.Read("agent.log"));
        Assert.Single(SetAside());
    }

    [Fact]
    public async Task Reopening_while_lines_are_written_loses_none()
    {
        const int Lines = 20_000;
        using var output = Output(new LogStanza());
        var writer = Task.Run(() => WriteLines(output, Lines), TestContext.Current.CancellationToken);
        while (!writer.IsCompleted)
        {
            output.Reopen();
        }

        await writer;

        Assert.Equal(
            Lines,
            (await File.ReadAllLinesAsync(_folder.At("agent.log"), TestContext.Current.CancellationToken)).Length
        );
    }

    private LogOutput Output(LogStanza settings) => new(settings with { File = _folder.At("agent.log") }, _time);

    private void WriteLines(LogOutput output, int count)
    {
        for (var number = 0; number < count; number++)
        {
            output.Write(Line(number));
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }
    }

    private static byte[] Line(int number) =>
        Encoding.ASCII.GetBytes(number.ToString("D9", CultureInfo.InvariantCulture) + "\n");

    private string Stamped() => $"agent-{_time.GetUtcNow().Ticks.ToString(CultureInfo.InvariantCulture)}.log";

    /// <summary>The names of the log's old files, the oldest first.</summary>
    private List<string> SetAside() =>
        [
            .. Directory
                .GetFiles(_folder.Path)
                .Select(path => Path.GetFileName(path))
                .Where(name =>
                    name.StartsWith("agent-", StringComparison.Ordinal)
                    && name.Length == Stamped().Length
                    && name[6..^4].All(char.IsAsciiDigit)
                )
                .Order(StringComparer.Ordinal),
        ];
}
