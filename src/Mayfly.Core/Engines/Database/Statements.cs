using System.Text;
using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database;

/// <summary>Fields with statements, in all the spellings that Vault takes: a list or one text, plain, as JSON, or in base64.</summary>
internal static class Statements
{
    /// <summary>The statements, of which each text may still hold several; null when the field was not sent.</summary>
    public static IReadOnlyList<string>? Of(FieldValues fields, string name) =>
        fields.TextsOrNull(name) is { } texts ? [.. texts.SelectMany(Spell).Where(text => text.Length > 0)] : null;

    private static IEnumerable<string> Spell(string text)
    {
        text = Decoded(text.Trim()) ?? text.Trim();
        return List(text) ?? [text];
    }

    private static string? Decoded(string text)
    {
        // No statement is a single word of base64 that is text again.
        var bytes = new byte[text.Length];
        if (text.Length < 8 || !Convert.TryFromBase64String(text, bytes, out var length))
        {
            return null;
        }

        var decoded = Encoding.UTF8.GetString(bytes, 0, length);
        return decoded.Contains(' ') && !decoded.Contains('\ufffd') ? decoded : null;
    }

    private static IReadOnlyList<string>? List(string text)
    {
        if (!text.StartsWith('['))
        {
            return null;
        }

        try
        {
            using var list = JsonDocument.Parse(text, Json.DocumentOptions);
            var items = list.RootElement.EnumerateArray().ToList();
            return items.All(item => item.ValueKind == JsonValueKind.String)
                ? [.. items.Select(item => item.GetString()!)]
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
