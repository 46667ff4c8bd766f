using System.Text.Json;
using Mayfly.Client.Transport;

namespace Mayfly.Client.Tokens;

/// <summary>What the server knows of a token, without the token itself. Immutable.</summary>
public sealed record TokenInfo
{
    /// <summary>Names the token; empty for batch tokens.</summary>
    public required string Accessor { get; init; }

    /// <summary>The policies that the token holds.</summary>
    public required IReadOnlyList<string> Policies { get; init; }

    /// <summary>The path that made it.</summary>
    public required string Path { get; init; }

    /// <summary>A name for people.</summary>
    public required string DisplayName { get; init; }

    /// <summary>What its login has said of it.</summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>The identity behind it, or empty.</summary>
    public required string EntityId { get; init; }

    /// <summary><c>service</c> or <c>batch</c>.</summary>
    public required string Type { get; init; }

    /// <summary>How often it can still be used; 0 for without limit.</summary>
    public required long NumUses { get; init; }

    /// <summary>It does not end with the token that made it.</summary>
    public required bool IsOrphan { get; init; }

    /// <summary>Its life can be prolonged.</summary>
    public required bool IsRenewable { get; init; }

    /// <summary>When it was made, or null.</summary>
    public required DateTimeOffset? IssueTime { get; init; }

    /// <summary>When it ends; null when it does not.</summary>
    public required DateTimeOffset? ExpireTime { get; init; }

    /// <summary>How long it still lives; zero when it does not end, and in its last second.</summary>
    public required TimeSpan Ttl { get; init; }

    /// <summary>How long it lived when it was made.</summary>
    public required TimeSpan CreationTtl { get; init; }

    /// <summary>How long it can live at most, whatever is renewed; zero when nothing of its own says so.</summary>
    public required TimeSpan ExplicitMaxTtl { get; init; }

    /// <summary>How long each renewal makes it live; zero when it is not periodic.</summary>
    public required TimeSpan Period { get; init; }

    internal static TokenInfo Read(JsonElement data) =>
        new()
        {
            Accessor = data.Text("accessor") ?? "",
            Policies = data.Texts("policies"),
            Path = data.Text("path") ?? "",
            DisplayName = data.Text("display_name") ?? "",
            Metadata = data.TextsByName("meta"),
            EntityId = data.Text("entity_id") ?? "",
            Type = data.Text("type") ?? "",
            NumUses = data.Number("num_uses"),
            IsOrphan = data.Flag("orphan"),
            IsRenewable = data.Flag("renewable"),
            IssueTime = data.Instant("issue_time"),
            ExpireTime = data.Instant("expire_time"),
            Ttl = data.Seconds("ttl"),
            CreationTtl = data.Seconds("creation_ttl"),
            ExplicitMaxTtl = data.Seconds("explicit_max_ttl"),
            Period = data.Seconds("period"),
        };
}
