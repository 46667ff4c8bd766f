using Mayfly.Core.Engines;
using Mayfly.Core.Events;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core;

/// <summary>What the operator sets for a vault. Immutable.</summary>
public sealed record VaultOptions
{
    /// <summary>As in replies: <c>1.17.0+mayfly.0.1.0</c>.</summary>
    public required string Version { get; init; }

    public string ClusterName { get; init; } = "mayfly";

    /// <summary>
    /// Tells the URL under which clients reach the server, or "" when it is not known. Asked when it is needed, since a port may be
    /// known only when the server listens.
    /// </summary>
    public Func<string> ApiAddress { get; init; } = () => "";

    public string ClusterAddress { get; init; } = "";

    public TimeSpan DefaultLeaseTtl { get; init; } = TimeSpan.FromHours(768);

    public TimeSpan MaxLeaseTtl { get; init; } = TimeSpan.FromHours(768);

    /// <summary>What can be mounted; the whole <see cref="Catalog"/> outside tests.</summary>
    public IReadOnlyList<EngineType> Engines { get; init; } = Catalog.Engines;

    /// <summary>When failed logins lock a name, by the auth method's type, and <c>all</c>.</summary>
    public IReadOnlyDictionary<string, Mounts.UserLockoutTuning> UserLockout { get; init; } =
        new Dictionary<string, Mounts.UserLockoutTuning>(StringComparer.Ordinal);

    public UnknownFields UnknownFields { get; init; } = UnknownFields.Refuse;

    /// <summary>What change events may cost.</summary>
    public EventLimits Events { get; init; } = new();
}
