namespace Mayfly.Core.Auth;

/// <summary>The <c>token_*</c> fields that the roles of every auth method share. Immutable.</summary>
public sealed partial record TokenParameters
{
    public TimeSpan Ttl { get; init; }

    public TimeSpan MaxTtl { get; init; }

    public TimeSpan ExplicitMaxTtl { get; init; }

    public TimeSpan Period { get; init; }

    public IReadOnlyList<string> Policies { get; init; } = [];

    /// <summary>Addresses and networks that the token may be used from; empty means all.</summary>
    public IReadOnlyList<string> BoundCidrs { get; init; } = [];

    /// <summary>The token is bound to the address that logged in.</summary>
    public bool StrictlyBindIp { get; init; }

    public bool NoDefaultPolicy { get; init; }

    public int NumUses { get; init; }

    /// <summary><c>default</c>, <c>service</c>, <c>batch</c>, <c>default-service</c> or <c>default-batch</c>.</summary>
    public string Type { get; init; } = "default";

    /// <summary>
    /// The older names (<c>ttl</c> for <c>token_ttl</c>) under which a client set some of the fields: reads show these
    /// fields under both names, since that client looks for the old one.
    /// </summary>
    public IReadOnlyList<string> OlderNames { get; init; } = [];
}
