using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Mayfly.Crypto;
using Mayfly.Hcl;

namespace Mayfly.Core.Pipeline;

/// <summary>
/// The values of a request's fields, checked against the path's <see cref="FieldSpec"/>s before the engine runs: so the
/// getters do not fail, and give the default where a field was not sent. Valid until the request is disposed.
/// </summary>
public sealed class FieldValues : IDisposable
{
    private readonly PathEntry _entry;
    private readonly PathCaptures _captures;
    private readonly JsonDocument? _body;

    private readonly bool _isWrite;

    // Null for a write: policies look at the parameters in the body, so none may come from elsewhere.
    private readonly IReadOnlyDictionary<string, string>? _query;

    private FieldValues(PathMatch match, JsonDocument? body, Request request)
    {
        _entry = match.Entry;
        _captures = match.Captures;
        _body = body;
        _isWrite = request.Operation is Operation.Create or Operation.Update or Operation.Patch;
        _query = _isWrite ? null : request.Query;
    }

    /// <summary>The body as JSON, or null when there was none.</summary>
    public JsonElement? Body => _body?.RootElement;

    /// <summary>Checks the fields that <paramref name="match"/> declares. Adds a warning for each that has no effect.</summary>
    /// <returns>The values, or the fault that names the first wrong field.</returns>
    public static (FieldValues? Values, Fault? Fault) Bind(
        PathMatch match,
        Request request,
        UnknownFields unknown,
        List<string> warnings
    )
    {
        JsonDocument? body = null;
        if (request.Body.Length > 0)
        {
            body = JsonDocument.Parse(request.Body.Memory, Json.DocumentOptions);
        }

        var values = new FieldValues(match, body, request);
        var fault = values.Check(match.Entry, request.Path, unknown, warnings);
        if (fault is null)
        {
            return (values, null);
        }

        values.Dispose();
        return (null, fault);
    }

    /// <summary>Whether the field was sent, and is not null.</summary>
    public bool Has(string name) => Element(name) is not null || Text(name) is not null;

    /// <summary>The text, or "".</summary>
    public string String(string name) => StringOrNull(name) ?? "";

    public string? StringOrNull(string name) => Element(name) is { } element ? AsText(element) : Text(name);

    /// <summary>
    /// The text of a password or the like in UTF-8, without it ever being a managed string; null when it was not sent.
    /// Dispose it.
    /// </summary>
    public SecretBytes? SecretOrNull(string name)
    {
        if (Element(name) is not { } element)
        {
            return Text(name) is { } text ? SecretBytes.CopyOf(Encoding.UTF8.GetBytes(text)) : null;
        }

        var raw = JsonMarshal.GetRawUtf8Value(element);
        if (element.ValueKind != JsonValueKind.String)
        {
            return SecretBytes.CopyOf(raw);
        }

        var reader = new Utf8JsonReader(raw);
        reader.Read();
        if (!reader.ValueIsEscaped)
        {
            return SecretBytes.CopyOf(reader.ValueSpan);
        }

        using var unescaped = SecretBytes.Rent(raw.Length);
        return SecretBytes.CopyOf(unescaped.Span[..reader.CopyString(unescaped.Span)]);
    }

    public bool Bool(string name, bool fallback = false) => BoolOrNull(name) ?? fallback;

    public bool? BoolOrNull(string name) =>
        StringOrNull(name) is { Length: > 0 } text && TryBool(text, out var value) ? value : null;

    public long Int(string name, long fallback = 0) => IntOrNull(name) ?? fallback;

    public long? IntOrNull(string name) =>
        StringOrNull(name) is { Length: > 0 } text && TryInt(text, out var value) ? value : null;

    public TimeSpan Duration(string name) => DurationOrNull(name) ?? TimeSpan.Zero;

    public TimeSpan? DurationOrNull(string name) =>
        StringOrNull(name) is { Length: > 0 } text && Durations.TryParse(text, out var value) ? value : null;

