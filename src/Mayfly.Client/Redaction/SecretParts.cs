using System.Text.Json;

namespace Mayfly.Client.Redaction;

/// <summary>What is secret by itself inside a value: strings of a JSON document, long lines, the password of a URL or a connection string.</summary>
internal static class SecretParts
{
    private const int LongLine = 16;
    private const int MaxParts = 1000;

    private static readonly string[] PasswordNames = ["password", "pwd", "secret", "token", "apikey", "accountkey"];

    /// <summary>The parts, without the value itself.</summary>
    public static IEnumerable<string> Of(string value) =>
        Strings(value).Concat(Lines(value)).Concat(Credentials(value)).Take(MaxParts);

    private static List<string> Strings(string value)
    {
        if (value.AsSpan().TrimStart() is not ['{' or '[', ..])
        {
            return [];
        }

        try
        {
            using var document = JsonDocument.Parse(value);
            var found = new List<string>();
            Collect(document.RootElement, found);
            return found;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return [];
        }
    }

    private static void Collect(JsonElement element, List<string> found)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                found.Add(element.GetString()!);
                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                {
                    Collect(item, found);
                }

                break;
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    Collect(member.Value, found);
                }

                break;
        }
    }

    private static IEnumerable<string> Lines(string value) =>
        value.AsSpan().IndexOfAny('\n', '\r') < 0
            ? []
            : value
                .Split(['\n', '\r'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Where(line => line.Length >= LongLine && !line.StartsWith("-----", StringComparison.Ordinal));

    private static IEnumerable<string> Credentials(string value)
    {
        if (
            value.Contains("://", StringComparison.Ordinal)
            && Uri.TryCreate(value, UriKind.Absolute, out var uri)
            && uri.UserInfo.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon
        )
        {
            var password = uri.UserInfo[(colon + 1)..];
            return [password, Uri.UnescapeDataString(password)];
        }

        return value.Contains(';', StringComparison.Ordinal) && value.Contains('=', StringComparison.Ordinal)
            ? value
                .Split(';')
                .Select(part => part.Split('=', 2))
                .Where(pair =>
                    pair.Length == 2
                    && PasswordNames.Contains(
                        pair[0].Replace(" ", "", StringComparison.Ordinal),
                        StringComparer.OrdinalIgnoreCase
                    )
                )
                .Select(pair => pair[1].Trim().Trim('\'', '"'))
            : [];
    }
}
