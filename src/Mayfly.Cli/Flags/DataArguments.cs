using System.Text;
using System.Text.Json;
using Mayfly.Cli.Output;

namespace Mayfly.Cli.Flags;

/// <summary>
/// The data of a write: <c>key=value</c>, <c>key=@file</c>, <c>key=-</c> (standard input), <c>@file.json</c> and
/// <c>-</c> (a JSON object), in any mixture. A key given twice becomes a list.
/// </summary>
internal sealed class DataArguments
{
    private readonly List<string> _order = [];
    private readonly Dictionary<string, List<JsonElement>> _values = [];
    private bool _inputUsed;

    public bool IsEmpty => _order.Count == 0;

    public IReadOnlyList<string> Keys => _order;

    /// <summary>Reads all arguments, files and standard input. Returns what is wrong, or null.</summary>
    public string? Add(IEnumerable<string> arguments, Session session)
    {
        foreach (var argument in arguments)
        {
            var wrong = Add(argument, session);
            if (wrong is not null)
            {
                return wrong;
            }
        }

        return null;
    }

    /// <summary>The text of a value, when the key has exactly one and it is text.</summary>
    public string? Text(string key) =>
        _values.TryGetValue(key, out var values) && values is [{ ValueKind: JsonValueKind.String } only]
            ? only.GetString()
            : null;

    public void SetText(string key, string value)
    {
        if (!_values.ContainsKey(key))
        {
            _order.Add(key);
        }

        _values[key] = [JsonElement.Parse(JsonText.Bytes(writer => writer.WriteStringValue(value)))];
    }

    public void Remove(string key)
    {
        _order.Remove(key);
        _values.Remove(key);
    }

    /// <summary>Writes the members of an object, without its braces.</summary>
    public void WriteMembers(Utf8JsonWriter writer)
    {
        foreach (var key in _order)
        {
            writer.WritePropertyName(key);
            if (_values[key] is [var only])
            {
                only.WriteTo(writer);
                continue;
            }

            writer.WriteStartArray();
            foreach (var value in _values[key])
            {
                value.WriteTo(writer);
            }

            writer.WriteEndArray();
        }
    }

    /// <summary>As query parameters; a key given twice appears twice.</summary>
    public KeyValuePair<string, string>[] ToQuery()
    {
        var query = new List<KeyValuePair<string, string>>();
        foreach (var key in _order)
        {
            foreach (var value in _values[key])
            {
                query.Add(new(key, PlainText.Of(value)));
            }
        }

        return [.. query];
    }

    public byte[] ToJson() =>
        JsonText.Bytes(writer =>
        {
            writer.WriteStartObject();
            WriteMembers(writer);
            writer.WriteEndObject();
        });

    private string? Add(string argument, Session session)
    {
        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0)
        {
            if (argument == "-")
            {
                return AddObject(session, file: null);
            }

            return argument.StartsWith('@')
                ? AddObject(session, argument[1..])
                : $"invalid key/value pair \"{argument}\": format must be key=value";
        }

        var key = argument[..equals];
        if (key.Length == 0)
        {
            return "a key/value pair has no key: format must be key=value";
        }

        var value = argument[(equals + 1)..];
        if (value == "-" || value.StartsWith('@'))
        {
            var wrong = ReadText(session, value == "-" ? null : value[1..], out value);
            if (wrong is not null)
            {
                return wrong;
            }
        }
        else if (value.StartsWith(@"\@", StringComparison.Ordinal) || value == @"\-")
        {
            value = value[1..];
        }

        Add(key, JsonElement.Parse(JsonText.Bytes(writer => writer.WriteStringValue(value))));
        return null;
    }

    private string? AddObject(Session session, string? file)
    {
        var wrong = ReadBytes(session, file, out var bytes);
        if (wrong is not null)
        {
            return wrong;
        }

        try
        {
            var root = JsonElement.Parse(bytes);
            if (root.ValueKind == JsonValueKind.Object)
            {
                foreach (var member in root.EnumerateObject())
                {
                    Add(member.Name, member.Value);
                }

                return null;
            }
        }
        catch (JsonException)
        {
            // The exception's message may quote the input, which is secret.
        }

        return $"{file ?? "standard input"} is not a JSON object";
    }

    private string? ReadText(Session session, string? file, out string text)
    {
        text = "";
        var wrong = ReadBytes(session, file, out var bytes);
        if (wrong is not null)
        {
            return wrong;
        }

        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
            return null;
        }
        catch (DecoderFallbackException)
        {
            return $"{file ?? "standard input"} is not UTF-8 text; store it as base64";
        }
    }

    private string? ReadBytes(Session session, string? file, out byte[] bytes)
    {
        bytes = [];
        try
        {
            if (file is not null)
            {
                bytes = File.ReadAllBytes(file);
                return null;
            }

            if (_inputUsed)
            {
                return "standard input can be used only once";
            }

            _inputUsed = true;
            using var buffer = new MemoryStream();
            using var input = session.Input();
            input.CopyTo(buffer);
            bytes = buffer.ToArray();
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return $"error reading {file ?? "standard input"}: {failure.Message}";
        }
    }

    private void Add(string key, JsonElement value)
    {
        if (_values.TryGetValue(key, out var values))
        {
            values.Add(value);
        }
        else
        {
            _order.Add(key);
            _values[key] = [value];
        }
    }
}
