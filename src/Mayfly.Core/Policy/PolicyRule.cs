namespace Mayfly.Core.Policy;

/// <summary>One <c>path "…" { … }</c> of a policy. Immutable.</summary>
/// <param name="Path">As it was written, templates included.</param>
/// <param name="Line">Where it stands in the policy's text.</param>
/// <param name="Capabilities">What it allows; a denial stands alone.</param>
internal sealed record PolicyRule(string Path, int Line, CapabilitySet Capabilities)
{
    /// <summary>The parts of the path when it has templates, or null.</summary>
    public PathTemplate? Template { get; init; }

    /// <summary>The pattern when it has no templates, or null.</summary>
    public PathPattern? Pattern { get; init; }

    /// <summary>Bounds on the request's parameters, or null.</summary>
    public ParameterRules? Parameters { get; init; }

    /// <summary>With <see cref="CapabilitySet.Subscribe"/>: the types of events, with <c>*</c> for any text.</summary>
    public IReadOnlyList<string> EventTypes { get; init; } = [];

    /// <summary>The reply must be wrapped for at least this long; zero when it need not be.</summary>
    public TimeSpan MinWrappingTtl { get; init; }

    /// <summary>The reply must be wrapped for at most this long; zero when it need not be.</summary>
    public TimeSpan MaxWrappingTtl { get; init; }
}
