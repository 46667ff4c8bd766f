using System.Text.Json;

namespace Mayfly.Core.Auth;

/// <content>JSON: replies to reads and stored records have the same members, named and typed as Vault's.</content>
public sealed partial record TokenParameters
{
    private static readonly string[] OlderNamesKnown =
    [
        "bound_cidrs",
        "explicit_max_ttl",
        "max_ttl",
        "num_uses",
        "period",
        "policies",
        "ttl",
    ];

    private static readonly string[] Names = [.. Fields.Select(field => field.Name)];

    /// <summary>Writes the members of an object that the caller has begun.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        foreach (var name in Names)
        {
            WriteTo(writer, name);
        }

        foreach (var older in OlderNames)
        {
            WriteValue(writer, older, Prefix + older);
        }
    }

    /// <summary>Writes one member alone, such as <c>token_ttl</c>, and once more under its older name if that is in use.</summary>
    public void WriteTo(Utf8JsonWriter writer, string name, string? older = null)
    {
        WriteValue(writer, name, name);
        if (older is not null && OlderNames.Contains(older))
        {
            WriteValue(writer, older, name);
        }
    }

    /// <summary>Reads what <see cref="WriteTo(Utf8JsonWriter)"/> wrote, among members that are not its own.</summary>
    /// <param name="stored">The object. It must not use the older names for something else.</param>
    public static TokenParameters ReadFrom(JsonElement stored) =>
        new()
        {
            Ttl = Seconds(stored, "token_ttl"),
            MaxTtl = Seconds(stored, "token_max_ttl"),
            ExplicitMaxTtl = Seconds(stored, "token_explicit_max_ttl"),
            Period = Seconds(stored, "token_period"),
            Policies = Strings(stored, "token_policies"),
            BoundCidrs = Strings(stored, "token_bound_cidrs"),
            StrictlyBindIp = Flag(stored, "token_strictly_bind_ip"),
            NoDefaultPolicy = Flag(stored, "token_no_default_policy"),
            NumUses = stored.TryGetProperty("token_num_uses", out var uses) ? uses.GetInt32() : 0,
            Type = stored.TryGetProperty("token_type", out var type) ? type.GetString()! : "default",
            OlderNames = [.. OlderNamesKnown.Where(name => stored.TryGetProperty(name, out _))],
        };

    private void WriteValue(Utf8JsonWriter writer, string shownAs, string name)
    {
        switch (name)
        {
            case "token_ttl":
                writer.WriteNumber(shownAs, (long)Ttl.TotalSeconds);
                break;
            case "token_max_ttl":
                writer.WriteNumber(shownAs, (long)MaxTtl.TotalSeconds);
                break;
            case "token_explicit_max_ttl":
                writer.WriteNumber(shownAs, (long)ExplicitMaxTtl.TotalSeconds);
                break;
            case "token_period":
                writer.WriteNumber(shownAs, (long)Period.TotalSeconds);
                break;
            case "token_num_uses":
                writer.WriteNumber(shownAs, NumUses);
                break;
            case "token_no_default_policy":
                writer.WriteBoolean(shownAs, NoDefaultPolicy);
                break;
            case "token_strictly_bind_ip":
                writer.WriteBoolean(shownAs, StrictlyBindIp);
                break;
            case "token_type":
                writer.WriteString(shownAs, Type);
                break;
            case "token_policies":
                WriteStrings(writer, shownAs, Policies);
                break;
            case "token_bound_cidrs":
                WriteStrings(writer, shownAs, BoundCidrs);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(name), name, "No such token parameter.");
        }
    }

    internal static void WriteStrings(Utf8JsonWriter writer, string name, IReadOnlyList<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }

    internal static IReadOnlyList<string> Strings(JsonElement stored, string name) =>
        stored.TryGetProperty(name, out var array)
        && array.ValueKind == JsonValueKind.Array
        && array.GetArrayLength() > 0
            ? [.. array.EnumerateArray().Select(item => item.GetString()!)]
            : [];

    private static TimeSpan Seconds(JsonElement stored, string name) =>
        stored.TryGetProperty(name, out var value) ? TimeSpan.FromSeconds(value.GetInt64()) : TimeSpan.Zero;

    private static bool Flag(JsonElement stored, string name) =>
        stored.TryGetProperty(name, out var value) && value.GetBoolean();
}
