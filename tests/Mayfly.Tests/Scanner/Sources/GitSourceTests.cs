using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;
using Mayfly.Scanner.Sources;

namespace Mayfly.Tests.Scanner.Sources;

public sealed class GitSourceTests : IDisposable
{
    private const string Key = "id = AKIAQ3EGRZ7VN5KXM2PL";

    private readonly Git _git = new();

    public void Dispose() => _git.Dispose();

    [Fact]
    public void A_secret_is_found_in_the_commit_that_added_it_with_author_date_and_message()
    {
        _git.Write("a.txt", "one\ntwo\n");
        _git.Commit("first");
        _git.Write("a.txt", $"one\n{Key}\ntwo\n");
        var hash = _git.Commit("second\n\nwith a body");
        _git.Write("a.txt", "one\ntwo\n");
        _git.Commit("removed");
        var result = Scan();
        var finding = Assert.Single(result.Findings);
        Assert.Equal(("a.txt", 2, 6), (finding.File, finding.StartLine, finding.StartColumn));
        Assert.Equal(hash, finding.Commit!.Hash);
        Assert.Equal(("Ada", "ada@acme.example"), (finding.Commit.Author, finding.Commit.Email));
        Assert.Equal("second\n\nwith a body", finding.Commit.Message);
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$", finding.Commit.Date);
        Assert.Equal($"{hash}:a.txt:aws-access-key-id:2", finding.Fingerprint);
        Assert.Equal(3, result.Commits);
        Assert.Null(result.Failure);
    }

    [Theory]
    [InlineData("with space.txt")]
    [InlineData("quo\"te.txt")]
    [InlineData("new\nline.txt")]
    [InlineData("größe.txt")]
    [InlineData("tab\tname")]
    [InlineData("b/b/++ b.txt")]
    public void File_names_that_git_quotes_are_themselves_again(string name)
    {
        _git.Write(name, $"x\n{Key}\n");
        _git.Commit("x");
        Assert.Equal(name, Assert.Single(Scan().Findings).File);
    }

    [Fact]
    public void Lines_that_look_like_the_parts_of_a_patch_are_text()
    {
        _git.Write("a.txt", $"++ b/other.txt\n@@ -1 +1 @@\ndiff --git a/x b/x\n-- a/y\n{Key}\n");
        _git.Commit("diff --git a/x b/x\n\n+++ b/z");
        _git.Write("a.txt", $"++ b/other.txt\n{Key}\n");
        _git.Commit("fewer");
        var finding = Assert.Single(Scan().Findings);
        Assert.Equal(("a.txt", 5), (finding.File, finding.StartLine));
    }

    [Fact]
    public void Every_branch_is_scanned_or_only_the_range_that_is_asked_for()
    {
        _git.Commit("root");
        _git.Run("checkout", "-q", "-b", "side");
        _git.Write("s.txt", Key);
        _git.Commit("side");
        _git.Run("checkout", "-q", "main");
        _git.Write("m.txt", Key);
        _git.Commit("main");
        Assert.Equal(2, Scan().Findings.Count);
        Assert.Equal("m.txt", Assert.Single(Scan(GitScope.History, "main").Findings).File);
        Assert.Empty(Scan(GitScope.History, "main..main").Findings);
    }

    [Fact]
    public void What_is_staged_and_what_is_not_are_looked_at_apart()
    {
        _git.Write("a.txt", "one\n");
        _git.Write("b.txt", "one\n");
        _git.Commit("first");
        _git.Write("a.txt", $"one\n{Key}\n");
        _git.Run("add", "a.txt");
        _git.Write("b.txt", $"{Key}\n");
        Assert.Equal("a.txt", Assert.Single(Scan(GitScope.Staged).Findings).File);
        Assert.Equal("b.txt", Assert.Single(Scan(GitScope.Unstaged).Findings).File);
    }

    [Fact]
    public void Bare_and_shallow_repositories_and_submodules_are_scanned()
    {
        using var other = new Git();
        other.Write("lib.txt", "nothing\n");
        other.Commit("lib");
        _git.Run("-c", "protocol.file.allow=always", "submodule", "add", "-q", other.Folder, "lib");
        _git.Write("a.txt", Key);
        _git.Commit("one");
        _git.Write("b.txt", Key);
        _git.Commit("two");
        var bare = Path.Combine(_git.Folder, "bare.git");
        _git.Run("clone", "-q", "--bare", ".", bare);
        Assert.Equal(2, Scan(bare).Findings.Count);
        var shallow = Path.Combine(_git.Folder, "shallow");
        _git.Run("clone", "-q", "--depth=1", $"file://{bare}", shallow);
        var result = Scan(shallow);
        Assert.Null(result.Failure);
        Assert.Equal(2, result.Findings.Count);
        Assert.Equal(1, result.Commits);
    }

