using FsCheck;
using FsCheck.Fluent;
using Mayfly.Scanner.Sources;

namespace Mayfly.Tests.Scanner.Sources;

public sealed class IgnorePatternsTests
{
    [Theory]
    [InlineData("*.log", "a/b.log", true)]
    [InlineData("/a.log", "b/a.log", false)]
    [InlineData("a/b", "x/a/b", false)]
    [InlineData("**/b", "x/a/b", true)]
    [InlineData("a/**", "a/b/c", true)]
    [InlineData("a/**/c", "a/c", true)]
    [InlineData("a/**/c", "a/b/b/c", true)]
    [InlineData("build/", "build", false)]
    [InlineData("\\#x", "#x", true)]
    [InlineData("#x", "#x", false)]
    [InlineData("x ", "x", true)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[!a-c]x", "bx", false)]
    [InlineData("a?c", "a/c", false)]
    [InlineData("[", "[", false)]
    public void A_pattern_means_what_gits_documentation_says(string pattern, string path, bool ignored) =>
        Assert.Equal(ignored, new IgnorePatterns(pattern).Ignores(path, isFolder: false) == true);

    [Fact]
    public void The_last_pattern_that_matches_decides()
    {
        var patterns = new IgnorePatterns("*.log\n!keep.log\nbuild/\n");
        Assert.Equal(true, patterns.Ignores("a.log", isFolder: false));
        Assert.Equal(false, patterns.Ignores("keep.log", isFolder: false));
        Assert.Equal(true, patterns.Ignores("build", isFolder: true));
        Assert.Null(patterns.Ignores("build", isFolder: false));
    }

    [Fact]
    public void More_than_two_asterisks_are_folders_as_two_are()
    {
        Assert.Equal(true, new IgnorePatterns("***/a?").Ignores("ab", isFolder: false));
        Assert.Equal(true, new IgnorePatterns("***/a?").Ignores("x/y/ab", isFolder: false));
    }

    [Fact]
    public void Many_patterns_say_what_git_says()
    {
        using var git = new Git();
        string[] pieces = ["a", "b", "*", "**", "/", "?", "!", "[ab]", "[!a]", ".c", "\\a", "-"];
        string[] paths = ["a", "b", "ab", "a.c", "a/b", "a/a.c", "b/a/b", "a/b/ab", "b.c/a", "-", "a-b/b"];
        var patterns = Gen.Elements(pieces)
            .ListOf()
            .Select(parts => string.Concat(parts.Take(5)))
            .Where(pattern => pattern.Length > 0 && pattern.Trim('!', '/').Length > 0)
            .Sample(60)
            .Distinct()
            .ToArray();
        var wrong = new List<string>();
        foreach (var pattern in patterns)
        {
            git.Write(".gitignore", pattern + "\n");
            var input = string.Join('\n', paths) + "\n";
            var theirs = git.Run(input, ["check-ignore", "--no-index", "--stdin"]).Split('\n').ToHashSet();
            var ours = new IgnorePatterns(pattern);
            wrong.AddRange(
                paths
                    .Where(path => Ignores(ours, path) != theirs.Contains(path))
                    .Select(path => $"{pattern} and {path}")
            );
        }

        Assert.Empty(wrong);
    }

    /// <summary>As a walk from the top does: what is in a folder that is ignored is not reached.</summary>
    private static bool Ignores(IgnorePatterns patterns, string path)
    {
        for (var at = path.IndexOf('/', StringComparison.Ordinal); at >= 0; at = path.IndexOf('/', at + 1))
        {
            if (patterns.Ignores(path[..at], isFolder: true) == true)
            {
                return true;
            }
        }

        return patterns.Ignores(path, isFolder: false) == true;
    }
}
