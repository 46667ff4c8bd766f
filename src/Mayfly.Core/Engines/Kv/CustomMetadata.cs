using System.Text;
using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Kv;

/// <summary>The caller's own remarks on a secret: few, short, printable.</summary>
internal static class CustomMetadata
{
    public const int MaxKeys = 64;
    public const int MaxKeyBytes = 128;
    public const int MaxValueBytes = 512;
    private const string Prefix = "custom_metadata validation failed";

    /// <summary>Checks <paramref name="value"/>, and lays <paramref name="patch"/> over it when there is one.</summary>
    /// <param name="stored">What is stored: a JSON object or empty.</param>
    /// <param name="value">The object that was sent.</param>
    /// <param name="patch">Null members remove, the others of <paramref name="stored"/> stay.</param>
    /// <returns>The JSON object to store (empty for none), or why not.</returns>
    public static (byte[]? Json, Fault? Fault) Merge(ReadOnlyMemory<byte> stored, JsonElement value, bool patch)
    {
        var members = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (patch && !stored.IsEmpty)
        {
            using var document = JsonDocument.Parse(stored, Json.DocumentOptions);
            foreach (var member in document.RootElement.EnumerateObject())
            {
                members[member.Name] = member.Value.GetString()!;
            }
        }

        var problems = new List<string>();
        foreach (var member in value.EnumerateObject())
        {
            if (patch && member.Value.ValueKind == JsonValueKind.Null)
            {
                members.Remove(member.Name);
            }
            else if (Text(member.Value) is { } text)
            {
                members[member.Name] = text;
            }
            else
            {
                return (null, Fault.Invalid($"{Prefix}: the value of key {Quoted(member.Name)} is not a string"));
            }
        }

        if (members.Count > MaxKeys)
        {
            problems.Add($"{Prefix}: payload must contain at most {MaxKeys} keys, provided {members.Count}");
        }
        else
        {
            foreach (var (key, text) in members)
            {
                Check(key, text, problems);
            }
        }

        return problems.Count == 0 ? (Encode(members), null) : (null, Fault.Invalid(AsGoPrints(problems)));
    }

    private static void Check(string key, string value, List<string> problems)
    {
        var keyLength = Encoding.UTF8.GetByteCount(key);
        if (keyLength is 0 or > MaxKeyBytes)
        {
            problems.Add(
                $"{Prefix}: length of key {Quoted(key)} is {keyLength} but must be 0 < len(key) <= {MaxKeyBytes}"
            );
        }

        var valueLength = Encoding.UTF8.GetByteCount(value);
        if (valueLength is 0 or > MaxValueBytes)
        {
            problems.Add(
                $"{Prefix}: length of value for key {Quoted(key)} is {valueLength} but must be 0 < len(value) <= {MaxValueBytes}"
            );
        }

        if (!IsPrintable(key))
        {
            problems.Add($"{Prefix}: key {Quoted(key)} contains unprintable characters");
        }

        if (!IsPrintable(value))
        {
            problems.Add($"{Prefix}: value for key {Quoted(key)} contains unprintable characters");
        }
    }

    private static bool IsPrintable(string text) =>
        text.EnumerateRunes()
            .All(rune =>
                rune.Value == ' '
                || Rune.GetUnicodeCategory(rune)
                    is not (
                        System.Globalization.UnicodeCategory.Control
                        or System.Globalization.UnicodeCategory.Format
                        or System.Globalization.UnicodeCategory.Surrogate
                        or System.Globalization.UnicodeCategory.PrivateUse
                        or System.Globalization.UnicodeCategory.OtherNotAssigned
                        or System.Globalization.UnicodeCategory.LineSeparator
                        or System.Globalization.UnicodeCategory.ParagraphSeparator
                        or System.Globalization.UnicodeCategory.SpaceSeparator
                    )
            );

    private static string? Text(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number => value.GetRawText(),
            JsonValueKind.True => "1",
            JsonValueKind.False => "0",
            JsonValueKind.Null => "",
            _ => null,
        };

    private static byte[] Encode(SortedDictionary<string, string> members)
    {
        if (members.Count == 0)
        {
            return [];
        }

        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Json.WriterOptions))
        {
            writer.WriteStartObject();
            foreach (var (key, value) in members)
            {
                writer.WriteString(key, value);
            }

            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private static string Quoted(string text) =>
        JsonSerializer.Serialize(text.Length <= 160 ? text : text[..160] + "…");

    private static string AsGoPrints(List<string> problems) =>
        $"{problems.Count} error{(problems.Count == 1 ? "" : "s")} occurred:\n\t* {string.Join("\n\t* ", problems)}\n\n";
}