    public IReadOnlyList<string> StringList(string name) => StringListOrNull(name) ?? [];

    public IReadOnlyList<string>? StringListOrNull(string name)
    {
        if (Element(name) is { ValueKind: JsonValueKind.Array } array)
        {
            return [.. array.EnumerateArray().Select(AsText).OfType<string>()];
        }

        return StringOrNull(name)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>An array of strings, or the one string that was sent; null when it was not sent.</summary>
    public IReadOnlyList<string>? TextsOrNull(string name) =>
        Element(name) is { ValueKind: JsonValueKind.Array } ? StringListOrNull(name)
        : StringOrNull(name) is { } text ? (text.Length == 0 ? [] : [text])
        : null;

    public IReadOnlyList<long> IntList(string name) =>
        [
            .. (StringListOrNull(name) ?? []).Select(text =>
                long.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)
            ),
        ];

    /// <summary>The map without members that are null, or null when it was not sent.</summary>
    public IReadOnlyDictionary<string, string>? StringMapOrNull(string name) =>
        Element(name) is { } element ? MapOf(element) : null;

    /// <summary>The JSON value itself, or null when it was not sent or is null.</summary>
    /// <remarks>A variable part of the path hides a body member of its name: the path is what the policies allowed.</remarks>
    public JsonElement? Element(string name) =>
        _body is not null
        && _captures[name] is null
        && Declares(name)
        && _body.RootElement.TryGetProperty(name, out var element)
        && element.ValueKind != JsonValueKind.Null
            ? element
            : null;

    public void Dispose() => _body?.Dispose();

    private string? Text(string name) =>
        _captures[name]
        ?? (_query is not null && _query.TryGetValue(name, out var value) && Declares(name) ? value : null);

    /// <summary>An engine never sees a field that the path does not have, also where unknown fields only warn.</summary>
    private bool Declares(string name)
    {
        if (_entry.FreeForm)
        {
            return true;
        }

        var fields = _entry.Fields;
        for (var i = 0; i < fields.Count; i++)
        {
            if (fields[i].Name == name)
            {
                return true;
            }
        }

        return false;
    }

    private Fault? Check(PathEntry entry, string path, UnknownFields unknown, List<string> warnings)
    {
        foreach (var field in entry.Fields)
        {
            if (!Has(field.Name))
            {
                if (field.Required && _isWrite)
                {
                    return Fault.Invalid($"missing {field.Name}: {field.Description}");
                }

                continue;
            }

            if (Problem(field) is { } problem)
            {
                return Fault.Invalid($"field {field.Name}: {problem}");
            }

            if (field.Ignored)
            {
                warnings.Add($"{field.Name} has no effect on this server.");
            }
        }

        return entry.FreeForm || _body is null ? null : CheckUnknown(entry, path, unknown, warnings);
    }

    private Fault? CheckUnknown(PathEntry entry, string path, UnknownFields unknown, List<string> warnings)
    {
        List<string>? names = null;
        foreach (var member in _body!.RootElement.EnumerateObject())
        {
            if (!entry.Fields.Any(field => member.NameEquals(field.Name)) && !IsHarmless(member.Value, path))
            {
                (names ??= []).Add(Shown(member.Name));
            }
        }

        if (names is null)
        {
            return null;
        }

        if (unknown == UnknownFields.Warn)
        {
            warnings.Add($"Endpoint ignored these unrecognized parameters: [{string.Join(' ', names)}]");
            return null;
        }

        var known = entry.Fields.Count == 0 ? "none" : string.Join(", ", entry.Fields.Select(field => field.Name));
        return Fault.Invalid($"unknown field {string.Join(", ", names)}; this path takes: {known}");
    }

    /// <summary>
    /// Whether an unknown member can be passed over: it says nothing (null), or it repeats what the path says, as clients do
    /// that build paths from the members of the body (node-vault's <c>mount_point</c>).
    /// </summary>
    private static bool IsHarmless(JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            return value.ValueKind == JsonValueKind.Null;
        }

