using System.Text;

namespace Mayfly.Core.Policy;

/// <summary>
/// A path with <c>{{identity.…}}</c> in it. A value that is missing or empty, or that has a character which means something
/// in a path (<c>*</c>, <c>+</c>, <c>/</c>), makes the rule match nothing: nobody may widen a policy by choosing a name.
/// Immutable.
/// </summary>
internal sealed class PathTemplate
{
    /// <summary>Literal text and selectors in turn, beginning with literal text.</summary>
    private readonly IReadOnlyList<string> _parts;

    /// <summary>The literal text before the first template.</summary>
    public string Head => _parts[0].TrimStart('/');

    private PathTemplate(IReadOnlyList<string> parts) => _parts = parts;

    /// <summary>The template, or null when the path has none; the problem when it is not a valid one.</summary>
    public static (PathTemplate? Template, string? Problem) Parse(string path)
    {
        var parts = new List<string>();
        var rest = path;
        while (true)
        {
            var open = rest.IndexOf("{{", StringComparison.Ordinal);
            var close = rest.IndexOf("}}", StringComparison.Ordinal);
            if (open < 0 && close < 0)
            {
                break;
            }

            if (open < 0 || close < open)
            {
                return (null, "a template's '{{' and '}}' do not pair up");
            }

            var selector = rest[(open + 2)..close].Trim();
            if (!IsKnown(selector))
            {
                var shown = selector.Length <= 64 ? selector : selector[..64] + "…";
                return (
                    null,
                    $"unknown template \"{shown}\"; there are identity.entity.{{id, name, metadata.KEY, aliases.ACCESSOR.…}} "
                        + "and identity.groups.{ids, names}.…"
                );
            }

            parts.Add(rest[..open]);
            parts.Add(selector);
            rest = rest[(close + 2)..];
        }

        if (parts.Count == 0)
        {
            return (null, null);
        }

        parts.Add(rest);
        var template = new PathTemplate(parts);
        return PathPattern.Parse(template.Fill(_ => "x")!) is { Problem: { } problem }
            ? (null, problem)
            : (template, null);
    }

    /// <summary>The path for <paramref name="identity"/>, or null when a value is missing or not usable.</summary>
    public string? Resolve(PolicyIdentity identity) =>
        Fill(selector =>
            Find(selector.Split('.'), identity) is { Length: > 0 } value
            && !value.AsSpan().ContainsAny(Refused)
            && !value.Any(char.IsControl)
                ? value
                : null
        );

    private static readonly System.Buffers.SearchValues<char> Refused = System.Buffers.SearchValues.Create("*+/{}");

    private string? Fill(Func<string, string?> valueOf)
    {
        var path = new StringBuilder();
        for (var i = 0; i < _parts.Count; i++)
        {
            var text = i % 2 == 0 ? _parts[i] : valueOf(_parts[i]);
            if (text is null)
            {
                return null;
            }

            path.Append(text);
        }

        return path.ToString();
    }

    private static bool IsKnown(string selector) =>
        selector.Split('.') switch
        {
            ["identity", "entity", "id" or "name"] => true,
            ["identity", "entity", "metadata", { Length: > 0 }, ..] => true,
            ["identity", "entity", "aliases", { Length: > 0 }, "id" or "name"] => true,
            ["identity", "entity", "aliases", { Length: > 0 }, "metadata" or "custom_metadata", { Length: > 0 }, ..] =>
                true,
            ["identity", "groups", "ids" or "names", { Length: > 0 }, "id" or "name"] => true,
            ["identity", "groups", "ids" or "names", { Length: > 0 }, "metadata", { Length: > 0 }, ..] => true,
            _ => false,
        };

    private static string? Find(string[] selector, PolicyIdentity identity)
    {
        switch (selector)
        {
            case [_, "entity", "id"]:
                return identity.EntityId;
            case [_, "entity", "name"]:
                return identity.EntityName;
            case [_, "entity", "metadata", .. var key]:
                return identity.Metadata.GetValueOrDefault(string.Join('.', key));
            case [_, "entity", "aliases", var accessor, .. var what]:
                return identity.Aliases.TryGetValue(accessor, out var alias)
                    ? what switch
                    {
                        ["id"] => alias.Id,
                        ["name"] => alias.Name,
                        ["metadata", .. var key] => alias.Metadata.GetValueOrDefault(string.Join('.', key)),
                        [_, .. var key] => alias.CustomMetadata.GetValueOrDefault(string.Join('.', key)),
                        _ => null,
                    }
                    : null;
            case [_, "groups", var by, var name, .. var what]:
                var group = identity.Groups.FirstOrDefault(member => (by == "ids" ? member.Id : member.Name) == name);
                return what switch
                {
                    ["id"] => group?.Id,
                    ["name"] => group?.Name,
                    [_, .. var key] => group?.Metadata.GetValueOrDefault(string.Join('.', key)),
                    _ => null,
                };
            default:
                return null;
        }
    }
}
