using Mayfly.Hcl;
using Mayfly.Hosting.Configuration;

namespace Mayfly.Server.Configuration;

/// <summary>Finds, reads and merges configuration files. Later files win; listeners add up.</summary>
internal static class ConfigurationFiles
{
    private static readonly string[] Endings = [".hcl", ".json"];

    /// <summary>The configuration of all files, or every problem with file, line and reason.</summary>
    public static (ServerConfiguration? Configuration, IReadOnlyList<string> Problems) Read(IReadOnlyList<string> paths)
    {
        var configuration = new ServerConfiguration();
        var problems = new List<string>();
        foreach (var file in paths.SelectMany(path => ConfigurationPaths.Expand(path, Endings, problems)))
        {
            if (ConfigurationPaths.Read(file, problems) is { } text)
            {
                configuration = Apply(configuration, file, text, problems);
            }
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
}
