namespace Mayfly.Client.Tokens;

/// <summary>What a new token should be; what is null is the server's to say. Immutable.</summary>
public sealed record TokenRequest
{
    /// <summary>The role below <c>auth/token/roles</c> to make it by.</summary>
    public string? Role { get; init; }

    /// <summary>The policies; null for the caller's own.</summary>
    public IReadOnlyList<string>? Policies { get; init; }

    /// <summary>Leave out the policy <c>default</c>.</summary>
    public bool? NoDefaultPolicy { get; init; }

    /// <summary>Not to end with the token that makes it. Needs the right to.</summary>
    public bool? NoParent { get; init; }

    /// <summary>How long it lives.</summary>
    public TimeSpan? Ttl { get; init; }

    /// <summary>How long it can live at most.</summary>
    public TimeSpan? ExplicitMaxTtl { get; init; }

    /// <summary>How long each renewal makes it live, without end.</summary>
    public TimeSpan? Period { get; init; }

    /// <summary>Its life can be prolonged.</summary>
    public bool? IsRenewable { get; init; }

    /// <summary>How often it can be used.</summary>
    public int? NumUses { get; init; }

    /// <summary><c>service</c> or <c>batch</c>.</summary>
    public string? Type { get; init; }

    /// <summary>A name for people.</summary>
    public string? DisplayName { get; init; }

    /// <summary>What the audit log should say of it.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}
