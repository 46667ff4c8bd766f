namespace Mayfly.Agent.Kubernetes;

/// <summary>Which pods get the agent as a native sidecar: an init container that goes on running.</summary>
internal enum NativeSidecars
{
    /// <summary>Those that ask with <c>mayfly.dev/agent-inject</c>; Vault's annotations mean what they mean with Vault.</summary>
    Own,

    /// <summary>All.</summary>
    All,

    /// <summary>None: for Kubernetes before 1.29, which does not know them.</summary>
    None,
}

/// <summary>What a pod gets when its annotations do not say otherwise.</summary>
internal sealed record InjectorDefaults
{
    /// <summary>Where agents find the server; empty when every pod must say so itself.</summary>
    public string Address { get; init; } = "";

    /// <summary>The image of agents: one that has <c>mayfly</c> on its path.</summary>
    public string Image { get; init; } = "mayfly:latest";

    /// <summary>How agents log in.</summary>
    public string AuthType { get; init; } = "kubernetes";

    /// <summary>Where their method is mounted.</summary>
    public string AuthPath { get; init; } = "auth/kubernetes";

    /// <summary>The audience of the service account's token that agents log in with; empty for the API server's own.</summary>
    public string TokenAudience { get; init; } = "";

    /// <summary>The namespace of the server.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>A proxy between agents and the server.</summary>
    public string ProxyAddress { get; init; } = "";

    /// <summary>Processor time that an agent may take; empty for no limit.</summary>
    public string CpuLimit { get; init; } = "500m";

    /// <summary>Memory that an agent may take; empty for no limit.</summary>
    public string MemoryLimit { get; init; } = "128Mi";

    /// <summary>Space on the node's disk that an agent may take; empty for no limit.</summary>
    public string EphemeralLimit { get; init; } = "";

    /// <summary>Processor time that is kept for an agent, which sleeps nearly always.</summary>
    public string CpuRequest { get; init; } = "50m";

    /// <summary>Memory that is kept for an agent.</summary>
    public string MemoryRequest { get; init; } = "64Mi";

    /// <summary>Space on the node's disk that is kept for an agent.</summary>
    public string EphemeralRequest { get; init; } = "";

    /// <summary>The user that agents run as.</summary>
    public long RunAsUser { get; init; } = 100;

    /// <summary>The group that agents run as.</summary>
    public long RunAsGroup { get; init; } = 1000;

    /// <summary>Whether agents run as the user of the pod's first container.</summary>
    public bool RunAsSameUser { get; init; }

    /// <summary>Whether agents' containers get a security context; OpenShift sets its own.</summary>
    public bool SetSecurityContext { get; init; } = true;

    /// <summary>Whether an agent's token is revoked when its pod ends.</summary>
    public bool RevokeOnShutdown { get; init; }

    /// <summary>How files look that no template is given for: <c>map</c> or <c>json</c>.</summary>
    public string DefaultTemplate { get; init; } = "map";

    /// <summary>Whether an agent ends when a template has failed too often.</summary>
    public bool ExitOnRetryFailure { get; init; } = true;

    /// <summary>How often agents read secrets that have no lease; empty for the agent's own default.</summary>
    public string RenderInterval { get; init; } = "";

    /// <summary>How many connections an agent's templates may use; null for the agent's own default.</summary>
    public long? ConnectionsPerHost { get; init; }

    /// <summary>How much agents log.</summary>
    public string LogLevel { get; init; } = "info";

    /// <summary>How agents log: <c>standard</c> or <c>json</c>.</summary>
    public string LogFormat { get; init; } = "standard";

    /// <summary>Which pods get native sidecars.</summary>
    public NativeSidecars NativeSidecars { get; init; }

    /// <summary>
    /// Whether a pod whose annotations are wrong is let through without an agent, with a warning, instead of refused.
    /// </summary>
    public bool AdmitInvalid { get; init; }
}
