using System.Runtime.Versioning;
using Mayfly.Tests.Agent;
using Mayfly.Tests.Scanner.Sources;
using YamlDotNet.RepresentationModel;

namespace Mayfly.Tests.Cli;

/// <summary>Scans before commits and in CI: hooks that git itself runs, and the examples of the documentation.</summary>
[SupportedOSPlatform("linux")]
public sealed class ScanHookTests : IDisposable
{
    private const string Key = "AKIAQ3EGRZ7VN5KXM2PL";

    private readonly CommandLine _mayfly = new();
    private readonly Git _git = new();

    public ScanHookTests()
    {
        var bin = Directory.CreateDirectory(Path.Combine(_mayfly.Home, "bin")).FullName;
        File.CreateSymbolicLink(Path.Combine(bin, "mayfly"), Path.Combine(AppContext.BaseDirectory, "mayfly"));
        _git.Path = $"{bin}:{Environment.GetEnvironmentVariable("PATH")}";
    }

    public void Dispose()
    {
        _mayfly.Dispose();
        _git.Dispose();
    }

    [Fact]
    public async Task A_hook_stops_leaks_in_a_linked_worktree_too()
    {
        _git.Write("a.txt", "nothing\n");
        _git.Commit("first");
        var tree = Path.Combine(_git.Folder, "tree");
        _git.Run("worktree", "add", "-q", tree, "-b", "other");
        Assert.Equal(0, (await Scan("install-hook", tree)).Code);
        _git.Write("tree/leak.txt", $"id = {Key}\n");
        _git.Run("-C", tree, "add", "leak.txt");
        _git.Run("-C", tree, "commit", "-q", "-m", "leak");
        Assert.Equal("first", _git.Run("-C", tree, "log", "-1", "--format=%s").Trim());
    }

    [Theory]
    [InlineData("git")]
    [InlineData("install-hook")]
    public async Task A_file_of_the_repository_that_is_called_git_is_not_run(string verb)
    {
        _git.Write("git", "#!/bin/sh\n/bin/touch trapped\nexec /usr/bin/git \"$@\"\n");
        File.SetUnixFileMode(Path.Combine(_git.Folder, "git"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        _git.Commit("a trap");

        await using var scan = AgentProcess.StartProgram(
            "/bin/sh",
            ["-c", "cd \"$0\" && exec \"$@\"", _git.Folder, ServerProcess.Program("mayfly"), "scan", verb, "."]
        );

        Assert.Equal(0, await scan.EndedAsync());
        Assert.False(File.Exists(Path.Combine(_git.Folder, "trapped")), "the file was run");
    }

    [Fact]
    public async Task A_hook_goes_where_the_repository_keeps_its_hooks()
    {
        _git.Run("config", "core.hooksPath", "tools/hooks");
        _git.Write("sub/a.txt", "nothing\n");
        Assert.Equal(0, (await Scan("install-hook", Path.Combine(_git.Folder, "sub"))).Code);
        Assert.True(File.Exists(Path.Combine(_git.Folder, "tools", "hooks", "pre-commit")));
        var clean = _git.Commit("clean");
        _git.Write("leak.txt", $"id = {Key}\n");
        _git.Commit("leak");
        Assert.Equal(clean, _git.Run("rev-parse", "HEAD").Trim());
    }

    [Fact]
    public async Task What_is_staged_is_scanned_and_neither_the_history_nor_the_working_tree()
    {
        // What users of gitleaks have met: issues 585, 1522 and 2281 there.
        _git.Write("old.txt", $"id = {Key}\n");
        _git.Commit("an old leak");
        Assert.Equal(0, (await Scan("git", "--pre-commit", "--staged", _git.Folder)).Code);
        _git.Write("new.txt", $"id = {Key}\n");
        Assert.Equal(0, (await Scan("git", "--pre-commit", "--staged", _git.Folder)).Code);
        _git.Run("add", "new.txt");
        _git.Write("new.txt", "taken out again, but staged\n");
        Assert.Equal(1, (await Scan("git", "--pre-commit", "--staged", _git.Folder)).Code);
        Assert.Equal(1, (await Scan("git", "--staged", _git.Folder)).Code);
        // From a folder inside of the repository, with the folder's name for another one.
        _git.Write("sub/x.txt", "x\n");
        Assert.Equal(1, (await Scan("git", "--staged", Path.Combine(_git.Folder, "sub"))).Code);
        _git.Run("add", "-A");
        Assert.Equal(0, (await Scan("git", "--staged", _git.Folder)).Code);
    }

    [Fact]
    public void The_hook_of_the_pre_commit_framework_and_the_examples_for_ci_are_yaml()
    {
        var hooks = Parse(File.ReadAllText(Path.Combine(Repository.Root, ".pre-commit-hooks.yaml")));
        var hook = Assert.IsType<YamlMappingNode>(Assert.Single(Assert.IsType<YamlSequenceNode>(hooks)));
        Assert.Equal("mayfly-scan", hook["id"].ToString());
        Assert.Equal("mayfly scan git --staged --redact --verbose", hook["entry"].ToString());
        Assert.Equal("false", hook["pass_filenames"].ToString());
        var blocks = 0;
        foreach (var page in (string[])["scan.md", "redact.md"])
        {
            var parts = File.ReadAllText(Path.Combine(Repository.Root, "docs", page)).Split("```yaml\n");
            foreach (var block in parts.Skip(1))
            {
                Assert.NotNull(Parse(block[..block.IndexOf("```", StringComparison.Ordinal)]));
                blocks++;
            }
        }

        Assert.True(blocks >= 4, "GitLab and GitHub, for scans and for redaction");
    }

    private static YamlNode Parse(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return Assert.Single(stream.Documents).RootNode;
    }

    private Task<CommandResult> Scan(params string[] words) => _mayfly.RunAsync(["scan", .. words]);
}
