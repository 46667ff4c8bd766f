using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace Mayfly.Client.Configuration;

/// <summary>Flattens a secret's fields into keys, as .NET does with JSON files.</summary>
internal static class ConfigurationKeys
{
    public static IEnumerable<(string Key, string? Value)> Of(ConfiguredSecret configured, JsonElement fields)
    {
        foreach (var field in fields.EnumerateObject())
        {
            var isNamed = configured.Keys.TryGetValue(field.Name, out var named);
            if (isNamed || !configured.OnlyKeys)
            {
                foreach (var pair in Flatten(Join(configured.Section, named ?? field.Name), field.Value))
                {
                    yield return pair;
                }
            }
        }
    }

    private static IEnumerable<(string Key, string? Value)> Flatten(string key, JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Object => value
                .EnumerateObject()
                .SelectMany(member => Flatten(Join(key, member.Name), member.Value)),
            JsonValueKind.Array => value
                .EnumerateArray()
                .SelectMany((item, index) => Flatten(Join(key, $"{index}"), item)),
            JsonValueKind.Null => [(key, null)],
            _ => [(key, value.ToString())],
        };

    private static string Join(string section, string name) =>
        section.Length == 0 ? name : ConfigurationPath.Combine(section, name);
}
