using System.Text;
using Mayfly.Tests;
using Mayfly.Tests.Engines.RabbitMq;

namespace Mayfly.Compat.Tests;

/// <summary>
/// The tour of README.md and the examples of the documentation, as a newcomer pastes them: every command must succeed.
/// </summary>
public sealed class TourTests(RabbitServers servers)
{
    private const string Mark = "<!-- tour -->\n```sh\n";
    private const string DefaultRabbit = "http://127.0.0.1:15672";
    private const string Close = "```\n";

    /// <summary>Every page about an engine, an auth method or a concept, save the guides to writing one.</summary>
    public static TheoryData<string> Pages =>
        [
            "docs/getting-started.md",
            "docs/honeytokens.md",
            "docs/redact.md",
            .. new[] { "docs/agent", "docs/concepts" }
                .SelectMany(folder => Directory.GetFiles(Path.Combine(ForeignProgram.Repository, folder), "*.md"))
                .Where(page => File.ReadAllText(page).Contains(Mark, StringComparison.Ordinal))
                .Select(page => Path.GetRelativePath(ForeignProgram.Repository, page))
                .Order(StringComparer.Ordinal),
            .. new[] { "docs/engines", "docs/auth" }
                .SelectMany(folder => Directory.GetFiles(Path.Combine(ForeignProgram.Repository, folder), "*.md"))
                .Where(page => !Path.GetFileName(page).StartsWith("adding-", StringComparison.Ordinal))
                .Select(page => Path.GetRelativePath(ForeignProgram.Repository, page))
                .Order(StringComparer.Ordinal),
        ];

    [Fact]
    public async Task Tour_of_the_readme_works()
    {
        var output = await RunAsync("README.md", before: "");
        Assert.Contains("hunter2", output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Examples_of_the_page_work(string page) =>
        await RunAsync(
            page,
            "export PATH=\"$PWD/artifacts/bin:$PATH\" MAYFLY_ADDR=http://127.0.0.1:8200\nmayfly login -no-print dev\n"
        );

    /// <summary>Runs the marked blocks of a page on a server of their own, in one shell, and gives what they print.</summary>
    private async Task<string> RunAsync(string page, string before)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-tour-").FullName;
        try
        {
            await using var server = await ServerProcess.StartAsync(
                folder,
                "-dev",
                "-dev-root-token-id=dev",
                "-dev-listen-address=127.0.0.1:0",
                "-dev-no-store-token",
                $"-dev-data={Path.Combine(folder, ".mayfly")}"
            );
            // The blocks find the programs in artifacts/bin of the folder that they run in, as after ./run.sh.
            Directory.CreateDirectory(Path.Combine(folder, "artifacts"));
            Directory.CreateSymbolicLink(Path.Combine(folder, "artifacts", "bin"), AppContext.BaseDirectory);
            Directory.CreateSymbolicLink(
                Path.Combine(folder, "samples"),
                Path.Combine(ForeignProgram.Repository, "samples")
            );

            var blocks = Blocks(
                await File.ReadAllTextAsync(
                    Path.Combine(ForeignProgram.Repository, page),
                    TestContext.Current.CancellationToken
                )
            );
            Assert.True(blocks.Count > 0, $"{page} has no block that is marked as tried");
            var script = new StringBuilder("set -e -o pipefail\n").Append(before).AppendJoin('\n', blocks).ToString();
            Assert.Contains("http://127.0.0.1:8200", script, StringComparison.Ordinal);
            await using var databases = await TourDatabases.StartAsync(script);
            script = databases.PutInto(script);
            script = script.Replace("http://127.0.0.1:8200", server.Address, StringComparison.Ordinal);
            if (script.Contains(DefaultRabbit, StringComparison.Ordinal))
            {
                // Its page speaks of a fresh broker, which has the user guest.
                script = script.Replace(DefaultRabbit, (await servers.ServerAsync()).Api, StringComparison.Ordinal);
            }

            var path = Path.Combine(folder, "tour.sh");
            await File.WriteAllTextAsync(path, script, TestContext.Current.CancellationToken);
            return (await ForeignProgram.RunAsync("bash", [path], folder, home: folder)).Succeeded();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static List<string> Blocks(string text)
    {
        var blocks = new List<string>();
        for (var at = text.IndexOf(Mark, StringComparison.Ordinal); at >= 0; )
        {
            at += Mark.Length;
            var end = text.IndexOf(Close, at, StringComparison.Ordinal);
            blocks.Add(text[at..end]);
            at = text.IndexOf(Mark, end, StringComparison.Ordinal);
        }

        return blocks;
    }
}