    [Fact]
    public void What_the_repository_configures_changes_nothing_and_runs_nothing()
    {
        var trace = Path.Combine(_git.Folder, "ran");
        foreach (
            var (name, value) in (ReadOnlySpan<(string, string)>)
                [
                    ("diff.noprefix", "true"),
                    ("diff.mnemonicPrefix", "true"),
                    ("color.ui", "always"),
                    ("diff.external", $"touch {trace};:"),
                    ("diff.x.textconv", $"touch {trace};:"),
                    ("core.fsmonitor", $"touch {trace};:"),
                    ("core.quotePath", "true"),
                    ("diff.context", "9"),
                    ("diff.orderFile", "/nowhere"),
                    ("log.showSignature", "true"),
                    ("diff.submodule", "log"),
                ]
        )
        {
            _git.Run("config", name, value);
        }

        _git.Write(".gitattributes", "*.txt diff=x\n");
        _git.Write("é.txt", $"a\nb\n{Key}\n");
        _git.Run("add", "-A");
        // Which ran what it was told to.
        File.Delete(trace);
        Assert.Equal("é.txt", Assert.Single(Scan(GitScope.Staged).Findings).File);
        Assert.False(File.Exists(trace));
        _git.Commit("x");
        File.Delete(trace);
        var finding = Assert.Single(Scan().Findings);
        Assert.Equal(("é.txt", 3), (finding.File, finding.StartLine));
        Assert.False(File.Exists(trace));
    }

    [Fact]
    public void The_first_commit_is_scanned_also_where_the_repository_hides_its_patch()
    {
        _git.Write("a.txt", Key);
        _git.Commit("first");
        _git.Run("config", "log.showRoot", "false");
        Assert.Equal("a.txt", Assert.Single(Scan().Findings).File);
    }

    [Fact]
    public void Authors_and_messages_are_read_whatever_encoding_the_repository_shows_them_in()
    {
        _git.Run("config", "user.name", "Ådä");
        _git.Run("config", "i18n.logOutputEncoding", "ISO-8859-1");
        _git.Write("a.txt", Key);
        _git.Commit("größer");
        var commit = Assert.Single(Scan().Findings).Commit!;
        Assert.Equal(("Ådä", "größer"), (commit.Author, commit.Message));
    }

    [Theory]
    [InlineData("utf-16", null)]
    [InlineData("utf-16BE", null)]
    [InlineData("utf-8", "*.txt -diff")]
    [InlineData("utf-8", "*.txt binary")]
    public void Text_that_git_takes_for_binary_is_scanned_and_counts_for_the_commit_that_added_it(
        string encoding,
        string? attributes
    )
    {
        var text = Encoding.GetEncoding(encoding);
        if (attributes is not null)
        {
            _git.Write(".gitattributes", attributes);
        }

        _git.Write("a.txt", (byte[])[.. text.GetPreamble(), .. text.GetBytes("one\ntwo\n")]);
        _git.Commit("first");
        _git.Write("a.txt", (byte[])[.. text.GetPreamble(), .. text.GetBytes($"one\n{Key}\n")]);
        var hash = _git.Commit("second");
        _git.Write("a.txt", (byte[])[.. text.GetPreamble(), .. text.GetBytes($"zero\none\n{Key}\n")]);
        Assert.Single(Scan(GitScope.Unstaged).Findings);
        _git.Run("add", ".");
        Assert.Single(Scan(GitScope.Staged).Findings);
        _git.Commit("third");
        var result = Scan();
        var finding = Assert.Single(result.Findings);
        Assert.Equal($"{hash}:a.txt:aws-access-key-id:2", finding.Fingerprint);
        Assert.Equal(0, result.BinaryFiles);
    }

    [Fact]
    public void A_file_that_is_renamed_is_not_added_again()
    {
        _git.Write("a.txt", $"{Key}\nand\nmore\nlines\n");
        _git.Commit("one");
        _git.Run("mv", "a.txt", "b.txt");
        _git.Commit("two");
        Assert.Equal("a.txt", Assert.Single(Scan().Findings).File);
    }

    [Fact]
    public void What_cannot_be_read_of_a_history_is_listed_and_the_rest_is_scanned()
    {
        var commits = Enumerable
            .Range(0, 7)
            .Select(i =>
            {
                _git.Write($"f{i}.txt", $"{i}\n{Key}\n");
                return _git.Commit($"c{i}");
            })
            .ToArray();
        _git.Run("checkout", "-q", "-b", "side", "HEAD~5");
        _git.Write("s.txt", Key);
        _git.Commit("side");
        Remove(_git.Run("rev-parse", $"{commits[3]}:f3.txt").Trim());
        var result = Scan();
        Assert.Null(result.Failure);
        string[] rest = ["f0.txt", "f1.txt", "f2.txt", "f4.txt", "f5.txt", "f6.txt", "s.txt"];
        Assert.Equal(rest, result.Findings.Select(finding => finding.File).Order(StringComparer.Ordinal));
        Assert.Contains(result.PassedOver, each => each.Path.EndsWith(commits[3], StringComparison.Ordinal));

        // Nor is what lies before a missing commit, and its child, which is compared with it; unless another branch has it.
        Remove(commits[4]);
        result = Scan();
        Assert.Null(result.Failure);
        Assert.NotEmpty(result.PassedOver);
        rest = ["f0.txt", "f1.txt", "f6.txt", "s.txt"];
        Assert.Equal(rest, result.Findings.Select(finding => finding.File).Order(StringComparer.Ordinal));

        void Remove(string id) => File.Delete(Path.Combine(_git.Folder, ".git", "objects", id[..2], id[2..]));
    }

