using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Hosting.Logging;
using Mayfly.Server.Http;
using Microsoft.Extensions.Logging;

namespace Mayfly.Server.Configuration;

/// <summary>What the operator asked for, from files, flags and the environment together. Immutable.</summary>
internal sealed record ServerConfiguration
{
    public IReadOnlyList<Listener> Listeners { get; init; } = [];

    /// <summary>Null until it is chosen: secrets are not kept in a place that nobody named.</summary>
    public StorageChoice? Storage { get; init; }

    public SealChoice Seal { get; init; } = new();

    public string ApiAddress { get; init; } = "";

    public string ClusterAddress { get; init; } = "";

    public string ClusterName { get; init; } = "";

    public TimeSpan? DefaultLeaseTtl { get; init; }

    public TimeSpan? MaxLeaseTtl { get; init; }

    public UnknownFields UnknownFields { get; init; } = UnknownFields.Refuse;

    /// <summary>When failed logins lock a name, by the auth method's type, and <c>all</c>.</summary>
    public IReadOnlyDictionary<string, UserLockoutTuning> UserLockout { get; init; } =
        new Dictionary<string, UserLockoutTuning>(StringComparer.Ordinal);

    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    public LogFormat LogFormat { get; init; } = LogFormat.Standard;

    public string PidFile { get; init; } = "";

    /// <summary>What was asked for and is not supported yet, to be said on standard error at start.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>Where records are kept.</summary>
/// <param name="Folder">The folder of the embedded store, or null for memory.</param>
internal sealed record StorageChoice(string? Folder = null);

/// <summary>What holds the root key.</summary>
/// <param name="KeyFile">The file of a static key, or null for Shamir shares.</param>
internal sealed record SealChoice(string? KeyFile = null);
