using System.Text.Json;
using Mayfly.Tests.Audit;

namespace Mayfly.Tests.Cli;

/// <summary>The file of a real audit device, checked without any server.</summary>
public sealed class AuditVerifyTests : IAsyncLifetime
{
    private readonly CommandLine _mayfly = new();
    private AuditHarness _audit = null!;

    private string Log => _audit.LogPath;

    public async ValueTask InitializeAsync()
    {
        _audit = await AuditHarness.StartAsync();
        await _audit.EnableFileAsync();
        for (var i = 0; i < 8; i++)
        {
            Assert.Null(await _audit.ReadAsync());
            _audit.Time.Advance(TimeSpan.FromSeconds(1));
        }

        // Closing it signs the end.
        await _audit.Broker.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _mayfly.Dispose();
        await _audit.UnsealAsync();
        await _audit.DisposeAsync();
    }

    [Fact]
    public async Task An_untouched_file_is_intact()
    {
        var text = (await _mayfly.RunAsync("audit", "verify", Log)).Succeeded();
        Assert.Contains("Success! The log is intact.", text, StringComparison.Ordinal);
        var json = JsonElement.Parse((await _mayfly.RunAsync("audit", "verify", "-format=json", Log)).Succeeded());
        Assert.True(json[0].GetProperty("intact").GetBoolean());
        Assert.True(json[0].GetProperty("entries").GetInt64() >= 10);
    }

    [Theory]
    [InlineData("changed")]
    [InlineData("removed")]
    [InlineData("cut off")]
    public async Task A_touched_file_is_not(string how)
    {
        var lines = (await File.ReadAllLinesAsync(Log, TestContext.Current.CancellationToken)).ToList();
        var middle = lines.Count / 2;
        switch (how)
        {
            case "changed":
                lines[middle] = lines[middle].Replace("\"time\"", "\"Time\"", StringComparison.Ordinal);
                break;
            case "removed":
                lines.RemoveAt(middle);
                break;
            default:
                lines.RemoveRange(middle, lines.Count - middle);
                break;
        }

        await File.WriteAllLinesAsync(Log, lines, TestContext.Current.CancellationToken);

        var result = await _mayfly.RunAsync("audit", "verify", Log);

        Assert.Equal(2, result.Code);
        Assert.Contains("NOT what the server wrote", result.Output, StringComparison.Ordinal);
        Assert.Contains(Log + ":", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_head_that_was_kept_elsewhere_shows_that_the_end_was_taken_away_with_the_head_beside_it()
    {
        var lines = (await File.ReadAllLinesAsync(Log, TestContext.Current.CancellationToken)).ToList();
        var kept = Log + ".kept";
        await File.WriteAllTextAsync(kept, lines[^1], TestContext.Current.CancellationToken);
        Assert.Equal(0, (await _mayfly.RunAsync("audit", "verify", "-head=" + kept, Log)).Code);

        // Cut at an earlier checkpoint, which then stands beside it as if it were the newest.
        var earlier = lines.FindLastIndex(
            lines.Count - 2,
            line => line.Contains("\"checkpoint\"", StringComparison.Ordinal)
        );
        await File.WriteAllLinesAsync(Log, lines.Take(earlier + 1), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Log + ".head", lines[earlier], TestContext.Current.CancellationToken);
        Assert.Equal(0, (await _mayfly.RunAsync("audit", "verify", Log)).Code);

        var result = await _mayfly.RunAsync("audit", "verify", "-head=" + kept, Log);

        Assert.Equal(2, result.Code);
        Assert.Contains("it was cut off", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_head_that_is_no_checkpoint_is_refused()
    {
        var result = await _mayfly.RunAsync(
            "audit",
            "verify",
            "-head=" + typeof(AuditVerifyTests).Assembly.Location,
            Log
        );
        Assert.Equal(1, result.Code);
        Assert.Contains("no checkpoint", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_a_local_error() =>
        Assert.Equal(1, (await _mayfly.RunAsync("audit", "verify", Log + ".none")).Code);
}
