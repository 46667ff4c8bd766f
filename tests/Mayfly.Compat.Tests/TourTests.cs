using System.Text;
using Mayfly.Tests;

namespace Mayfly.Compat.Tests;

/// <summary>The tour of README.md, as a newcomer pastes it: every command must succeed.</summary>
public sealed class TourTests
{
    private const string Mark = "<!-- tour -->\n```sh\n";
    private const string Close = "```\n";

    [Fact]
    public async Task Tour_of_the_readme_works()
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

            var blocks = Blocks(
                await File.ReadAllTextAsync(
                    Path.Combine(ForeignProgram.Repository, "README.md"),
                    TestContext.Current.CancellationToken
                )
            );
            Assert.True(blocks.Count >= 3, "the tour has lost its blocks");
            var script = new StringBuilder("set -e -o pipefail\n").AppendJoin('\n', blocks).ToString();
            Assert.Contains("http://127.0.0.1:8200", script, StringComparison.Ordinal);
            var path = Path.Combine(folder, "tour.sh");
            await File.WriteAllTextAsync(
                path,
                script.Replace("http://127.0.0.1:8200", server.Address, StringComparison.Ordinal),
                TestContext.Current.CancellationToken
            );
            var output = (await ForeignProgram.RunAsync("bash", [path], folder, home: folder)).Succeeded();
            Assert.Contains("hunter2", output, StringComparison.Ordinal);
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
