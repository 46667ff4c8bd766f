using System.Text;
using Mayfly.Hcl;
using Mayfly.Hosting.Configuration;

namespace Mayfly.Agent.Configuration;

/// <summary>Finds, reads and merges configuration files: HCL, JSON or YAML, one, several, or folders of them.</summary>
internal static class ConfigurationFiles
{
    /// <summary>Instead of a file's path: a variable that holds the configuration in base64, <c>env:NAME</c>.</summary>
    private const string VariablePrefix = "env:";

    private static readonly string[] Endings = [".hcl", ".json", ".yaml", ".yml"];

    /// <summary>The configuration of all files, or every problem with file, place and reason.</summary>
    public static (AgentConfiguration? Configuration, IReadOnlyList<string> Problems) Read(IReadOnlyList<string> paths)
    {
        var configuration = new AgentConfiguration();
        var notes = new ConfigurationNotes();
        foreach (var variable in paths.Where(IsVariable))
        {
            if (ReadVariable(variable, notes.Problems) is { } text)
            {
                configuration = Apply(configuration, variable, text, notes);
            }
        }

        foreach (
            var file in paths
                .Where(path => !IsVariable(path))
                .SelectMany(path => ConfigurationPaths.Expand(path, Endings, notes.Problems))
        )
        {
            if (ConfigurationPaths.Read(file, notes.Problems) is { } text)
            {
                configuration = Apply(configuration, file, text, notes);
            }
        }

        return Finish(configuration, notes);
    }

    /// <summary>The configuration of one text, as <see cref="Read"/> would give it.</summary>
    /// <param name="name">What problems call it.</param>
    /// <param name="text">HCL or JSON.</param>
    public static (AgentConfiguration? Configuration, IReadOnlyList<string> Problems) ReadText(string name, string text)
    {
        var notes = new ConfigurationNotes();
        return Finish(Apply(new AgentConfiguration(), name, text, notes), notes);
    }

    private static (AgentConfiguration? Configuration, IReadOnlyList<string> Problems) Finish(
        AgentConfiguration configuration,
        ConfigurationNotes notes
    )
    {
        if (notes.Problems.Count > 0)
        {
            return (null, notes.Problems);
        }

        var problems = Together(configuration);
        return problems.Count > 0 ? (null, problems) : (configuration with { Warnings = notes.Warnings }, []);
    }

    private static bool IsVariable(string path) => path.StartsWith(VariablePrefix, StringComparison.Ordinal);

    private static string? ReadVariable(string path, List<string> problems)
    {
        if (Environment.GetEnvironmentVariable(path[VariablePrefix.Length..]) is not { Length: > 0 } value)
        {
            problems.Add($"{path}: the variable is not set");
            return null;
        }

        try
        {
            return Encoding.UTF8.GetString(Convert.FromBase64String(value));
        }
        catch (FormatException)
        {
            problems.Add($"{path}: the variable must hold the configuration in base64");
            return null;
        }
    }

    /// <summary>What <paramref name="text"/> adds to or changes in a configuration.</summary>
    internal static AgentConfiguration Apply(
        AgentConfiguration configuration,
        string file,
        string text,
        ConfigurationNotes notes
    )
    {
        var (body, error) = Path.GetExtension(file) is ".yaml" or ".yml"
            ? YamlDocument.Parse(text)
            : HclParser.Parse(text);
        if (body is null)
        {
            notes.Problems.Add($"{file}: {error}");
            return configuration;
        }

        notes.Begin(file);
        return new ConfigurationReader(notes).Read(body, configuration);
    }

    /// <summary>What is wrong between stanzas that are right by themselves.</summary>
    private static List<string> Together(AgentConfiguration configuration)
    {
        var problems = new List<string>();
        var needsToken =
            configuration.Templates.Count > 0
            || configuration.EnvironmentTemplates.Count > 0
            || configuration.UseAutoAuthToken is TokenUse.Force or TokenUse.WhenMissing
            || configuration.Listeners.Any(listener => listener.SecretsManager is not null);
        if (configuration.AutoAuth is null && needsToken)
        {
            problems.Add(
                "auto_auth is needed: templates, use_auto_auth_token and secretsmanager listeners use its token"
            );
        }

        if (configuration.AutoAuth is null && configuration.Listeners.Count == 0)
        {
            problems.Add("there is nothing to do: the configuration has neither auto_auth nor a listener");
        }

        if (
            configuration.AutoAuth is { Sinks.Count: 0 }
            && configuration.Templates.Count == 0
            && configuration.EnvironmentTemplates.Count == 0
            && configuration.Listeners.Count == 0
            && configuration.Exec is null
        )
        {
            problems.Add("auto_auth needs somebody to log in for: a sink, template, env_template, exec or listener");
        }

        if (configuration.EnvironmentTemplates.Count > 0 && configuration.Exec is null)
        {
            problems.Add("env_template needs exec, whose program gets the variables");
        }

        if (configuration.Exec is not null && configuration.AutoAuth is null)
        {
            problems.Add("exec needs auto_auth");
        }

        if (configuration.Exec is not null && configuration.ExitAfterAuth)
        {
            problems.Add("exec and exit_after_auth exclude each other");
        }

        if (
            configuration
                .Templates.GroupBy(template => Path.GetFullPath(template.Destination))
                .FirstOrDefault(same => same.Count() > 1) is
            { } twice
        )
        {
            problems.Add($"two templates write {twice.Key}");
        }

        if (
            configuration
                .EnvironmentTemplates.GroupBy(each => each.Variable)
                .FirstOrDefault(same => same.Count() > 1) is
            { } again
        )
        {
            problems.Add($"two env_template stanzas are for {again.Key}");
        }

        return problems;
    }
}
