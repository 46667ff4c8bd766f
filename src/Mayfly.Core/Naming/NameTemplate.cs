using System.Text;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Naming;

/// <summary>
/// How an engine names the users that it makes: the part of Go's templates that Vault's <c>username_template</c> is written
/// in. Text stands as it is; between <c>{{</c> and <c>}}</c> stand <c>.DisplayName</c>, <c>.RoleName</c>, functions
/// (<see cref="NameFunctions"/>), pipes and parentheses. Everything that can be wrong is found when it is parsed, so
/// rendering cannot fail. Immutable; safe for concurrent use.
/// </summary>
internal sealed class NameTemplate
{
    private readonly IReadOnlyList<Func<NameFields, string>> _parts;

    private NameTemplate(string source, IReadOnlyList<Func<NameFields, string>> parts)
    {
        Source = source;
        _parts = parts;
    }

    /// <summary>The template as it was written.</summary>
    public string Source { get; }

    /// <summary>A template of the server itself.</summary>
    /// <exception cref="FormatException">It is none: a bug.</exception>
    public static NameTemplate Of(string source) =>
        Parse(source).Template ?? throw new FormatException($"Not a name template: {source}");

    /// <returns>The template, or what is wrong with it and where.</returns>
    public static (NameTemplate? Template, Fault? Fault) Parse(string source)
    {
        var (parts, problem) = NameTemplateParser.Parse(source);
        return parts is null
            ? (null, Fault.Invalid($"username_template: {problem}"))
            : (new NameTemplate(source, parts), null);
    }

    /// <summary>A name; a new one each time when the template has something random in it.</summary>
    public string Render(NameFields fields)
    {
        var name = new StringBuilder();
        foreach (var part in _parts)
        {
            name.Append(part(fields));
        }

        return name.ToString();
    }

    /// <summary>
    /// A name that nobody had before. What was made half-way is removed by its name alone: a name that came twice would take
    /// away somebody else's user, or one that the engine never made.
    /// </summary>
    /// <returns>The name, or that the template has nothing random in it (or nothing that is left after cutting it off).</returns>
    public (string? Name, Fault? Fault) RenderNew(NameFields fields)
    {
        var name = Render(fields);
        return name.Length > 0 && name == Render(fields)
            ? (
                null,
                Fault.Invalid(
                    "username_template gives the same name twice, and users are removed by their names: put {{random 20}} or "
                        + "{{uuid}} in it, where truncate does not cut it off"
                )
            )
            : (name, null);
    }
}

/// <summary>What a name may be made of. Immutable.</summary>
/// <param name="DisplayName">Who asks: the display name of the token.</param>
/// <param name="RoleName">The engine's role.</param>
/// <param name="Now">The time that <c>unix_time</c> and its like show.</param>
internal sealed record NameFields(string DisplayName, string RoleName, DateTimeOffset Now);
