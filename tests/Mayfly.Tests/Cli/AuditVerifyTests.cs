using System.Text.Json;

namespace Mayfly.Tests.Cli;

/// <summary>The audit file of a real server, checked without it.</summary>
public sealed class AuditVerifyTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mayfly-audit-").FullName;
    private readonly CommandLine _mayfly = new();

    private string Log => Path.Combine(_folder, "audit.log");

    public async ValueTask InitializeAsync()
    {
        await using var server = await ServerProcess.StartDevAsync(_folder);
        using var root = new CommandLine(server.Address, ServerProcess.DevToken);
        for (var i = 0; i < 5; i++)
        {
            (await root.RunAsync("kv", "put", $"secret/a{i}", "x=canary")).Succeeded();
        }

        Assert.Contains("file/", (await root.RunAsync("audit", "list")).Succeeded(), StringComparison.Ordinal);
        Assert.Equal(0, await server.StopAsync());
    }

    public ValueTask DisposeAsync()
    {
        _mayfly.Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
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
                lines[middle] = lines[middle].Replace("secret/", "public/", StringComparison.Ordinal);
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
        Assert.Contains("audit.log", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_a_local_error() =>
        Assert.Equal(1, (await _mayfly.RunAsync("audit", "verify", Log + ".none")).Code);
}
