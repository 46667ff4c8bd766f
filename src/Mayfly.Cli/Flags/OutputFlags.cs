using Mayfly.Cli.Output;

namespace Mayfly.Cli.Flags;

/// <summary>How results are shown.</summary>
internal sealed class OutputFlags
{
    private readonly TextFlag _format = new("format", "table (the default), json, yaml or raw. Also VAULT_FORMAT.")
    {
        Choices = ["table", "json", "yaml"],
    };

    private readonly TextFlag _field = new("field", "Print only this field, bare. Meant for scripts.");

    public IReadOnlyList<Flag> FormatOnly => [_format];

    public IReadOnlyList<Flag> FormatAndField => [_format, _field];

    public string? Field => _field.Value;

    /// <summary>The chosen format, or null when there is none of that name.</summary>
    public OutputFormat? Format(Session session) =>
        (_format.Value ?? session.Variable("FORMAT") ?? "table").ToLowerInvariant() switch
        {
            "table" => OutputFormat.Table,
            "json" => OutputFormat.Json,
            "yaml" or "yml" => OutputFormat.Yaml,
            "raw" => OutputFormat.Raw,
            _ => null,
        };
}
