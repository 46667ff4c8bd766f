using Mayfly.Hcl;

namespace Mayfly.Server.Configuration;

/// <summary>Finds, reads and merges configuration files. Later files win; listeners add up.</summary>
internal static class ConfigurationFiles
{
    /// <summary>The configuration of all files, or every problem with file, line and reason.</summary>
    public static (ServerConfiguration? Configuration, IReadOnlyList<string> Problems) Read(IReadOnlyList<string> paths)
    {
        var configuration = new ServerConfiguration();
        var problems = new List<string>();
        foreach (var file in paths.SelectMany(path => Expand(path, problems)))
        {
            string text;
            try
            {
                text = File.ReadAllText(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                problems.Add($"{file}: {e.Message}");
                continue;
            }

            configuration = Apply(configuration, file, text, problems);
        }

        return problems.Count > 0 ? (null, problems) : (configuration, []);
    }

    /// <summary>What <paramref name="text"/> adds to or changes in a configuration.</summary>
    internal static ServerConfiguration Apply(
        ServerConfiguration configuration,
        string file,
        string text,
        List<string> problems
    )
    {
        var (body, error) = HclParser.Parse(text);
        if (body is null)
        {
            problems.Add($"{file}: {error}");
            return configuration;
        }

        return new ConfigurationReader(file, problems).Read(body, configuration);
    }

    private static string[] Expand(string path, List<string> problems)
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
                .Where(file => Path.GetExtension(file) is ".hcl" or ".json")
                .Order(StringComparer.Ordinal),
        ];
        if (files.Length == 0)
        {
            problems.Add($"{path}: there is no *.hcl or *.json in this folder");
        }

        return files;
    }
}
