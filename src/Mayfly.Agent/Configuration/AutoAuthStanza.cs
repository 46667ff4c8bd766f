namespace Mayfly.Agent.Configuration;

/// <summary><c>auto_auth</c>.</summary>
internal sealed record AutoAuthStanza
{
    public required MethodStanza Method { get; init; }

    public IReadOnlyList<SinkStanza> Sinks { get; init; } = [];

    /// <summary>Log in again when the files with the credentials change.</summary>
    public bool ReauthOnNewCredentials { get; init; }
}

/// <summary><c>method</c>: how the agent logs in.</summary>
internal abstract record MethodStanza
{
    /// <summary>Where the method is mounted: <c>auth/approle</c>. Null for the place of that name.</summary>
    public string? MountPath { get; init; }

    public string? Namespace { get; init; }

    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>End the agent when a login fails.</summary>
    public bool ExitOnError { get; init; }

    /// <summary>Files whose change means that there are other credentials.</summary>
    public abstract IReadOnlyList<string> Files { get; }
}

internal sealed record AppRoleMethod(string RoleIdFile) : MethodStanza
{
    public string? SecretIdFile { get; init; }

    public bool RemoveSecretIdFile { get; init; } = true;

    /// <summary>When set, the secret id is wrapped, and was wrapped at this path.</summary>
    public string? WrappingPath { get; init; }

    public override IReadOnlyList<string> Files => SecretIdFile is null ? [RoleIdFile] : [RoleIdFile, SecretIdFile];
}

internal sealed record TokenFileMethod(string TokenFile) : MethodStanza
{
    public override IReadOnlyList<string> Files => [TokenFile];
}

internal sealed record UserpassMethod(string Username, string PasswordFile) : MethodStanza
{
    public override IReadOnlyList<string> Files => [PasswordFile];
}

internal sealed record JwtMethod(string Role, string JwtFile) : MethodStanza
{
    public bool RemoveJwtFile { get; init; } = true;

    public bool RemoveFollowsLinks { get; init; }

    public override IReadOnlyList<string> Files => [JwtFile];
}

internal sealed record KubernetesMethod(string Role, string TokenFile) : MethodStanza
{
    public override IReadOnlyList<string> Files => [TokenFile];
}

/// <summary><c>sink "file"</c>: a file that holds the token.</summary>
internal sealed record SinkStanza(string Path)
{
    public const UnixFileMode DefaultMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    /// <summary>Null: the mode of the file that is there, or what the umask makes of a new one.</summary>
    public UnixFileMode? Mode { get; init; } = DefaultMode;

    /// <summary>Name or number of the file's owner; empty to leave it.</summary>
    public string Owner { get; init; } = "";

    /// <summary>Name or number of the file's group; empty to leave it.</summary>
    public string Group { get; init; } = "";

    /// <summary>When set, the file holds a wrapping token that lives so long.</summary>
    public TimeSpan? WrapTtl { get; init; }
}
