namespace Mayfly.Hosting.Configuration;

/// <summary>What <c>-config</c> names: files, and folders of them.</summary>
internal static class ConfigurationPaths
{
    /// <summary>A file by itself, or the files in a folder by their names' order; none after noting why.</summary>
    /// <param name="path">The file or the folder.</param>
    /// <param name="endings">Which files of a folder count, such as <c>.hcl</c>.</param>
    /// <param name="problems">Takes what is wrong, for the operator.</param>
    public static string[] Expand(string path, IReadOnlyList<string> endings, List<string> problems)
    {
        if (File.Exists(path))
        {
            return [path];
        }

        if (!Directory.Exists(path))
        {
            problems.Add($"{path}: there is no such file or folder");
            return [];
        }

        string[] files =
        [
            .. Directory
                .EnumerateFiles(path)
                .Where(file => endings.Contains(Path.GetExtension(file)))
                .Order(StringComparer.Ordinal),
        ];
        if (files.Length == 0)
        {
            var names = endings.Select(ending => "*" + ending).ToList();
            problems.Add($"{path}: there is no {string.Join(", ", names.SkipLast(1))} or {names[^1]} in this folder");
        }

        return files;
    }

    /// <summary>The text of a file; null after noting why it cannot be read.</summary>
    public static string? Read(string file, List<string> problems)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add($"{file}: {e.Message}");
            return null;
        }
    }
}
