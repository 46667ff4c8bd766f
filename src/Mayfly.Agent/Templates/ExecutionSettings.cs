using Mayfly.Agent.Templates.Functions;

namespace Mayfly.Agent.Templates;

/// <summary>Where a template's data comes from. An execution takes what is there, and says what is not.</summary>
internal interface ITemplateData
{
    /// <summary>False when it is not known yet; true with null when it is known not to exist.</summary>
    bool TryGet(Dependency dependency, out object? value);
}

/// <summary>What an execution may use. Immutable.</summary>
internal sealed record ExecutionSettings
{
    /// <summary>Secrets and files.</summary>
    public required ITemplateData Data { get; init; }

    /// <summary>The functions.</summary>
    public FunctionTable Functions { get; init; } = FunctionTable.Default;

    /// <summary>A field that is not there is an error instead of <c>&lt;no value&gt;</c>.</summary>
    public bool ErrorOnMissingKey { get; init; }

    /// <summary>Environment variables; null for one that is not set.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where the <c>file</c> function may read; null for everywhere.</summary>
    public string? SandboxPath { get; init; }

    /// <summary>Where the output goes, which <c>pkiCert</c> looks at.</summary>
    public string? Destination { get; init; }
}

/// <summary>What an execution made.</summary>
/// <param name="Output">The text; to be used only when <paramref name="Missing"/> is empty. See <see cref="Values.GoText"/>.</param>
/// <param name="Uses">Every dependency that was asked for.</param>
/// <param name="Missing">Those that were not there.</param>
/// <param name="Files">What else is to be written.</param>
internal sealed record TemplateResult(
    string Output,
    IReadOnlyList<Use> Uses,
    IReadOnlyList<Use> Missing,
    IReadOnlyList<SideFile> Files
);

/// <summary>A dependency, and the line that first asked for it.</summary>
internal sealed record Use(Dependency Dependency, int Line);

/// <summary>A file that a template writes besides its output.</summary>
internal sealed record SideFile(
    string Path,
    string User,
    string Group,
    string Permissions,
    string Content,
    bool IsAppended
);
