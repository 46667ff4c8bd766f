namespace Mayfly.Scanner.Sources;

/// <summary>The <c>.gitignore</c> files from a repository's root down to a folder; the deepest that says something decides.</summary>
internal sealed class IgnoreStack
{
    private readonly IgnoreStack? _above;
    private readonly string _folder;
    private readonly IgnorePatterns _patterns;

    private IgnoreStack(IgnoreStack? above, string folder, IgnorePatterns patterns)
    {
        _above = above;
        _folder = folder;
        _patterns = patterns;
    }

    /// <summary>What holds above and in <paramref name="folder"/>, as far up as its repository reaches.</summary>
    public static IgnoreStack? For(string folder)
    {
        var path = new List<string>();
        for (var at = folder; at is not null; at = Path.GetDirectoryName(at))
        {
            path.Add(at);
            if (Path.Exists(Path.Combine(at, ".git")))
            {
                break;
            }

            if (Path.GetDirectoryName(at) is null)
            {
                // No repository: what lies above has nothing to say.
                path = [folder];
            }
        }

        path.Reverse();
        IgnoreStack? stack = null;
        stack = Push(stack, path[0], Path.Combine(path[0], ".git", "info", "exclude"));
        foreach (var each in path)
        {
            stack = Enter(stack, each);
        }

        return stack;
    }

    /// <summary>With the <c>.gitignore</c> of <paramref name="folder"/>, if it has one.</summary>
    public static IgnoreStack? Enter(IgnoreStack? above, string folder) =>
        Push(above, folder, Path.Combine(folder, ".gitignore"));

    public bool Ignores(string path, bool isFolder)
    {
        for (var at = this; at is not null; at = at._above)
        {
            var relative = path[(at._folder.Length + (at._folder.EndsWith('/') ? 0 : 1))..];
            if (at._patterns.Ignores(relative, isFolder) is { } decided)
            {
                return decided;
            }
        }

        return false;
    }

    private static IgnoreStack? Push(IgnoreStack? above, string folder, string file)
    {
        try
        {
            // A link in its place is not followed, as git does not.
            if (!File.Exists(file) || new FileInfo(file).LinkTarget is not null)
            {
                return above;
            }

            var patterns = new IgnorePatterns(File.ReadAllText(file));
            return patterns.IsEmpty ? above : new IgnoreStack(above, folder, patterns);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Without it more is scanned, not less.
            return above;
        }
    }
}
