namespace Mayfly.Client.Sys;

/// <summary>What <c>sys/health</c> tells. Immutable.</summary>
/// <param name="IsInitialized">The vault has been initialized.</param>
/// <param name="IsSealed">It is sealed: it answers nothing until it is unsealed.</param>
/// <param name="IsStandby">This node passes requests on to another.</param>
/// <param name="ServerTime">The server's time.</param>
/// <param name="Version">The server's version.</param>
/// <param name="ClusterName">The cluster's name; empty while it is sealed.</param>
/// <param name="ClusterId">Names the cluster; empty while it is sealed.</param>
public sealed record Health(
    bool IsInitialized,
    bool IsSealed,
    bool IsStandby,
    DateTimeOffset ServerTime,
    string Version,
    string ClusterName,
    string ClusterId
);
