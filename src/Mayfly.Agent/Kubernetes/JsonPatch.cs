using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mayfly.Agent.Kubernetes;

/// <summary>JSON Patch (RFC 6902), with JSON Pointer (RFC 6901).</summary>
internal static class JsonPatch
{
    /// <summary>An <c>add</c> operation.</summary>
    public static JsonObject Add(string path, JsonNode value) =>
        new()
        {
            ["op"] = "add",
            ["path"] = path,
            ["value"] = value,
        };

    /// <summary>A name as a part of a pointer.</summary>
    public static string Escape(string name) =>
        name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    /// <summary>Applies operations to a copy of a document; all or none.</summary>
    /// <exception cref="JsonPatchException">The patch is no patch, or does not apply.</exception>
    public static JsonNode? Apply(JsonNode document, JsonArray patch)
    {
        // A holder, so that the whole document can be replaced as any member can.
        var holder = new JsonObject { ["document"] = document.DeepClone() };
        foreach (var entry in patch)
        {
            if (entry is not JsonObject operation)
            {
                throw new JsonPatchException("an operation must be an object");
            }

            Apply(holder, operation);
        }

        return holder["document"]?.DeepClone();
    }

    private static void Apply(JsonObject holder, JsonObject operation)
    {
        var path = Pointer(operation, "path");
        switch (Text(operation, "op"))
        {
            case "add":
                Put(holder, path, Value(operation), replace: false);
                break;
            case "replace":
                Put(holder, path, Value(operation), replace: true);
                break;
            case "remove":
                _ = Take(holder, path);
                break;
            case "move":
                var origin = Pointer(operation, "from");
                if (path.Count > origin.Count && IsBelow(path, origin))
                {
                    throw new JsonPatchException("a value cannot be moved into itself");
                }

                Put(holder, path, Take(holder, origin), replace: false);
                break;
            case "copy":
                Put(holder, path, Find(holder, Pointer(operation, "from"))?.DeepClone(), replace: false);
                break;
            case "test":
                if (!JsonNode.DeepEquals(Find(holder, path), Value(operation)))
                {
                    throw new JsonPatchException($"the value at {Shown(path)} is another");
                }

                break;
            default:
                throw new JsonPatchException("op must be add, remove, replace, move, copy or test");
        }
    }

    private static void Put(JsonObject holder, List<string> path, JsonNode? value, bool replace)
    {
        var last = path[^1];
        switch (Find(holder, path[..^1]))
        {
            case JsonObject parent when replace && !parent.ContainsKey(last):
                throw Missing(path);
            case JsonObject parent:
                parent[last] = value;
                break;
            case JsonArray list when replace:
                list[Index(list, last, path, pastEnd: false)] = value;
                break;
            case JsonArray list:
                list.Insert(last == "-" ? list.Count : Index(list, last, path, pastEnd: true), value);
                break;
            default:
                throw Missing(path);
        }
    }

    private static JsonNode? Take(JsonObject holder, List<string> path)
    {
        var found = Find(holder, path);
        var last = path[^1];
        switch (Find(holder, path[..^1]))
        {
            case JsonObject parent:
                parent.Remove(last);
                break;
            case JsonArray list:
                list.RemoveAt(Index(list, last, path, pastEnd: false));
                break;
            default:
                throw Missing(path);
        }

        return found;
    }

    private static JsonNode? Find(JsonObject holder, List<string> path)
    {
        JsonNode? at = holder;
        foreach (var part in path)
        {
            at = at switch
            {
                JsonObject parent when parent.TryGetPropertyValue(part, out var value) => value,
                JsonArray list => list[Index(list, part, path, pastEnd: false)],
                _ => throw Missing(path),
            };
        }

        return at;
    }

    private static int Index(JsonArray list, string part, List<string> path, bool pastEnd)
    {
        if (
            (part.Length == 1 || !part.StartsWith('0'))
            && int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            && index < list.Count + (pastEnd ? 1 : 0)
        )
        {
            return index;
        }

        throw Missing(path);
    }

    private static List<string> Pointer(JsonObject operation, string name)
    {
        var text = Text(operation, name) ?? throw new JsonPatchException($"an operation needs {name}");
        var parts = new List<string> { "document" };
        if (text.Length == 0)
        {
            return parts;
        }

        if (text[0] != '/')
        {
            throw new JsonPatchException($"{name} must begin with /");
        }

        parts.AddRange(
            text[1..]
                .Split('/')
                .Select(part =>
                    part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)
                )
        );
        return parts;
    }

    private static bool IsBelow(List<string> path, List<string> origin)
    {
        for (var i = 0; i < origin.Count; i++)
        {
            if (path[i] != origin[i])
            {
                return false;
            }
        }

        return true;
    }

    private static JsonNode? Value(JsonObject operation) =>
        operation.TryGetPropertyValue("value", out var value)
            ? value?.DeepClone()
            : throw new JsonPatchException("an operation needs value");

    private static string? Text(JsonObject operation, string name) =>
        operation[name] is JsonValue value && value.GetValueKind() == JsonValueKind.String
            ? value.GetValue<string>()
            : null;

    private static JsonPatchException Missing(List<string> path) => new($"there is nothing at {Shown(path)}");

    private static string Shown(List<string> path) => "/" + string.Join('/', path.Skip(1).Select(Escape));
}

/// <summary>A patch that is none, or does not apply. The message is for its author.</summary>
internal sealed class JsonPatchException(string message) : Exception(message);
