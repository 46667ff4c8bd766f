using System.Text.Json;
using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Auth;

/// <summary>The <c>token_*</c> fields that the roles of every auth method share. Immutable.</summary>
public sealed record TokenParameters
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
}
