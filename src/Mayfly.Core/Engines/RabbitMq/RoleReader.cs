using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.RabbitMq;

/// <summary>
/// Reads what a role may do, as Vault's clients send it: JSON objects, or text that is JSON. Nothing fails on the way; the
/// first thing that was wrong counts. Not safe for concurrent use.
/// </summary>
internal sealed class RoleReader
{
    private const int MaxLength = 255;

    private string? _problem;

    private RoleReader() { }

    /// <summary>Exactly one of the two results is null.</summary>
    public static (Role? Role, Fault? Fault) Read(FieldValues fields)
    {
        var reader = new RoleReader();
        var role = new Role
        {
            Tags = reader.Tags(fields),
            Vhosts = reader.ByVhost(fields, "vhosts", reader.Permissions),
            VhostTopics = reader.ByVhost(fields, "vhost_topics", reader.Topics),
        };
        if (role.Tags.Length == 0 && role.Vhosts.Count == 0 && role.VhostTopics.Count == 0)
        {
            reader.Fail("both tags and vhosts not specified");
        }

        return reader._problem is null ? (role, null) : (null, Fault.Invalid(reader._problem));
    }

    private string Tags(FieldValues fields)
    {
        var tags = string.Join(',', fields.StringList("tags").Select(tag => tag.Trim()).Where(tag => tag.Length > 0));
        if (tags.Any(char.IsControl))
        {
            Fail("tags must not hold control characters");
        }

        return tags;
    }

    private Dictionary<string, T> ByVhost<T>(FieldValues fields, string field, Func<JsonElement, string, T> read)
    {
        var members = Members(fields.Element(field), field);
        foreach (var vhost in members.Keys.Where(IsNoVhost))
        {
            Fail($"{field}: {Shown(vhost)} cannot be the name of a virtual host");
        }

        return members.ToDictionary(
            vhost => vhost.Key,
            vhost => read(vhost.Value, $"{field}: {Shown(vhost.Key)}"),
            StringComparer.Ordinal
        );
    }

    private Permissions Permissions(JsonElement value, string what)
    {
        var patterns = Patterns(value, what, ["configure", "write", "read"]);
        return new Permissions(patterns[0], patterns[1], patterns[2]);
    }

    private IReadOnlyDictionary<string, TopicPermissions> Topics(JsonElement value, string what) =>
        Members(value, what)
            .ToDictionary(
                exchange => exchange.Key,
                exchange =>
                {
                    var patterns = Patterns(exchange.Value, $"{what}: {Shown(exchange.Key)}", ["write", "read"]);
                    return new TopicPermissions(patterns[0], patterns[1]);
                },
                StringComparer.Ordinal
            );

    private string[] Patterns(JsonElement value, string what, string[] names)
    {
        var members = Members(value, what);
        if (members.Keys.FirstOrDefault(key => !names.Contains(key)) is { } unknown)
        {
            Fail($"{what}: there is no {Shown(unknown)}; there are: {string.Join(", ", names)}");
        }

        return [.. names.Select(name => members.TryGetValue(name, out var text) ? Pattern(text, what, name) : "")];
    }

    private string Pattern(JsonElement value, string what, string name)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            return value.GetString()!;
        }

        Fail($"{what}: {name} must be a string, a regular expression");
        return "";
    }

    /// <summary>The members of an object, or of text that is one; nothing and empty text are objects without members.</summary>
    private Dictionary<string, JsonElement> Members(JsonElement? value, string what)
    {
        var members = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        if (value is not { ValueKind: not JsonValueKind.Null } element || Parsed(element) is not { } found)
        {
            return members;
        }

        if (found.ValueKind != JsonValueKind.Object)
        {
            Fail($"{what}: expected a JSON object, such as {{\"/\": {{\"read\": \".*\"}}}}");
            return members;
        }

        foreach (var member in found.EnumerateObject())
        {
            if (!members.TryAdd(member.Name, member.Value))
            {
                Fail($"{what}: {Shown(member.Name)} is given twice");
            }
        }

        return members;
    }

    /// <summary>What text that is JSON says; other text stays as it is, and empty text is null.</summary>
    private static JsonElement? Parsed(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.String)
        {
            return element;
        }

        var text = element.GetString()!;
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(text, Json.DocumentOptions);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return element;
        }
    }

    private void Fail(string problem) => _problem ??= problem;

    /// <summary>Names become part of addresses: those that would lead elsewhere are none.</summary>
    private static bool IsNoVhost(string name) =>
        name.Length is 0 or > MaxLength
        || name is "." or ".."
        || name.Any(c => char.IsControl(c) || char.IsSurrogate(c));

    private static string Shown(string name) => $"\"{(name.Length <= 64 ? name : name[..64] + "…")}\"";
}
