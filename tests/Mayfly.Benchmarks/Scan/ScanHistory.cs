namespace Mayfly.Benchmarks.Scan;

/// <summary>
/// A git repository of some hundred megabytes, made of files of this machine: a dozen folders to a commit. Its patches add whole
/// files, which costs git the least and a scanner the most.
/// </summary>
internal static class ScanHistory
{
    private const int FoldersToACommit = 12;

    public static void Make(string repository, string[] trees)
    {
        Directory.CreateDirectory(repository);
        Git("init", "--quiet");
        // All that happens to the repository is measured later, and its size does not matter.
        Git("config", "core.compression", "1");
        Git("config", "gc.auto", "0");
        Git("config", "user.name", "Mayfly");
        Git("config", "user.email", "mayfly@example.com");
        foreach (var tree in trees)
        {
            var folders = Directory.EnumerateFileSystemEntries(tree).Order(StringComparer.Ordinal);
            foreach (var some in folders.Chunk(FoldersToACommit))
            {
                Git(["--work-tree=/", "add", "--force", "--ignore-errors", "--", .. some]);
                Git("commit", "--quiet", "--allow-empty", "-m", $"Add {some.Length} folders of {tree}");
            }
        }

        void Git(params string[] words) =>
            ScanProgram.Execute("git", [$"--git-dir={Path.Combine(repository, ".git")}", .. words]);
    }

    /// <summary>What a scan of the history reads, into nothing.</summary>
    public static void Log(string repository) =>
        ScanProgram.Execute("git", ["-C", repository, "log", "-p", "-U0", "--full-history", "--all"]);
}
