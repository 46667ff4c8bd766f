using System.Globalization;
using System.Text.Json;
using Mayfly.Client.Transport;

namespace Mayfly.Client.Kv;

/// <summary>A secret's settings and versions, without any content. Immutable.</summary>
public sealed record KvMetadata
{
    /// <summary>The version that a read gives.</summary>
    public required int CurrentVersion { get; init; }

    /// <summary>The oldest version that there is.</summary>
    public required int OldestVersion { get; init; }

    /// <summary>How many versions are kept; 0 for what the engine says.</summary>
    public required int MaxVersions { get; init; }

    /// <summary>Every write has to say which version it replaces.</summary>
    public required bool IsCasRequired { get; init; }

    /// <summary>How long a version lives, as the server writes it: <c>0s</c> for without end.</summary>
    public required string DeleteVersionAfter { get; init; }

    /// <summary>When the secret was first written.</summary>
    public required DateTimeOffset? CreatedTime { get; init; }

    /// <summary>When it was last changed.</summary>
    public required DateTimeOffset? UpdatedTime { get; init; }

    /// <summary>What was noted of the secret.</summary>
    public required IReadOnlyDictionary<string, string> CustomMetadata { get; init; }

    /// <summary>The versions, oldest first.</summary>
    public required IReadOnlyList<KvVersion> Versions { get; init; }

    internal static KvMetadata Read(JsonElement data) =>
        new()
        {
            CurrentVersion = (int)data.Number("current_version"),
            OldestVersion = (int)data.Number("oldest_version"),
            MaxVersions = (int)data.Number("max_versions"),
            IsCasRequired = data.Flag("cas_required"),
            DeleteVersionAfter = data.Text("delete_version_after") ?? "0s",
            CreatedTime = data.Instant("created_time"),
            UpdatedTime = data.Instant("updated_time"),
            CustomMetadata = data.TextsByName("custom_metadata"),
            Versions = ReadVersions(data.Property("versions")),
        };

    private static List<KvVersion> ReadVersions(JsonElement versions)
    {
        var list = new List<KvVersion>();
        if (versions.ValueKind == JsonValueKind.Object)
        {
            foreach (var each in versions.EnumerateObject())
            {
                if (int.TryParse(each.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var version))
                {
                    list.Add(KvVersion.Read(each.Value, version));
                }
            }
        }

        list.Sort(static (one, other) => one.Version.CompareTo(other.Version));
        return list;
    }
}
