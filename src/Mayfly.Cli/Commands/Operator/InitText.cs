using System.Text.Json;
using Mayfly.Cli.Output;

namespace Mayfly.Cli.Commands.Operator;

/// <summary>What <c>operator init</c> prints. Scripts read both forms, so names and layout are Vault's.</summary>
internal static class InitText
{
    public static void Write(Printer print, JsonElement answer, int shares, int threshold)
    {
        Keys(print, "Unseal Key", Member(answer, "keys_base64"));
        Keys(print, "Recovery Key", Member(answer, "recovery_keys_base64"));
        print.Line("");
        print.Line($"Initial Root Token: {PlainText.Of(Member(answer, "root_token"))}");
        print.Line("");
        if (Count(Member(answer, "keys_base64")) == 0)
        {
            print.Line("Success! The server is initialized, and unseals itself.");
            return;
        }

        print.Line(
            $"""
            The server is initialized with {shares} key shares and a key threshold of {threshold}. Give each key
            above to another person: they are stored nowhere. After every start or seal, {threshold} of them are
            needed before the server answers. If fewer than {threshold} can be found, what it stores is lost.

            New keys can be made from {threshold} of these: see "mayfly operator rekey".
            """
        );
    }

    public static void WriteJson(Utf8JsonWriter writer, JsonElement answer, int shares, int threshold)
    {
        writer.WriteStartObject();
        Copy("unseal_keys_b64", "keys_base64");
        Copy("unseal_keys_hex", "keys");
        writer.WriteNumber("unseal_shares", Count(Member(answer, "keys")) is > 0 and var made ? made : shares);
        writer.WriteNumber("unseal_threshold", threshold);
        Copy("recovery_keys_b64", "recovery_keys_base64");
        Copy("recovery_keys_hex", "recovery_keys");
        writer.WriteNumber("recovery_keys_shares", Count(Member(answer, "recovery_keys")));
        writer.WriteNumber("recovery_keys_threshold", 0);
        writer.WriteString("root_token", PlainText.Of(Member(answer, "root_token")));
        writer.WriteEndObject();

        void Copy(string to, string from)
        {
            writer.WritePropertyName(to);
            if (Member(answer, from) is { ValueKind: JsonValueKind.Array } keys)
            {
                keys.WriteTo(writer);
            }
            else
            {
                writer.WriteStartArray();
                writer.WriteEndArray();
            }
        }
    }

    private static void Keys(Printer print, string title, JsonElement keys)
    {
        if (keys.ValueKind != JsonValueKind.Array)
        {
            return;
        }

        var number = 0;
        foreach (var key in keys.EnumerateArray())
        {
            print.Line($"{title} {++number}: {PlainText.Of(key)}");
        }
    }

    private static int Count(JsonElement keys) => keys.ValueKind == JsonValueKind.Array ? keys.GetArrayLength() : 0;

    private static JsonElement Member(JsonElement answer, string name) => SecretRows.Member(answer, name);
}
