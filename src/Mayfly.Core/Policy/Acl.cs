using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Policy;

/// <summary>The compiled policies of one token. Immutable; safe for concurrent use.</summary>
public sealed class Acl
{
    private static readonly IReadOnlyList<string> RootOnly = ["root"];

    /// <summary>Null for root.</summary>
    private readonly AclIndex? _index;

    private Acl(AclIndex? index, IReadOnlyList<AclSource> unresolved)
    {
        _index = index;
        Unresolved = unresolved;
    }

    /// <summary>May do everything.</summary>
    public static Acl Root { get; } = new(null, []);

    /// <summary>May do nothing.</summary>
    public static Acl Nothing { get; } = new(new AclIndex([]), []);

    /// <summary>May do everything, because one of its policies is <c>root</c>.</summary>
    public bool IsRoot => _index is null;

    /// <summary>Rules in order of priority; none for root.</summary>
    internal IReadOnlyList<AclRule> Rules => _index?.All ?? [];

    /// <summary>Rules whose templates have no value for this identity, so that they match nothing.</summary>
    internal IReadOnlyList<AclSource> Unresolved { get; }

    /// <summary>Compiles policies for the tokens that have them.</summary>
    internal static Acl Compile(IEnumerable<PolicyDocument> policies, PolicyIdentity? identity = null)
    {
        var unresolved = new List<AclSource>();
        var byPattern = new Dictionary<string, (PathPattern Pattern, List<AclSource> Sources)>(StringComparer.Ordinal);
        foreach (var policy in policies)
        {
            if (policy.Name == PolicyNames.Root)
            {
                return Root;
            }

            foreach (var rule in policy.Rules)
            {
                var source = new AclSource(policy.Name, rule);
                if (PatternFor(rule, identity ?? PolicyIdentity.None) is not { } pattern)
                {
                    unresolved.Add(source);
                }
                else if (byPattern.TryGetValue(pattern.Text, out var known))
                {
                    known.Sources.Add(source);
                }
                else
                {
                    byPattern.Add(pattern.Text, (pattern, [source]));
                }
            }
        }

        var rules = byPattern.Values.Select(group => AclRule.Merge(group.Pattern, group.Sources));
        return new Acl(new AclIndex([.. rules]), unresolved);
    }

    /// <summary>Decides one request. Does not allocate when no parameter rule applies.</summary>
    /// <param name="operation">What is wanted.</param>
    /// <param name="path">The whole path, as in policies: <c>secret/data/app</c>; a LIST ends with a slash.</param>
    /// <param name="body">The body, for parameter rules.</param>
    /// <param name="wrapTtl">The requested wrapping, for its bounds.</param>
    /// <param name="query">The query's parameters, for parameter rules.</param>
    public AclDecision Decide(
        Operation operation,
        string path,
        JsonElement? body,
        TimeSpan? wrapTtl,
        IReadOnlyDictionary<string, string>? query = null
    )
    {
        if (_index is null)
        {
            return new AclDecision(true, true, RootOnly);
        }

        if (operation == Operation.Help)
        {
            return AclDecision.NotNeeded;
        }

        return _index.Find(path, operation == Operation.List)?.Decide(operation, body, wrapTtl, query)
            ?? AclDecision.Denied;
    }

    /// <summary>Whether events of that type about <paramref name="path"/> may be told, whether it may be read or not.</summary>
    public bool MaySubscribe(string path, string eventType) =>
        _index is null || _index.Find(path, isList: false)?.MaySubscribe(eventType) == true;

    /// <summary>
    /// Whether some rule allows something at or below <paramref name="prefix"/> (a mount's path, which ends with a slash):
    /// what a caller must have to learn that the mount is there.
    /// </summary>
    public bool AllowsBelow(string prefix) =>
        _index is null
        || _index.All.Any(rule =>
            rule.Allowed is not (CapabilitySet.None or CapabilitySet.Deny)
            && (
                rule.Pattern.Head.StartsWith(prefix, StringComparison.Ordinal)
                || (!rule.Pattern.IsExact && prefix.StartsWith(rule.Pattern.Head, StringComparison.Ordinal))
            )
        );

    /// <summary>The names of the capabilities on <paramref name="path"/>, as <c>sys/capabilities</c> gives them.</summary>
    public IReadOnlyList<string> Capabilities(string path) =>
        _index is null ? RootOnly : CapabilityNames.Of(_index.Find(path, isList: true)?.Allowed ?? CapabilitySet.None);

    /// <summary>Says which rule of which policy decides, and why others do not. Slow; for people.</summary>
    internal AclExplanation Explain(Operation operation, string path) => AclExplainer.Explain(this, operation, path);

    private static PathPattern? PatternFor(PolicyRule rule, PolicyIdentity identity) =>
        rule.Template is null ? rule.Pattern
        : rule.Template.Resolve(identity) is { } path ? PathPattern.Parse(path).Pattern
        : null;
}
