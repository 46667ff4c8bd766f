using System.IO.Compression;
using System.Text;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;
using Mayfly.Scanner.Sources;

namespace Mayfly.Tests.Scanner.Sources;

/// <summary>Archives that somebody has committed.</summary>
public sealed class GitArchiveTests : IDisposable
{
    private const string Key = "id = AKIAQ3EGRZ7VN5KXM2PL\n";

    private readonly Git _git = new();

    public void Dispose() => _git.Dispose();

    [Theory]
    [InlineData("a.zip")]
    [InlineData("with space/ä \"quoted\"\tname.jar")]
    [InlineData("a b/b/a b.zip")]
    public void An_archive_in_a_history_is_opened_and_the_finding_names_its_commit_and_the_entry(string name)
    {
        Zip(name, "in/x.txt", "first\n" + Key);
        var commit = _git.Commit("an archive");
        _git.Run("rm", "-q", name);
        _git.Commit("and it is gone");
        var finding = Assert.Single(
            Scan(new GitSource(_git.Folder, GitScope.History, []) { MaxArchiveDepth = 1 }).Findings
        );
        Assert.Equal($"{name}!in/x.txt", finding.File);
        Assert.Equal((2, 6), (finding.StartLine, finding.StartColumn));
        Assert.Equal(
            (commit, "Ada", "ada@acme.example"),
            (finding.Commit!.Hash, finding.Commit.Author, finding.Commit.Email)
        );
        Assert.StartsWith("20", finding.Commit.Date, StringComparison.Ordinal);
        Assert.Equal($"{commit}:{name}!in/x.txt:aws-access-key-id:2", finding.Fingerprint);
        Assert.Empty(Scan(new GitSource(_git.Folder, GitScope.History, [])).Findings);
    }

    [Fact]
    public void Each_version_of_an_archive_is_opened_also_after_it_was_renamed()
    {
        Zip("a.zip", "x.txt", "nothing\n");
        _git.Commit("one");
        Zip("a.zip", "x.txt", Key);
        var second = _git.Commit("two");
        _git.Run("mv", "a.zip", "b.zip");
        _git.Commit("renamed as it was");
        Zip("b.zip", "y.txt", Key);
        var last = _git.Commit("three");
        var result = Scan(new GitSource(_git.Folder, GitScope.History, []) { MaxArchiveDepth = 1 });
        Assert.Equal(
            [(last, "b.zip!y.txt"), (second, "a.zip!x.txt")],
            result.Findings.Select(each => (each.Commit!.Hash, each.File))
        );
        Assert.Empty(result.PassedOver);
    }

    [Fact]
    public void What_is_staged_and_what_is_not_are_opened_apart()
    {
        Zip("a.zip", "x.txt", "nothing\n");
        _git.Commit("one");
        Zip("a.zip", "staged.txt", Key);
        _git.Run("add", "-A");
        Zip("a.zip", "changed.txt", Key);
        Assert.Equal("a.zip!staged.txt", Single(GitScope.Staged));
        Assert.Equal("a.zip!changed.txt", Single(GitScope.Unstaged));

        string Single(GitScope scope) =>
            Assert.Single(Scan(new GitSource(_git.Folder, scope, []) { MaxArchiveDepth = 1 }).Findings).File;
    }

    [Fact]
    public void A_tar_inside_of_a_gzip_other_binary_files_and_broken_archives_are_each_what_they_are()
    {
        File.WriteAllBytes(Path.Combine(_git.Folder, "picture"), [1, 0, 2, 0, .. Encoding.UTF8.GetBytes(Key)]);
        _git.Write("t/x.txt", Key);
        using (var packed = File.Create(Path.Combine(_git.Folder, "t.tgz")))
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            System.Formats.Tar.TarFile.CreateFromDirectory(
                Path.Combine(_git.Folder, "t"),
                gzip,
                includeBaseDirectory: true
            );
        }

        Directory.Delete(Path.Combine(_git.Folder, "t"), recursive: true);
        Zip("broken.zip", "x.txt", Key + new string('x', 9000));
        var broken = Path.Combine(_git.Folder, "broken.zip");
        File.WriteAllBytes(broken, File.ReadAllBytes(broken)[..^30]);
        var commit = _git.Commit("all");
        var result = Scan(new GitSource(_git.Folder, GitScope.History, []) { MaxArchiveDepth = 1 });
        Assert.Equal(["t.tgz!t/x.txt"], result.Findings.Select(each => each.File));
        Assert.Equal(1, result.BinaryFiles);
        Assert.Equal("broken.zip", Assert.Single(result.PassedOver).Path);
        var small = new GitSource(_git.Folder, GitScope.History, []) { MaxArchiveDepth = 1, LargestFile = 100 };
        Assert.Contains(Scan(small).PassedOver, each => each.Path == $"{commit}:t.tgz");
    }

    [Fact]
    public void An_archive_whose_object_is_gone_is_listed_and_the_others_are_opened()
    {
        Zip("a.zip", "x.txt", Key);
        _git.Commit("one");
        Zip("b.zip", "y.txt", Key);
        _git.Commit("two");
        var blob = _git.Run("rev-parse", "HEAD:a.zip").Trim();
        var file = Path.Combine(_git.Folder, ".git", "objects", blob[..2], blob[2..]);
        File.SetAttributes(file, FileAttributes.Normal);
        File.Delete(file);
        var result = Scan(new GitSource(_git.Folder, GitScope.History, []) { MaxArchiveDepth = 1 });
        Assert.Contains("b.zip!y.txt", result.Findings.Select(each => each.File));
        // git ends at it, so the whole commit is listed.
        Assert.Contains(result.PassedOver, each => each.Reason.Contains(blob, StringComparison.Ordinal));
    }

    [Fact]
    public void A_rule_of_paths_sees_files_that_are_no_text()
    {
        File.WriteAllBytes(Path.Combine(_git.Folder, "store.p12"), [0x30, 0x82, 0, 0, 1]);
        _git.Commit("a key store");
        var (rules, _) = RuleFile.Read(
            "r",
            "[[rules]]\nid = 'p12'\npath = '''\\.p12$'''\n"u8,
            DefaultRules.Set,
            _ => null
        );
        var result = new GitSource(_git.Folder, GitScope.History, []).Scan(
            new SecretScanner(rules!),
            TestContext.Current.CancellationToken
        );
        Assert.Equal("store.p12", Assert.Single(result.Findings).File);
    }

    private static ScanResult Scan(GitSource source) =>
        source.Scan(new SecretScanner(DefaultRules.Set), TestContext.Current.CancellationToken);

    private void Zip(string name, string entry, string content)
    {
        var path = Path.Combine(_git.Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Delete(path);
        using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
        using var writer = new StreamWriter(zip.CreateEntry(entry).Open());
        writer.Write(content);
    }
}
