using FsCheck;
using FsCheck.Fluent;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;
using Mayfly.Scanner.Sources;

namespace Mayfly.Tests.Scanner.Sources;

/// <summary>A walk through a folder leaves out what the real git ignores there, and nothing else.</summary>
public sealed class IgnoreWalkTests
{
    private const string Key = "id = AKIAQ3EGRZ7VN5KXM2PL\n";

    [Fact]
    public void Files_of_several_ignore_files_that_overrule_each_other_are_those_that_git_lists()
    {
        using var git = new Git();
        var scanner = new SecretScanner(DefaultRules.Set);
        string[] files =
        [
            "a",
            "b",
            "x.log",
            "keep.log",
            "a b",
            "#c",
            "!d",
            "build/a",
            "build/keep.log",
            "sub/a",
            "sub/x.log",
            "sub/build/b",
            "sub/deep/a",
            "sub/deep/keep.log",
            "sub/deep/build/x.log",
        ];
        // Names of files and folders at once cannot be; the rest is as people write it.
        string[] patterns =
        [
            "*.log",
            "!keep.log",
            "/a",
            "a",
            "!a",
            "build/",
            "/build/",
            "!build/",
            "sub/deep/",
            "!sub/deep/a",
            "deep/*",
            "!deep/keep.log",
            "**/build/**",
            "sub/**/a",
            "\\#c",
            "#c",
            "\\!d",
            "a\\ b",
            "a b  ",
            "*",
            "!*/",
            "/*",
            "!/sub",
            "?",
            "[a-b]",
            "",
        ];
        foreach (var file in files)
        {
            git.Write(file, Key);
        }

        var lines = Gen.Elements(patterns).ListOf().Select(some => string.Join('\n', some.Take(6)) + "\n");
        var wrong = new List<string>();
        foreach (var some in Gen.Three(lines).Sample(40))
        {
            git.Write(".gitignore", some.Item1);
            git.Write("sub/.gitignore", some.Item2);
            git.Write(".git/info/exclude", some.Item3);
            var theirs = git.Run("ls-files", "-z", "--others", "--exclude-standard")
                .Split('\0', StringSplitOptions.RemoveEmptyEntries)
                .Where(name => !name.EndsWith(".gitignore", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal);
            var ours = new FolderSource(git.Folder)
                .Scan(scanner, TestContext.Current.CancellationToken)
                .Findings.Select(finding => Path.GetRelativePath(git.Folder, finding.File))
                .Order(StringComparer.Ordinal);
            var (left, right) = (string.Join(", ", theirs), string.Join(", ", ours));
            if (left != right)
            {
                wrong.Add(
                    $"root {Shown(some.Item1)}, sub {Shown(some.Item2)}, exclude {Shown(some.Item3)}: git has {left}; here {right}"
                );
            }
        }

        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

    private static string Shown(string lines) =>
        "[" + lines.TrimEnd('\n').Replace("\n", " | ", StringComparison.Ordinal) + "]";
}
