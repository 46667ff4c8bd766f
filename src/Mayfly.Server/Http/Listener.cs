using Mayfly.Hosting.Listeners;

namespace Mayfly.Server.Http;

/// <summary>Where the server listens, and what it does with what comes in there. Immutable.</summary>
internal sealed record Listener(ListenAddress Address)
{
    /// <summary>Refuse requests without <c>X-Vault-Request: true</c>.</summary>
    public bool RequireRequestHeader { get; init; }

    /// <summary>Whose X-Forwarded-For is believed, or null when nobody's is.</summary>
    public ForwardedFor? Forwarded { get; init; }

    /// <summary>Metrics may be read here without a token.</summary>
    public bool UnauthenticatedMetrics { get; init; }
}
