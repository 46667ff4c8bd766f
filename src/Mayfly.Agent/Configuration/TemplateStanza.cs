namespace Mayfly.Agent.Configuration;

/// <summary>Where a template's text is, and how it is read. One of <see cref="Source"/> and <see cref="Contents"/> is set.</summary>
internal sealed record TemplateText
{
    public string? Source { get; init; }

    public string? Contents { get; init; }

    public string LeftDelimiter { get; init; } = "{{";

    public string RightDelimiter { get; init; } = "}}";

    public bool ErrorOnMissingKey { get; init; }

    /// <summary>What the function <c>file</c> may read below; null for everything.</summary>
    public string? SandboxPath { get; init; }

    /// <summary>Functions that the template may not call.</summary>
    public IReadOnlyList<string> DeniedFunctions { get; init; } = [];

    /// <summary>For messages: <c>/etc/app.ctmpl</c>, or where the contents stand: <c>agent.hcl:12</c>.</summary>
    public string Name { get; init; } = "";
}

/// <summary><c>template</c>: a file that is rendered.</summary>
internal sealed record TemplateStanza(TemplateText Text, string Destination)
{
    public bool CreateFolders { get; init; } = true;

    /// <summary>Null: that of the file that is there, otherwise 0600.</summary>
    public UnixFileMode? Mode { get; init; }

    /// <summary>Name or number of the file's owner; empty to leave it.</summary>
    public string Owner { get; init; } = "";

    /// <summary>Name or number of the file's group; empty to leave it.</summary>
    public string Group { get; init; } = "";

    /// <summary>Keep the file that was there before as <c>.bak</c>.</summary>
    public bool Backup { get; init; }

    /// <summary>What runs after the file has changed; null for nothing.</summary>
    public ChangeCommand? Command { get; init; }

    /// <summary>What is signalled after the file has changed; null for nothing.</summary>
    public ChangeSignal? Signal { get; init; }

    /// <summary>Changes that come together within this time are rendered once; zero: at once.</summary>
    public TimeSpan WaitMin { get; init; }

    /// <summary>The longest that changes are gathered.</summary>
    public TimeSpan WaitMax { get; init; }
}

/// <summary>A program and its arguments; a single text is given to <c>/bin/sh -c</c>.</summary>
internal sealed record ChangeCommand(IReadOnlyList<string> Arguments)
{
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>A signal to the process whose number is in a file.</summary>
/// <param name="Name">Such as <c>SIGHUP</c>.</param>
/// <param name="PidFile">The file; null for the program of <c>exec</c>.</param>
internal sealed record ChangeSignal(string Name, string? PidFile);

/// <summary><c>env_template "NAME"</c>: an environment variable of the program of <c>exec</c>.</summary>
internal sealed record EnvironmentTemplateStanza(string Variable, TemplateText Text);

/// <summary><c>template_config</c>.</summary>
internal sealed record TemplateSettings
{
    /// <summary>End the agent when a template could not be rendered after all retries.</summary>
    public bool ExitOnRetryFailure { get; init; }

    /// <summary>How often secrets without a lease are read again.</summary>
    public TimeSpan StaticSecretRenderInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>At which part of its life a secret that is not renewable is replaced.</summary>
    public double LeaseRenewalThreshold { get; init; } = 0.9;

    public int MaxConnectionsPerHost { get; init; } = 10;
}
