using System.Text;
using System.Text.Json;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Sys;

/// <summary>The OpenAPI 3 description of what the mounted engines answer, from their path tables.</summary>
internal static class OpenApi
{
    public static void WriteTo(Utf8JsonWriter writer, MountTable mounts, string version)
    {
        writer.WriteString("openapi", "3.0.2");
        writer.WriteStartObject("info");
        writer.WriteString("title", "HashiCorp Vault API");
        writer.WriteString(
            "description",
            "HTTP API of this Mayfly server, which speaks Vault's. All paths start with /v1/."
        );
        writer.WriteString("version", version);
        writer.WriteStartObject("license");
        writer.WriteString("name", "Mozilla Public License 2.0");
        writer.WriteString("url", "https://www.mozilla.org/en-US/MPL/2.0");
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteStartObject("paths");
        foreach (var mounted in mounts.All)
        {
            foreach (var entry in mounted.Engine.Paths.Entries)
            {
                WritePath(writer, mounted.Mount, entry);
            }
        }

        writer.WriteEndObject();
    }

    private static void WritePath(Utf8JsonWriter writer, Mount mount, PathEntry entry)
    {
        writer.WriteStartObject("/" + mount.Path + entry.Pattern.Replace("*}", "}", StringComparison.Ordinal));
        writer.WriteString("description", entry.Help);
        if (entry.Access == Access.Sudo)
        {
            writer.WriteBoolean("x-vault-sudo", true);
        }

        if (entry.Access == Access.Anyone)
        {
            writer.WriteBoolean("x-vault-unauthenticated", true);
        }

        var captured = Captured(entry);
        WriteParameters(writer, entry, captured);
        if (entry.Read is not null || entry.Issue is not null || entry.List is not null)
        {
            WriteOperation(writer, "get", mount, entry, body: null);
        }

        if (entry.Write is not null)
        {
            WriteOperation(writer, "post", mount, entry, captured);
        }

        if (entry.Patch is not null)
        {
            WriteOperation(writer, "patch", mount, entry, captured);
        }

        if (entry.Delete is not null)
        {
            WriteOperation(writer, "delete", mount, entry, body: null);
        }

        writer.WriteEndObject();
    }

    private static void WriteParameters(Utf8JsonWriter writer, PathEntry entry, List<string> captured)
    {
        if (captured.Count == 0)
        {
            return;
        }

        writer.WriteStartArray("parameters");
        foreach (var name in captured)
        {
            writer.WriteStartObject();
            writer.WriteString("name", name);
            writer.WriteString("in", "path");
            writer.WriteBoolean("required", true);
            writer.WriteString(
                "description",
                entry.Fields.FirstOrDefault(field => field.Name == name)?.Description ?? ""
            );
            writer.WriteStartObject("schema");
            writer.WriteString("type", "string");
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteOperation(
        Utf8JsonWriter writer,
        string method,
        Mount mount,
        PathEntry entry,
        List<string>? body
    )
    {
        writer.WriteStartObject(method);
        writer.WriteString("operationId", OperationId(method, mount, entry));
        writer.WriteString("summary", entry.Help);
        if (method == "get" && entry.List is not null)
        {
            writer.WriteStartArray("parameters");
            writer.WriteStartObject();
            writer.WriteString("name", "list");
            writer.WriteString("in", "query");
            writer.WriteBoolean("required", entry.Read is null);
            writer.WriteString("description", "Must be set to `true` to list.");
            writer.WriteStartObject("schema");
            writer.WriteString("type", "string");
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteEndArray();
        }

        if (body is not null)
        {
            WriteBody(writer, entry, body);
        }

        writer.WriteStartObject("responses");
        writer.WriteStartObject(method == "delete" ? "204" : "200");
        writer.WriteString("description", method == "delete" ? "empty body" : "OK");
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteBody(Utf8JsonWriter writer, PathEntry entry, List<string> captured)
    {
        writer.WriteStartObject("requestBody");
        writer.WriteStartObject("content");
        writer.WriteStartObject("application/json");
        writer.WriteStartObject("schema");
        writer.WriteString("type", "object");
        writer.WriteStartObject("properties");
        foreach (var field in entry.Fields.Where(field => !captured.Contains(field.Name)))
        {
            writer.WriteStartObject(field.Name);
            WriteType(writer, field.Type);
            writer.WriteString("description", field.Description);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        WriteRequired(writer, entry.Fields.Where(field => field.Required && !captured.Contains(field.Name)));
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteRequired(Utf8JsonWriter writer, IEnumerable<FieldSpec> fields)
    {
        string[] names = [.. fields.Select(field => field.Name)];
        if (names.Length == 0)
        {
            return;
        }

        writer.WriteStartArray("required");
        foreach (var name in names)
        {
            writer.WriteStringValue(name);
        }

        writer.WriteEndArray();
    }

    private static void WriteType(Utf8JsonWriter writer, FieldType type)
    {
        switch (type)
        {
            case FieldType.Bool:
                writer.WriteString("type", "boolean");
                break;
            case FieldType.Int:
                writer.WriteString("type", "integer");
                break;
            case FieldType.Duration:
                writer.WriteString("type", "string");
                writer.WriteString("format", "duration");
                break;
            case FieldType.StringList or FieldType.Texts or FieldType.IntList:
                writer.WriteString("type", "array");
                writer.WriteStartObject("items");
                writer.WriteString("type", type == FieldType.IntList ? "integer" : "string");
                writer.WriteEndObject();
                break;
            case FieldType.StringMap or FieldType.Object:
                writer.WriteString("type", "object");
                break;
            case FieldType.Any:
                break;
            default:
                writer.WriteString("type", "string");
                break;
        }
    }

    private static List<string> Captured(PathEntry entry) =>
        [
            .. entry
                .Pattern.Split('/')
                .Where(segment => segment.StartsWith('{'))
                .Select(segment => segment.Trim('{', '}', '*')),
        ];

    private static string OperationId(string method, Mount mount, PathEntry entry)
    {
        var id = new StringBuilder(method);
        foreach (var part in (mount.Path + entry.Pattern).Split('/', '-', '_', '{', '}', '*', '.'))
        {
            if (part.Length > 0)
            {
                id.Append(char.ToUpperInvariant(part[0])).Append(part.AsSpan(1));
            }
        }

        return id.ToString();
    }
}
