using System.Text;
using System.Text.Json;

namespace Mayfly.Cli.Output;

/// <summary>A JSON value on one line, as scripts that read Vault's tables expect it: <c>[a b]</c>, <c>map[k:v]</c>.</summary>
internal static class PlainText
{
    public static string Of(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                return Text(value);
            case JsonValueKind.Null or JsonValueKind.Undefined:
                return "<nil>";
            case JsonValueKind.True:
                return "true";
            case JsonValueKind.False:
                return "false";
            case JsonValueKind.Number:
                return value.GetRawText();
            default:
                var text = new StringBuilder();
                Append(text, value);
                return text.ToString();
        }
    }

    /// <summary>A string's text; half a surrogate pair, which JSON can hold and text cannot, stays escaped.</summary>
    public static string Text(JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return value.GetRawText()[1..^1];
        }
    }

    /// <summary>As <see cref="Of"/>, but seconds in a field that holds a duration become <c>1h30m</c>.</summary>
    public static string OfField(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var seconds) && HoldsDuration(name)
            ? HumanDuration.OfSeconds(seconds)
            : Of(value);

    /// <summary>The members of an object sorted by name, as tables show them.</summary>
    public static IEnumerable<JsonProperty> Sorted(JsonElement value)
    {
        var members = new List<JsonProperty>();
        if (value.ValueKind == JsonValueKind.Object)
        {
            members.AddRange(value.EnumerateObject());
            members.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        }

        return members;
    }

    /// <summary><c>["a" "b"]</c>, as policies are shown.</summary>
    public static string Quoted(JsonElement value)
    {
        var text = new StringBuilder("[");
        if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in value.EnumerateArray())
            {
                if (text.Length > 1)
                {
                    text.Append(' ');
                }

                text.Append('"').Append(Of(item)).Append('"');
            }
        }

        return text.Append(']').ToString();
    }

    private static bool HoldsDuration(string name) =>
        name is "period" or "ttl" or "duration" or "lease_max" or "ttl_max"
        || name.EndsWith("_period", StringComparison.Ordinal)
        || name.EndsWith("_ttl", StringComparison.Ordinal)
        || name.EndsWith("_duration", StringComparison.Ordinal);

    private static void Append(StringBuilder text, JsonElement value)
    {
        var first = true;
        switch (value.ValueKind)
        {
            case JsonValueKind.Array:
                text.Append('[');
                foreach (var item in value.EnumerateArray())
                {
                    Separate();
                    Append(text, item);
                }

                text.Append(']');
                break;
            case JsonValueKind.Object:
                text.Append("map[");
                foreach (var member in Sorted(value))
                {
                    Separate();
                    text.Append(member.Name).Append(':');
                    Append(text, member.Value);
                }

                text.Append(']');
                break;
            default:
                text.Append(Of(value));
                break;
        }

        void Separate()
        {
            if (!first)
            {
                text.Append(' ');
            }

            first = false;
        }
    }
}
