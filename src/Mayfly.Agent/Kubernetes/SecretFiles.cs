using System.Text;
using Mayfly.Agent.Templates;
using Mayfly.Agent.Templates.Functions;

namespace Mayfly.Agent.Kubernetes;

/// <summary>The files that annotations ask for, and the folders that they lie in.</summary>
/// <param name="Files">What to render.</param>
/// <param name="Folders">Where volumes are mounted for them; the pod's own folder first.</param>
internal sealed record SecretFiles(IReadOnlyList<SecretFile> Files, IReadOnlyList<string> Folders)
{
    private static readonly string[] Companions =
    [
        Endings.Files,
        Endings.Modes,
        Endings.Commands,
        Endings.Folders,
        Endings.MissingKeys,
    ];

    /// <param name="annotations">Gets what is wrong told.</param>
    /// <param name="dialect">Gives the folder when no annotation does.</param>
    /// <param name="template">How files look that no template is given for: <c>map</c> or <c>json</c>.</param>
    /// <param name="mode">Permissions when no annotation gives them.</param>
    public static SecretFiles Read(PodAnnotations annotations, Dialect dialect, string template, string mode)
    {
        var home = Folder(annotations, Endings.SecretFolder) ?? dialect.SecretsFolder;
        var paths = annotations.Family(Endings.Secrets).ToDictionary(StringComparer.Ordinal);
        var templates = annotations.Family(Endings.Templates).ToDictionary(StringComparer.Ordinal);
        var sources = annotations.Family(Endings.TemplateFiles).ToDictionary(StringComparer.Ordinal);
        var names = paths.Keys.Union(templates.Keys).Union(sources.Keys).Order(StringComparer.Ordinal).ToList();
        var preserve = annotations.Flag(Endings.PreserveCase, fallback: false);
        var files = new List<SecretFile>();
        var folders = new List<string> { home };
        foreach (var name in names)
        {
            var folder = Folder(annotations, Endings.Folders + name) ?? home;
            if (!folders.Contains(folder))
            {
                folders.Add(folder);
            }

            var file = annotations.Word(Endings.Files + name) ?? (preserve ? name : name.ToLowerInvariant());
            if (MountFolder.Within(folder, file, out var wrong) is not { } destination)
            {
                annotations.Problem(Endings.Files + name, wrong!);
                continue;
            }

            if (files.Exists(other => other.Destination == destination))
            {
                annotations.Problem($"two secrets would be written to {destination}");
                continue;
            }

            var contents = templates.GetValueOrDefault(name);
            var source = Source(annotations, name);
            if (contents is null && source is null)
            {
                if (
                    !paths.TryGetValue(name, out var path)
                    || Default(annotations, name, path, dialect, template) is not { } text
                )
                {
                    continue;
                }

                contents = text;
            }

            if (source is null && templates.ContainsKey(name))
            {
                Check(annotations, name, contents!);
            }

            files.Add(
                new SecretFile(
                    destination,
                    source is null ? contents : null,
                    source,
                    Mode(annotations, name) ?? mode,
                    annotations.Text(Endings.Commands + name) is { Length: > 0 } command ? command : null,
                    annotations.FlagOrNull(Endings.MissingKeys + name)
                )
            );
        }

        foreach (var family in Companions)
        {
            foreach (var (name, _) in annotations.Family(family))
            {
                if (!names.Contains(name))
                {
                    annotations.Warn(
                        $"{annotations.KeyOf(family + name)} belongs to no {Endings.Secrets}{name} or {Endings.Templates}{name}"
                    );
                }
            }
        }

        return new SecretFiles(files, folders);
    }

    private static string? Folder(PodAnnotations annotations, string ending)
    {
        if (annotations.Word(ending) is not { } text)
        {
            return null;
        }

        var path = MountFolder.Absolute(text, out var wrong);
        if (wrong is not null)
        {
            annotations.Problem(ending, $"{wrong}, not {PodAnnotations.Quote(text)}");
        }

        return path;
    }

    // A pod with a template that is none would wait for its file for ever.
    private static void Check(PodAnnotations annotations, string name, string contents)
    {
        try
        {
            _ = Template.Parse(name, contents, FunctionTable.Default);
        }
        catch (TemplateException failure)
        {
            annotations.Problem(
                Endings.Templates + name,
                $"is no template: line {failure.Line}, column {failure.Column}: {failure.Problem}"
            );
        }
    }

    private static string? Source(PodAnnotations annotations, string name)
    {
        if (annotations.Word(Endings.TemplateFiles + name) is not { } text)
        {
            return null;
        }

        if (text.StartsWith('/'))
        {
            return text;
        }

        annotations.Problem(Endings.TemplateFiles + name, "must be an absolute path in the agent's container");
        return null;
    }

    private static string? Mode(PodAnnotations annotations, string name)
    {
        if (annotations.Word(Endings.Modes + name) is not { } text)
        {
            return null;
        }

        if (text.Length is 3 or 4 && text.All(digit => digit is >= '0' and <= '7'))
        {
            return text;
        }

        annotations.Problem(Endings.Modes + name, $"must be octal such as 0640, not {PodAnnotations.Quote(text)}");
        return null;
    }

    private static string? Default(
        PodAnnotations annotations,
        string name,
        string path,
        Dialect dialect,
        string template
    )
    {
        path = path.Trim().Trim('/');
        if (path.Length == 0 || path.Any(char.IsControl))
        {
            annotations.Problem(Endings.Secrets + name, "must be the path of a secret, on one line");
            return null;
        }

        var secret = Literal(path);
        if (dialect == Dialect.Vault)
        {
            return template == "json"
                ? $$$"""{{ with secret {{{secret}}} }}{{ .Data | toJSON }}{{ "\n" }}{{ end }}"""
                : $$$"""{{ with secret {{{secret}}} }}{{ range $k, $v := .Data }}{{ $k }}: {{ $v }}{{ "\n" }}{{ end }}{{ end }}""";
        }

        // The fields of a versioned secret lie one level deeper than those of all others; programs want them either way.
        var fields =
            $$$"""{{ with secret {{{secret}}} }}{{ $fields := .Data }}{{ if and (index .Data "data") (index .Data "metadata") }}{{ $fields = index .Data "data" }}{{ end }}""";
        return template == "json"
            ? fields + """{{ $fields | toJSON }}{{ "\n" }}{{ end }}"""
            : fields + """{{ range $name, $value := $fields }}{{ $name }}: {{ $value }}{{ "\n" }}{{ end }}{{ end }}""";
    }

    /// <summary>A string literal of the template language, which the text cannot leave.</summary>
    private static string Literal(string text)
    {
        var literal = new StringBuilder("\"");
        foreach (var letter in text)
        {
            if (letter is '"' or '\\')
            {
                literal.Append('\\');
            }

            literal.Append(letter);
        }

        return literal.Append('"').ToString();
    }
}
