using System.Globalization;
using System.Text.Json;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Kv;

/// <summary>The flag <c>-versions=1,2</c>.</summary>
internal static class KvVersions
{
    public static ListFlag Flag(string help) => new("versions", help, splitAtCommas: true);

    /// <summary>The numbers, or what is wrong.</summary>
    public static (IReadOnlyList<int> Versions, string? Wrong) Parse(ListFlag flag)
    {
        var versions = new List<int>();
        foreach (var text in flag.Values)
        {
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version) || version < 1)
            {
                return ([], "-versions needs numbers: -versions=1,2");
            }

            versions.Add(version);
        }

        return (versions, null);
    }

    public static void Write(Utf8JsonWriter writer, IReadOnlyList<int> versions)
    {
        writer.WriteStartArray("versions");
        foreach (var version in versions)
        {
            writer.WriteNumberValue(version);
        }

        writer.WriteEndArray();
    }
}
