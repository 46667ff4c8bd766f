using Mayfly.Hosting.Logging;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Configuration;

/// <summary>What the agent does, as its files, flags and environment say. Immutable.</summary>
internal sealed record AgentConfiguration
{
    public ServerStanza Server { get; init; } = new();

    public AutoAuthStanza? AutoAuth { get; init; }

    public IReadOnlyList<TemplateStanza> Templates { get; init; } = [];

    public IReadOnlyList<EnvironmentTemplateStanza> EnvironmentTemplates { get; init; } = [];

    public TemplateSettings TemplateSettings { get; init; } = new();

    public ExecStanza? Exec { get; init; }

    /// <summary>What the agent calls itself where it reads what it renders or hands out, so that rotations wait for it; "" for nothing.</summary>
    public string? Consumer { get; init; }

    /// <summary>Null: nothing is cached.</summary>
    public CacheStanza? Cache { get; init; }

    /// <summary>The token of auto-auth in requests that come by a listener; null when no stanza says.</summary>
    public TokenUse? UseAutoAuthToken { get; init; }

    public IReadOnlyList<ListenerStanza> Listeners { get; init; } = [];

    public LogStanza Log { get; init; } = new();

    public string PidFile { get; init; } = "";

    public bool ExitAfterAuth { get; init; }

    /// <summary>How long <see cref="ExitAfterAuth"/> may take before the agent gives up.</summary>
    public TimeSpan ExitAfterAuthTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Which connections are not kept open: <c>proxying</c>, <c>auto-auth</c>, <c>templating</c>.</summary>
    public IReadOnlyList<string> DisableKeepAlives { get; init; } = [];

    /// <summary>What was understood and has less effect than the words say.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary><c>vault</c> or <c>mayfly</c>: the server.</summary>
internal sealed record ServerStanza
{
    /// <summary>The default of <c>retry.num_retries</c>.</summary>
    public const int DefaultRetries = 12;

    public string? Address { get; init; }

    public string? CaCertificate { get; init; }

    public string? CaFolder { get; init; }

    public string? ClientCertificate { get; init; }

    public string? ClientKey { get; init; }

    public bool? SkipVerify { get; init; }

    public string? TlsServerName { get; init; }

    public string? Namespace { get; init; }

    public int Retries { get; init; } = DefaultRetries;

    /// <summary>How long one request may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>What becomes of the token in a request that comes by a listener.</summary>
internal enum TokenUse
{
    /// <summary>The request's own, or none.</summary>
    Own,

    /// <summary>The request's own, otherwise the agent's.</summary>
    WhenMissing,

    /// <summary>The agent's, whatever the request has.</summary>
    Force,
}

/// <summary><c>cache</c>.</summary>
internal sealed record CacheStanza
{
    /// <summary>Keep what has no lease, such as KV, as long as change events tell that it is current.</summary>
    public bool StaticSecrets { get; init; }

    /// <summary>How long such a secret is kept without asking whether the token may still read it.</summary>
    public TimeSpan CapabilityRefresh { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Keep what has a lease, and tokens.</summary>
    public bool DynamicSecrets { get; init; } = true;
}

/// <summary><c>log_level</c>, <c>log_format</c>, <c>log_file</c> and <c>log_rotate_…</c>.</summary>
internal sealed record LogStanza
{
    public LogLevel? Level { get; init; }

    public LogFormat? Format { get; init; }

    /// <summary>Empty: standard error.</summary>
    public string File { get; init; } = "";

    public long RotateBytes { get; init; }

    public TimeSpan RotateAfter { get; init; } = TimeSpan.FromHours(24);

    /// <summary>0: all are kept; -1: none.</summary>
    public int RotateKeep { get; init; }
}

/// <summary><c>exec</c>: the program that the agent starts and stands for.</summary>
internal sealed record ExecStanza
{
    public required IReadOnlyList<string> Command { get; init; }

    public bool RestartOnSecretChanges { get; init; } = true;

    /// <summary>Such as <c>SIGTERM</c>.</summary>
    public string RestartStopSignal { get; init; } = "SIGTERM";

    /// <summary>The program also gets the variables that say who the agent is, such as <c>VAULT_TOKEN</c>.</summary>
    public bool KeepsToken { get; init; }

    /// <summary>Between the stop signal and SIGKILL.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
