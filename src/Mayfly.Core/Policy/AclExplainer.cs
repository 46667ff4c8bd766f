using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Policy;

/// <summary>Finds out why an <see cref="Acl"/> decides as it does. Slow and thorough.</summary>
internal static class AclExplainer
{
    private const string Also = "A rule covers \"";

    public static AclExplanation Explain(Acl acl, Operation operation, string path)
    {
        path = path.TrimStart('/');
        var decision = acl.Decide(operation, path, body: null, wrapTtl: null);
        if (acl.IsRoot || operation == Operation.Help)
        {
            var reason = acl.IsRoot ? AclReason.Root : AclReason.Help;
            return new(operation, path, Allowed: true, decision.Sudo, reason, Deciding: null, [], [], []);
        }

        var isList = operation == Operation.List;
        var matching = acl.Rules.Where(rule => AclIndex.Covers(rule.Pattern, path, isList)).ToList();
        if (matching.Count == 0)
        {
            var nothing = NearMisses(acl, operation, path).Concat(Unresolved(acl, path));
            return new(operation, path, Allowed: false, Sudo: false, AclReason.NoRule, null, [], [], [.. nothing]);
        }

        // Conditions on wrapping or parameters can refuse a request that the capability allows, so the decision above, which
        // was made without either, is not the answer: the capability is, and the conditions are told.
        var deciding = matching[0];
        var allowed = deciding.Allowed.Has(AclRule.Needed(operation));
        return new AclExplanation(
            operation,
            path,
            allowed,
            deciding.Allowed.Has(CapabilitySet.Sudo),
            allowed ? AclReason.Granted
                : deciding.Allowed.Has(CapabilitySet.Deny) ? AclReason.Denied
                : AclReason.MissingCapability,
            Explained(deciding, whyNot: null),
            [.. matching.Skip(1).Select(rule => Explained(rule, rule.Pattern.WhyItLosesTo(deciding.Pattern)))],
            allowed ? [.. Conditions(deciding, operation, path)] : [],
            [.. (allowed ? [] : NearMisses(acl, operation, path)), .. Unresolved(acl, path)]
        );
    }

    private static AclExplainedRule Explained(AclRule rule, string? whyNot) =>
        new(rule.Pattern.Text, CapabilityNames.Of(rule.Allowed), rule.Sources, whyNot);

    private static IEnumerable<string> Conditions(AclRule rule, Operation operation, string path)
    {
        if (operation == Operation.Update && !rule.Allowed.Has(CapabilitySet.Create))
        {
            yield return "A write where nothing is yet may need create, which this rule does not allow.";
        }
        else if (operation == Operation.Create && !rule.Allowed.Has(CapabilitySet.Update))
        {
            yield return "A write where something is already needs update, which this rule does not allow.";
        }

        // Which paths demand it is known to the engines, not to policies.
        var mayDemandSudo =
            path.StartsWith("sys/", StringComparison.Ordinal) || path.StartsWith("auth/", StringComparison.Ordinal);
        if (mayDemandSudo && !rule.Allowed.Has(CapabilitySet.Sudo))
        {
            yield return "A path that demands sudo is denied all the same: this rule does not give it.";
        }

        if (rule.MinWrappingTtl > TimeSpan.Zero)
        {
            yield return $"The reply must be wrapped for at least {rule.MinWrappingTtl.TotalSeconds:0} seconds.";
        }

        if (rule.MaxWrappingTtl > TimeSpan.Zero)
        {
            yield return $"The reply must be wrapped for at most {rule.MaxWrappingTtl.TotalSeconds:0} seconds.";
        }

        if (rule.Parameters is not { } parameters || operation is Operation.List or Operation.Delete)
        {
            yield break;
        }

        if (parameters.Required.Count > 0)
        {
            yield return $"These parameters must be sent: {string.Join(", ", parameters.Required)}.";
        }

        if (parameters.Denied is { Count: > 0 } denied)
        {
            yield return $"These parameters are denied, or some of their values are: {Names(denied.Keys)}.";
        }

        if (parameters.Allowed is { Count: > 0 } allowed)
        {
            yield return $"Only these parameters are allowed, and perhaps only some values: {Names(allowed.Keys)}.";
        }
    }

    private static string Names(IEnumerable<string> names) => string.Join(", ", names.Order(StringComparer.Ordinal));

    /// <summary>Paths beside the one that was asked about which the policies do allow, where people often go wrong.</summary>
    private static IEnumerable<string> NearMisses(Acl acl, Operation operation, string path)
    {
        var segments = path.Split('/');
        for (var i = 1; i < Math.Min(segments.Length, 4); i++)
        {
            if (segments[i] is "data" or "metadata" && segments.Length > i + 1)
            {
                var without = string.Join('/', [.. segments[..i], .. segments[(i + 1)..]]);
                if (Allows(acl, operation, without))
                {
                    yield return $"{Also}{without}\"; where \"{string.Join('/', segments[..i])}/\" is key-value version 2, "
                        + $"the rule's path needs \"{segments[i]}/\" in it.";
                }

                continue;
            }

            foreach (var inserted in (string[])["data", "metadata"])
            {
                var with = string.Join('/', [.. segments[..i], inserted, .. segments[i..]]);
                if (Allows(acl, operation, with))
                {
                    yield return $"{Also}{with}\", which is where key-value version 2 keeps \"{path}\".";
                }
            }
        }

        if (!path.EndsWith('/') && Allows(acl, operation, path + "/"))
        {
            yield return $"{Also}{path}/\": a pattern that ends with \"/*\" does not match the path before its slash.";
        }
    }

    private static bool Allows(Acl acl, Operation operation, string path) =>
        acl.Rules.FirstOrDefault(rule => AclIndex.Covers(rule.Pattern, path, operation == Operation.List)) is { } rule
        && rule.Allowed.Has(AclRule.Needed(operation));

    private static IEnumerable<string> Unresolved(Acl acl, string path) =>
        acl
            .Unresolved.Where(source => path.StartsWith(source.Rule.Template!.Head, StringComparison.Ordinal))
            .Select(source =>
                $"path \"{source.Rule.Path}\" (policy {source.Policy}, line {source.Rule.Line}) matches nothing: "
                + "this token has no usable value for its template."
            );
}
