using System.Text.Json;
using Mayfly.Tests.Scanner.Sources;

namespace Mayfly.Tests.Cli;

/// <summary><c>mayfly scan</c> from its words to its exit code.</summary>
public sealed class ScanTests : IDisposable
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
    public async Task A_clean_folder_is_0_a_leak_is_1_or_as_asked_and_an_error_is_2()
    {
        _git.Write("a.txt", "nothing\n");
        Assert.Equal(0, (await Scan("dir", _git.Folder)).Code);
        _git.Write("a.txt", $"id = {Key}\n");
        Assert.Equal(1, (await Scan("dir", _git.Folder)).Code);
        Assert.Equal(0, (await Scan("dir", "--exit-code=0", _git.Folder)).Code);
        Assert.Equal(77, (await Scan("dir", "--exit-code", "77", _git.Folder)).Code);
        Assert.Equal(2, (await Scan("dir", "/nowhere/at/all")).Code);
        Assert.Equal(2, (await Scan("dir", "--no-such-flag", _git.Folder)).Code);
        Assert.Equal(2, (await Scan("dir", "--config=/nowhere", _git.Folder)).Code);
        Assert.Equal(2, (await Scan("dir", "--report-format=pdf", _git.Folder)).Code);
        Assert.Equal(2, (await Scan("git", "/")).Code);
    }

    [Fact]
    public async Task People_see_no_secret_unless_they_ask_and_programs_see_it_unless_they_do()
    {
        _git.Write("a.txt", $"id = {Key}\n");
        var text = await Scan("dir", "--verbose", _git.Folder);
        Assert.Contains("a.txt:1:6  aws-access-key-id", text.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, text.Output + text.Error, StringComparison.Ordinal);
        Assert.Contains("1 leak found", text.Error, StringComparison.Ordinal);
        Assert.Contains(Key, (await Scan("dir", "--redact=0", _git.Folder)).Output, StringComparison.Ordinal);
        Assert.Contains(Key, (await Scan("dir", "-f", "json", _git.Folder)).Output, StringComparison.Ordinal);
        var redacted = await Scan("dir", "-f", "json", "--redact", _git.Folder);
        Assert.DoesNotContain(Key, redacted.Output, StringComparison.Ordinal);
        Assert.Contains("REDACTED", redacted.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_report_goes_to_a_file_that_is_its_owners_alone_in_the_format_of_its_ending()
    {
        _git.Write("a.txt", $"id = {Key}\n");
        var report = Path.Combine(_mayfly.Home, "r.sarif");
        Assert.Equal(1, (await Scan("dir", "-r", report, _git.Folder)).Code);
        Assert.Equal("2.1.0", JsonElement.Parse(File.ReadAllText(report)).GetProperty("version").GetString());
        Assert.True(
            OperatingSystem.IsWindows()
                || File.GetUnixFileMode(report) == (UnixFileMode.UserRead | UnixFileMode.UserWrite)
        );
    }

    [Fact]
    public async Task A_baseline_and_ignore_files_leave_only_what_is_new()
    {
        _git.Write("a.txt", $"id = {Key}\n");
        var baseline = Path.Combine(_git.Folder, "baseline.json");
        await Scan("dir", "-r", baseline, _git.Folder);
        Assert.Equal(0, (await Scan("dir", "-b", baseline, _git.Folder)).Code);
        var second = _git.Write("b.txt", $"\nid = {Key[..^1]}M\n");
        Assert.Equal(1, (await Scan("dir", "-b", baseline, _git.Folder)).Code);
        _git.Write(".mayflyignore", $"{second}:aws-access-key-id:2\n");
        var explained = await Scan("dir", "-b", baseline, "--explain", _git.Folder);
        Assert.Equal(0, explained.Code);
        Assert.Contains("it is in the baseline", explained.Error, StringComparison.Ordinal);
        Assert.Contains("its fingerprint is in an ignore file", explained.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rules_come_from_the_flag_the_environment_or_the_folder_in_this_order()
    {
        _git.Write("a.txt", "own-1234 env-1234 dir-1234\n");
        _git.Write(".gitleaks.toml", Rule("dir"));
        Assert.Equal("dir", await FoundRule());
        _mayfly["GITLEAKS_CONFIG_TOML"] = Rule("env");
        Assert.Equal("env", await FoundRule());
        _mayfly["GITLEAKS_CONFIG"] = _git.Write("e.toml", Rule("own"));
        Assert.Equal("own", await FoundRule());
        Assert.Equal("dir", await FoundRule("-c", _git.Write("f.toml", Rule("dir"))));

        static string Rule(string id) => $"[[rules]]\nid = '{id}'\nregex = '{id}-[0-9]{{4}}'\n";

        async Task<string> FoundRule(params string[] more)
        {
            var result = await Scan(["dir", "-f", "json", .. more, Path.Combine(_git.Folder, "a.txt")]);
            _ = result.Code;
            var whole = await Scan(["dir", "-f", "json", .. more, _git.Folder]);
            return JsonElement
                .Parse(whole.Output)
                .EnumerateArray()
                .First(each => each.GetProperty("File").GetString()!.EndsWith("a.txt", StringComparison.Ordinal))
                .GetProperty("RuleID")
                .GetString()!;
        }
    }

    [Fact]
    public async Task One_rule_can_be_chosen_and_one_that_is_not_there_is_an_error()
    {
        _git.Write("a.txt", $"id = {Key}\n");
        Assert.Equal(1, (await Scan("dir", "--enable-rule=aws-access-key-id", _git.Folder)).Code);
        Assert.Equal(0, (await Scan("dir", "--enable-rule=jwt", _git.Folder)).Code);
        var unknown = await Scan("dir", "--enable-rule=jvt", _git.Folder);
        Assert.Equal(2, unknown.Code);
        Assert.Contains("jvt", unknown.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Archives_are_opened_when_it_is_asked_for()
    {
        using (
            var zip = System.IO.Compression.ZipFile.Open(
                Path.Combine(_git.Folder, "a.zip"),
                System.IO.Compression.ZipArchiveMode.Create
            )
        )
        {
            using var entry = new StreamWriter(zip.CreateEntry("in/b.txt").Open());
            entry.Write($"id = {Key}\n");
        }

        Assert.Equal(0, (await Scan("dir", _git.Folder)).Code);
        var opened = await Scan("dir", "--max-archive-depth=1", _git.Folder);
        Assert.Equal(1, opened.Code);
        Assert.Contains("a.zip!in/b.txt:1:6", opened.Output, StringComparison.Ordinal);
        Assert.Equal(2, (await Scan("dir", "--strict", Path.Combine(_git.Folder, "a.zip"))).Code);
        Assert.Equal(2, (await Scan("dir", "--max-archive-depth=-1", _git.Folder)).Code);
    }

    [Fact]
    public async Task Strict_makes_a_failure_of_what_could_not_be_read()
    {
        _git.Write("a.txt", new string('x', 2_000_000));
        var lenient = await Scan("dir", "--max-target-megabytes=1", _git.Folder);
        Assert.Equal(0, lenient.Code);
        Assert.Contains("passed over: ", lenient.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await Scan("dir", "--strict", "--max-target-megabytes=1", _git.Folder)).Code);
    }

    [Fact]
    public async Task Standard_input_and_histories_are_scanned()
    {
        var stdin = await _mayfly.RunAsync(["scan", "stdin", "--no-banner"], $"log line {Key} end");
        Assert.Equal(1, stdin.Code);
        Assert.Contains(":1:10  aws-access-key-id", stdin.Output, StringComparison.Ordinal);
        _git.Write("a.txt", $"id = {Key}\n");
        Assert.Equal(0, (await Scan("git", "--staged", _git.Folder)).Code);
        _git.Run("add", "a.txt");
        Assert.Equal(1, (await Scan("git", "--pre-commit", "--staged", _git.Folder)).Code);
        _git.Commit("leak");
        Assert.Equal(1, (await Scan("git", _git.Folder)).Code);
        Assert.Equal(0, (await Scan("git", "--log-opts=--until=1990-01-01 'main'", _git.Folder)).Code);
        Assert.Equal(2, (await Scan("git", "--log-opts='open", _git.Folder)).Code);
    }

    [Fact]
    public async Task A_hook_is_installed_once_runs_git_and_never_takes_the_place_of_another()
    {
        var installed = await Scan("install-hook", _git.Folder);
        Assert.Equal(0, installed.Code);
        var hook = Path.Combine(_git.Folder, ".git", "hooks", "pre-commit");
        Assert.Equal(0, (await Scan("install-hook", _git.Folder)).Code);

        // The hook as git runs it, with this build's program on the path.
        var bin = Directory.CreateDirectory(Path.Combine(_mayfly.Home, "bin")).FullName;
        File.CreateSymbolicLink(Path.Combine(bin, "mayfly"), Path.Combine(AppContext.BaseDirectory, "mayfly"));
        _git.Path = $"{bin}:{Environment.GetEnvironmentVariable("PATH")}";
        _git.Write("clean.txt", "nothing\n");
        var clean = _git.Commit("clean");
        Assert.NotEmpty(clean);
        _git.Write("leak.txt", $"id = {Key}\n");
        _git.Commit("leak");
        Assert.Equal(clean, _git.Run("rev-parse", "HEAD").Trim());

        await File.WriteAllTextAsync(hook, "#!/bin/sh\nmake lint\n", TestContext.Current.CancellationToken);
        var other = await Scan("install-hook", _git.Folder);
        Assert.Equal(2, other.Code);
        Assert.Contains("mayfly scan git --staged", other.Error, StringComparison.Ordinal);
        Assert.Contains(
            "make lint",
            await File.ReadAllTextAsync(hook, TestContext.Current.CancellationToken),
            StringComparison.Ordinal
        );
        Assert.Equal(2, (await Scan("install-hook", "/")).Code);
    }

    /// <summary>docs/scan.md, "A first scan".</summary>
    [Fact]
    public async Task The_example_of_the_documentation_does_what_it_shows()
    {
        var docs = await File.ReadAllTextAsync(
            Path.Combine(Repository.Root, "docs", "scan.md"),
            TestContext.Current.CancellationToken
        );
        _git.Write("deploy.env", $"AWS_ACCESS_KEY_ID={Key}\n");
        var shown = await Scan("dir", _git.Folder);
        var line = shown.Output.Replace(_git.Folder + "/", "", StringComparison.Ordinal).TrimEnd();
        Assert.Contains(line, docs, StringComparison.Ordinal);
        Assert.Contains("1 leak found in 1 files", docs, StringComparison.Ordinal);
        _git.Write("deploy.env", $"AWS_ACCESS_KEY_ID={Key} # mayfly:allow\n");
        Assert.Equal(0, (await Scan("dir", _git.Folder)).Code);
    }

    private Task<CommandResult> Scan(params string[] words) => _mayfly.RunAsync(["scan", .. words]);
}
