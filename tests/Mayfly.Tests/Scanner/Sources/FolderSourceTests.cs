using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;
using Mayfly.Scanner.Sources;

namespace Mayfly.Tests.Scanner.Sources;

public sealed class FolderSourceTests : IDisposable
{
    private const string Key = "id = AKIAQ3EGRZ7VN5KXM2PL\n";

    private readonly Git _git = new();

    public void Dispose() => _git.Dispose();

    [Fact]
    public void Files_below_a_folder_are_scanned_except_what_git_ignores_and_what_is_no_text()
    {
        _git.Write(".gitignore", "*.tmp\nout/\n");
        _git.Write("a/.gitignore", "!keep.tmp\nlocal.txt\n");
        foreach (
            var file in (string[])["x.txt", "a/keep.tmp", "a/x.tmp", "a/local.txt", "local.txt", "out/x.txt", ".git/x"]
        )
        {
            _git.Write(file, Key);
        }

        File.WriteAllBytes(Path.Combine(_git.Folder, "binary"), [1, 0, 2, 0, 0, .. "AKIAQ3EGRZ7VN5KXM2PL"u8]);
        var result = Scan(new FolderSource(_git.Folder));
        Assert.Equal(["local.txt", "x.txt", "a/keep.tmp"], Names(result));
        Assert.Equal(1, result.BinaryFiles);
        Assert.Empty(result.PassedOver);
        var all = Scan(new FolderSource(_git.Folder) { IncludeIgnored = true });
        Assert.Equal(6, all.Findings.Count);
        // A folder inside the repository is still below its root's .gitignore.
        Assert.Equal(["a/keep.tmp"], Names(Scan(new FolderSource(Path.Combine(_git.Folder, "a")))));
    }

    [Fact]
    public void Links_are_left_alone_or_followed_to_files_and_never_in_circles()
    {
        var file = _git.Write("real/x.txt", Key);
        File.CreateSymbolicLink(Path.Combine(_git.Folder, "link"), file);
        File.CreateSymbolicLink(Path.Combine(_git.Folder, "dangling"), "/nowhere");
        Directory.CreateSymbolicLink(Path.Combine(_git.Folder, "real", "circle"), _git.Folder);
        Assert.Equal(["real/x.txt"], Names(Scan(new FolderSource(_git.Folder))));
        var followed = Scan(new FolderSource(_git.Folder) { FollowLinks = true });
        Assert.Equal(2, followed.Findings.Count);
        Assert.Contains(followed.Findings, finding => finding.SymlinkFile.EndsWith("/link", StringComparison.Ordinal));
    }

    [Fact]
    public void What_cannot_be_read_is_listed_and_the_rest_is_scanned()
    {
        _git.Write("b.txt", Key);
        _git.Write("big.txt", new string('x', 2_000_000));
        // Even root cannot read a folder as a file, nor open what a process has just removed.
        File.CreateSymbolicLink(Path.Combine(_git.Folder, "loop"), Path.Combine(_git.Folder, "loop"));
        var result = Scan(new FolderSource(_git.Folder) { FollowLinks = true, LargestFile = 1_000_000 });
        Assert.Equal(["b.txt"], Names(result));
        Assert.Equal(2, result.PassedOver.Count);
        Assert.Contains(result.PassedOver, each => each.Reason.Contains("larger than", StringComparison.Ordinal));
    }

    [Fact]
    public void A_pipe_or_a_name_with_a_line_break_does_not_stop_the_scan()
    {
        _git.Write("new\nline.txt", Key);
        Assert.Equal(0, Mkfifo(Path.Combine(_git.Folder, "pipe"), 0x180));
        Assert.Equal(["new\nline.txt"], Names(Scan(new FolderSource(_git.Folder))));
    }

    [Fact]
    public void Findings_come_in_the_order_of_files_and_lines_whatever_thread_was_faster()
    {
        for (var i = 0; i < 40; i++)
        {
            _git.Write($"f{i:00}.txt", Key + Key);
        }

        var result = Scan(new FolderSource(_git.Folder));
        Assert.Equal(80, result.Findings.Count);
        Assert.Equal(
            result.Findings.OrderBy(each => each.File, StringComparer.Ordinal).ThenBy(each => each.StartLine),
            result.Findings
        );
    }

    private static ScanResult Scan(FolderSource source) =>
        source.Scan(new SecretScanner(DefaultRules.Set), TestContext.Current.CancellationToken);

    private IEnumerable<string> Names(ScanResult result) =>
        result.Findings.Select(finding => Path.GetRelativePath(_git.Folder, finding.File));

    [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "mkfifo")]
    private static extern int Mkfifo(string path, uint mode);
}