    [Theory]
    [InlineData("--cc")]
    [InlineData("-c")]
    [InlineData("-m")]
    public void What_only_a_merge_has_is_scanned_when_it_is_asked_for(string option)
    {
        _git.Write("a.txt", "root\n");
        _git.Commit("root");
        _git.Run("checkout", "-q", "-b", "side");
        _git.Write("a.txt", "side\n");
        _git.Commit("side");
        _git.Run("checkout", "-q", "main");
        _git.Write("a.txt", "main\n");
        _git.Commit("main");
        _git.Run("merge", "-q", "side");
        _git.Write("a.txt", $"main\nside\n{Key}\nmain\n");
        var merge = _git.Commit("merge");
        Assert.Empty(Scan().Findings);
        var findings = Scan(GitScope.History, "--all", option).Findings;
        Assert.Equal([(merge, 3)], findings.Select(each => (each.Commit!.Hash, each.StartLine)).Distinct());
    }

    [Fact]
    public void A_folder_without_a_repository_is_a_failure_and_not_clean()
    {
        using var empty = new Storage.TempFolder();
        Directory.CreateDirectory(empty.Path);
        var result = new GitSource(empty.Path, GitScope.History, []).Scan(
            new SecretScanner(DefaultRules.Set),
            TestContext.Current.CancellationToken
        );
        Assert.Contains("not a git repository", result.Failure!, StringComparison.Ordinal);
    }

    [Fact]
    public void The_small_repository_of_gitleaks_has_the_findings_that_gitleaks_has()
    {
        if (Conformance.Find("testdata", "repos", "small", "dotGit") is not { } source)
        {
            return;
        }

        // The index and the objects as gitleaks ships them; the folder has another name so that git leaves it alone.
        _git.Run("clone", "-q", "--mirror", source, Path.Combine(_git.Folder, "small.git"));
        var ignored = new IgnoreList([
            File.ReadAllText(Conformance.Find("testdata", "repos", "small", ".gitleaksignore")!),
        ]);
        var (rules, _) = RuleFile.Read(
            "simple.toml",
            File.ReadAllBytes(Conformance.Find("testdata", "config", "simple.toml")!),
            new RuleSet([], []),
            _ => null
        );
        var result = new GitSource(Path.Combine(_git.Folder, "small.git"), GitScope.History, []).Scan(
            new SecretScanner(rules!),
            TestContext.Current.CancellationToken
        );
        Assert.Equal(
            [
                "491504d5a31946ce75e22554cc34203d8e5ff3ca:foo/foo.go:aws-access-key:9",
                "1b6da43b82b22e4eaa10bcf8ee591e91abbfc587:main.go:aws-access-key:20",
            ],
            result.Findings.Where(finding => !ignored.Has(finding)).Select(finding => finding.Fingerprint)
        );
    }

    [Fact]
    public void Any_bytes_are_read_to_their_end()
    {
        string[] pieces =
        [
            "\u0000",
            "diff --git a/x b/x\n",
            "+++ b/x\n",
            "@@ -1 +1,2 @@\n",
            "@@ -0,0 +1 @@",
            "+",
            "-",
            "\n",
            "text",
            "\\ No newline\n",
            "new file mode 160000\n",
            "Binary files a and b differ\n",
            "+++ \"b/\\303\\n",
            "@@ -x +y @@\n",
            "@@ -9999999999 +1 @@\n",
            "@@@ -1,2 -1 +1,3 @@@\n",
            "@@@ x @@@\n",
            "++",
            " +",
        ];
        var scanner = new SecretScanner(DefaultRules.Set);
        Prop.ForAll(
                Gen.Elements(pieces).ListOf().Select(string.Concat).ToArbitrary(),
                text =>
                {
                    var tally = new ScanTally();
                    GitSource.Scan(
                        scanner,
                        new MemoryStream(Encoding.UTF8.GetBytes(text)),
                        tally,
                        [],
                        CancellationToken.None
                    );
                    return tally.Result().Failure is null;
                }
            )
            .QuickCheckThrowOnFailure();
    }

    private ScanResult Scan(GitScope scope = GitScope.History, params string[] options) =>
        new GitSource(_git.Folder, scope, options).Scan(
            new SecretScanner(DefaultRules.Set),
            TestContext.Current.CancellationToken
        );

    private static ScanResult Scan(string folder) =>
        new GitSource(folder, GitScope.History, []).Scan(
            new SecretScanner(DefaultRules.Set),
            TestContext.Current.CancellationToken
        );
}
