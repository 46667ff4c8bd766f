using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Policy;

/// <summary>Why a request is allowed or not, for people. Immutable.</summary>
/// <param name="Operation">What was asked about.</param>
/// <param name="Path">What was asked about.</param>
/// <param name="Allowed">The answer, as far as conditions on parameters and wrapping do not change it.</param>
/// <param name="Sudo">Whether the caller has <c>sudo</c> on the path, which some paths need besides.</param>
/// <param name="Reason">Which kind of answer it is.</param>
/// <param name="Deciding">The rule that decides, or null when none matches (or none is needed).</param>
/// <param name="Others">Rules that match too, with why they do not decide; those of the highest priority first.</param>
/// <param name="Conditions">What else must hold for the request to be allowed.</param>
/// <param name="Hints">Guesses at a mistake.</param>
internal sealed record AclExplanation(
    Operation Operation,
    string Path,
    bool Allowed,
    bool Sudo,
    AclReason Reason,
    AclExplainedRule? Deciding,
    IReadOnlyList<AclExplainedRule> Others,
    IReadOnlyList<string> Conditions,
    IReadOnlyList<string> Hints
)
{
    /// <summary>The whole explanation as sentences.</summary>
    public IReadOnlyList<string> Sentences =>
        [.. Answer(), .. Others.Select(rule => $"{rule} matches too, but {rule.WhyNot}."), .. Conditions, .. Hints];

    private IEnumerable<string> Answer()
    {
        var verb = Operation.ToString().ToLowerInvariant();
        yield return $"{verb} on \"{Path}\" is {(Allowed ? "allowed" : "denied")}.";
        yield return Reason switch
        {
            AclReason.Root => "The root policy allows everything.",
            AclReason.Help => "Whoever has a token may read help.",
            AclReason.NoRule => "No rule of the policies matches the path, and what is not allowed is denied.",
            AclReason.Granted => $"{Deciding} decides, and allows {verb}.",
            AclReason.Denied => $"{Deciding} decides, and denies everything.",
            _ => $"{Deciding} decides, and does not allow {verb}.",
        };
    }
}

/// <summary>The kinds of answer.</summary>
internal enum AclReason
{
    Root,
    Help,
    Granted,
    Denied,
    MissingCapability,
    NoRule,
}

/// <summary>A rule in an explanation. Immutable.</summary>
/// <param name="Pattern">The path of the rule.</param>
/// <param name="Capabilities">What it allows, over all the policies that have it.</param>
/// <param name="Sources">Where it stands, and what it allows there.</param>
/// <param name="WhyNot">Why it does not decide, as the end of a sentence; null for the one that does.</param>
internal sealed record AclExplainedRule(
    string Pattern,
    IReadOnlyList<string> Capabilities,
    IReadOnlyList<AclSource> Sources,
    string? WhyNot
)
{
    public override string ToString()
    {
        var where = Sources.Select(source => $"policy {source.Policy}, line {source.Rule.Line}");
        return $"path \"{Pattern}\" [{string.Join(", ", Capabilities)}] ({string.Join("; ", where)})";
    }
}
