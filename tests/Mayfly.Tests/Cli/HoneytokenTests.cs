using System.Text;
using System.Text.Json;
using Mayfly.Scanner.Honeytokens;
using Mayfly.Tests.Scanner.Sources;

namespace Mayfly.Tests.Cli;

/// <summary><c>mayfly honeytoken</c>, and what scans make of decoys.</summary>
public sealed class HoneytokenTests : IDisposable
{
    private const string Key = "AKIAQ3EGRZ7VN5KXM2PL";

    private readonly CommandLine _mayfly = new();
    private readonly Git _git = new();

    public void Dispose()
    {
        _mayfly.Dispose();
        _git.Dispose();
    }

    [Fact]
    public async Task A_decoy_is_found_as_a_decoy_and_never_counts_as_a_leak()
    {
        foreach (var kind in DecoyMaker.Kinds)
        {
            var made = await _mayfly.RunAsync("honeytoken", "create", "-note", $"note of {kind}", kind);
            _git.Write($"{kind}.txt", made.Succeeded());
        }

        var scan = await _mayfly.RunAsync("scan", "dir", _git.Folder);
        Assert.Equal(0, scan.Code);
        foreach (var kind in DecoyMaker.Kinds)
        {
            Assert.Contains("decoy: ", scan.Error, StringComparison.Ordinal);
            Assert.Contains($"({kind}, note of {kind})", scan.Error, StringComparison.Ordinal);
        }

        // A leak beside them is still one, and the report has it alone.
        _git.Write("leak.txt", $"id = {Key}\n");
        var report = await _mayfly.RunAsync("scan", "dir", "-f", "json", _git.Folder);
        Assert.Equal(1, report.Code);
        var finding = Assert.Single(JsonElement.Parse(report.Output).EnumerateArray().ToList());
        Assert.Equal(Key, finding.GetProperty("Secret").GetString());
        Assert.Matches("1 leak found and [0-9]+ decoys in ", report.Error);

        // Without the file they are what they look like.
        Assert.Equal(1, (await _mayfly.RunAsync("scan", "dir", "-honeytokens-path=" + Empty(), _git.Folder)).Code);
    }

    [Theory]
    [InlineData("aws")]
    [InlineData("database")]
    [InlineData("jwt")]
    [InlineData("ssh")]
    [InlineData("env")]
    public async Task A_decoy_is_one_in_a_history_in_a_stream_and_in_base64(string kind)
    {
        var decoy = (await _mayfly.RunAsync("honeytoken", "create", kind)).Succeeded();
        _git.Write("decoy.txt", decoy);
        _git.Write("secret.yaml", $"data: {Convert.ToBase64String(Encoding.UTF8.GetBytes(decoy))}\n");
        _git.Commit("a decoy");
        foreach (
            var result in new[]
            {
                await _mayfly.RunAsync("scan", "git", _git.Folder),
                await _mayfly.RunAsync("scan", "dir", _git.Folder),
                await _mayfly.RunAsync(["scan", "stdin"], decoy),
            }
        )
        {
            Assert.True(result.Code == 0, result.Output + result.Error);
            Assert.Contains($"({kind})", result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_file_is_its_owners_alone_and_grows()
    {
        var path = Path.Combine(_mayfly.Home, "decoys.json");
        var created = await _mayfly.RunAsync("honeytoken", "create", "-honeytokens-path", path, "jwt");
        // Nothing but the decoy is printed: it is piped into files.
        Assert.Matches("^ey[A-Za-z0-9_-]+\\.ey[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\n$", created.Output);
        Assert.Contains("recorded as ht-", created.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(created.Output.Trim(), File.ReadAllText(path), StringComparison.Ordinal);
        Assert.True(
            OperatingSystem.IsWindows()
                || File.GetUnixFileMode(path) == (UnixFileMode.UserRead | UnixFileMode.UserWrite)
        );
        (await _mayfly.RunAsync("honeytoken", "create", "-honeytokens-path", path, "-note=wiki", "aws")).Succeeded();
        _mayfly["MAYFLY_HONEYTOKENS"] = path;
        var list = (await _mayfly.RunAsync("honeytoken", "list")).Succeeded();
        Assert.Contains("jwt", list, StringComparison.Ordinal);
        Assert.Contains("wiki", list, StringComparison.Ordinal);
        var json = JsonElement.Parse((await _mayfly.RunAsync("honeytoken", "list", "-format=json")).Succeeded());
        Assert.Equal(2, json.GetArrayLength());
    }

    [Fact]
    public async Task Many_at_once_are_all_recorded_or_told_to_try_again()
    {
        var runs = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => Task.Run(() => _mayfly.RunAsync("honeytoken", "create", "jwt")))
        );
        var made = runs.Count(run => run.Code == 0);
        Assert.True(made > 0);
        Assert.All(
            runs.Where(run => run.Code != 0),
            run => Assert.Contains("try again", run.Error, StringComparison.Ordinal)
        );
        var json = JsonElement.Parse((await _mayfly.RunAsync("honeytoken", "list", "-format=json")).Succeeded());
        Assert.Equal(made, json.GetArrayLength());
    }

    [Fact]
    public async Task What_is_wrong_is_told_and_leaves_the_file_as_it_was()
    {
        Assert.Contains(
            "choose aws, database, jwt, ssh, env",
            (await _mayfly.RunAsync("honeytoken", "create", "gold")).Error,
            StringComparison.Ordinal
        );
        Assert.Equal(1, (await _mayfly.RunAsync("honeytoken", "create", "-host=a b", "database")).Code);
        var broken = Path.Combine(_mayfly.Home, ".mayfly-honeytokens.json");
        await File.WriteAllTextAsync(broken, "{}", TestContext.Current.CancellationToken);
        var refused = await _mayfly.RunAsync("honeytoken", "create", "aws");
        Assert.Equal(1, refused.Code);
        Assert.Empty(refused.Output);
        Assert.Contains("no file of honeytokens", refused.Error, StringComparison.Ordinal);
        Assert.Equal("{}", await File.ReadAllTextAsync(broken, TestContext.Current.CancellationToken));
        Assert.Equal(2, (await _mayfly.RunAsync("scan", "dir", _git.Folder)).Code);
        Assert.Equal(2, (await _mayfly.RunAsync("scan", "dir", "-honeytokens-path=/nowhere", _git.Folder)).Code);
    }

    private string Empty()
    {
        var path = Path.Combine(_mayfly.Home, "empty.json");
        File.WriteAllBytes(path, HoneytokenFile.New().Write().ToArray());
        return path;
    }
}
