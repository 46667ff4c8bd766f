using Mayfly.Core.Auth;

namespace Mayfly.Core.Identity;

/// <summary>
/// What an auth method found out: who it is, and the constraints for a token. Only the pipeline mints tokens. Immutable.
/// </summary>
public sealed record TokenGrant
{
    /// <summary>For people: the mount's path and a name, such as <c>userpass-alice</c>; the pipeline adds the mount's part.</summary>
    public required string DisplayName { get; init; }

    /// <summary>TTLs, policies, bounds and type, from the role.</summary>
    public required TokenParameters Parameters { get; init; }

    public IReadOnlyDictionary<string, string> Metadata { get; init; } =
        new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The name that identifies the caller at this method: user name, role id.</summary>
    public string AliasName { get; init; } = "";

    /// <summary>What the method wants back when it is asked to renew the token.</summary>
    public IReadOnlyDictionary<string, string> MethodData { get; init; } =
        new Dictionary<string, string>(StringComparer.Ordinal);

    public bool Renewable { get; init; } = true;
}

/// <summary>A token that has just been minted: the only time it is seen whole. Immutable.</summary>
/// <param name="Token">The token itself.</param>
/// <param name="Entry">Its record.</param>
/// <param name="Ttl">How long it lives from now; zero when it does not expire.</param>
public sealed record IssuedToken(string Token, TokenEntry Entry, TimeSpan Ttl)
{
    /// <summary>Says nothing: the token is in here.</summary>
    public override string ToString() => $"IssuedToken({Entry.Accessor})";
}
