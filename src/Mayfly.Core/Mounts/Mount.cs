using Mayfly.Core.Engines;

namespace Mayfly.Core.Mounts;

/// <summary>An engine at a path. Immutable; a changed mount is a new record.</summary>
public sealed record Mount
{
    /// <summary>Names the mount's folder in the store; stays when the mount is moved.</summary>
    public required string Uuid { get; init; }

    public required EngineKind Kind { get; init; }

    /// <summary>Below the root, ending with a slash: <c>secret/</c>; auth methods include <c>auth/</c>: <c>auth/userpass/</c>.</summary>
    public required string Path { get; init; }

    /// <summary>The name of its <see cref="EngineType"/>.</summary>
    public required string Type { get; init; }

    /// <summary>Names the mount in policies and audit entries, such as <c>kv_1a2b3c4d</c>.</summary>
    public required string Accessor { get; init; }

    public string Description { get; init; } = "";

    public IReadOnlyDictionary<string, string> Options { get; init; } =
        new Dictionary<string, string>(StringComparer.Ordinal);

    public MountTuning Tuning { get; init; } = new();

    public bool Local { get; init; }

    public bool SealWrap { get; init; }

    public bool ExternalEntropyAccess { get; init; }
}

/// <summary>What <c>sys/mounts/…/tune</c> changes. Zero or empty means the server's default. Immutable.</summary>
public sealed record MountTuning
{
    public TimeSpan DefaultLeaseTtl { get; init; }

    public TimeSpan MaxLeaseTtl { get; init; }

    /// <summary>Keys of requests and responses whose values the audit shows as they are.</summary>
    public IReadOnlyList<string> AuditNonHmacRequestKeys { get; init; } = [];

    /// <inheritdoc cref="AuditNonHmacRequestKeys"/>
    public IReadOnlyList<string> AuditNonHmacResponseKeys { get; init; } = [];

    /// <summary><c>hidden</c> or <c>unauth</c>.</summary>
    public string ListingVisibility { get; init; } = "";

    public IReadOnlyList<string> PassthroughRequestHeaders { get; init; } = [];

    public IReadOnlyList<string> AllowedResponseHeaders { get; init; } = [];

    /// <summary>For auth mounts: the kind of tokens they give.</summary>
    public string TokenType { get; init; } = "";

    /// <summary>For auth mounts: when failed logins lock a name.</summary>
    public UserLockoutTuning? UserLockout { get; init; }
}