        var text = value.GetString()!.Trim('/');
        return text.Length > 0 && $"/{path.TrimEnd('/')}/".Contains($"/{text}/", StringComparison.Ordinal);
    }

    private string? Problem(FieldSpec field)
    {
        var element = Element(field.Name);
        var kind = element?.ValueKind ?? JsonValueKind.String;
        if (field.Type == FieldType.String && element is not null)
        {
            // Passwords are among these: the text is not taken out to be looked at.
            return kind is JsonValueKind.Array or JsonValueKind.Object ? "expected a string" : null;
        }

        var text = StringOrNull(field.Name);
        return field.Type switch
        {
            FieldType.Any => null,
            FieldType.Object => kind == JsonValueKind.Object ? null : "expected a JSON object",
            FieldType.String => text is null ? "expected a string" : null,
            FieldType.Bool => text is "" || (text is not null && TryBool(text, out _))
                ? null
                : "expected true or false",
            FieldType.Int => text is "" || (text is not null && TryInt(text, out _)) ? null : "expected an integer",
            FieldType.Duration => text is "" || (text is not null && Durations.TryParse(text, out _))
                ? null
                : "expected a duration that is not negative, such as 90, \"90s\", \"1h30m\" or \"1d\"",
            FieldType.StringList or FieldType.Texts => kind == JsonValueKind.Array
                ? (
                    element!.Value.EnumerateArray().All(item => AsText(item) is not null)
                        ? null
                        : "expected a list of strings"
                )
                : (text is null ? "expected a list of strings" : null),
            FieldType.IntList => (StringListOrNull(field.Name) ?? ["?"]).All(item => TryInt(item, out _))
                ? null
                : "expected a list of integers",
            FieldType.StringMap => element is { } sent && MapOf(sent) is not null
                ? null
                : "expected an object whose values are strings",
            _ => null,
        };
    }

    /// <summary>An object, a list of pairs, or either as one text, as command lines send it; null when it is none of them.</summary>
    private static Dictionary<string, string>? MapOf(JsonElement element)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    if (AsText(member.Value) is { } text)
                    {
                        map[member.Name] = text;
                    }
                    else if (member.Value.ValueKind != JsonValueKind.Null)
                    {
                        return null;
                    }
                    // Clients with types send null for what was not set.
                }

                return map;
            case JsonValueKind.Array:
                return element
                    .EnumerateArray()
                    .All(pair => pair.ValueKind == JsonValueKind.String && TryAdd(map, pair.GetString()!))
                    ? map
                    : null;
            case JsonValueKind.String when element.GetString()!.Trim() is var written:
                return written.StartsWith('{') ? MapIn(written)
                    : written.Length == 0 || TryAdd(map, written) ? map
                    : null;
            default:
                return null;
        }
    }

    private static bool TryAdd(Dictionary<string, string> map, string pair)
    {
        var parts = pair.Split('=', 2);
        map[parts[0]] = parts[^1];
        return parts.Length == 2;
    }

    private static Dictionary<string, string>? MapIn(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, Json.DocumentOptions);
            return MapOf(document.RootElement);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Shown(string name) => name.Length <= 64 ? name : name[..64] + "…";

    private static string? AsText(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.String => element.GetString(),
            JsonValueKind.Number => element.GetRawText(),
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            _ => null,
        };

    private static bool TryInt(string text, out long value) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);

    private static bool TryBool(string text, out bool value)
    {
        switch (text.ToLowerInvariant())
        {
            case "true" or "1" or "t":
                value = true;
                return true;
            case "false" or "0" or "f":
                value = false;
                return true;
            default:
                value = false;
                return false;
        }
    }
}

/// <summary>What happens to fields that a path does not know.</summary>
public enum UnknownFields
{
    /// <summary>The request is refused, so that a misspelt option does not go unnoticed.</summary>
    Refuse,

    /// <summary>They are ignored with a warning, as Vault does.</summary>
    Warn,
}
