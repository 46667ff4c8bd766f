using Mayfly.Hcl;

namespace Mayfly.Core.Policy;

/// <summary>Turns a <c>path</c> block into a rule.</summary>
internal static class PolicyRuleReader
{
    /// <summary>Exactly one of the two results is null.</summary>
    public static (PolicyRule? Rule, HclError? Error) Read(HclBlock block)
    {
        var fields = new HclFields(block.Body);
        fields.String("comment");
        var capabilities = ReadCapabilities(fields);
        var parameters = ReadParameters(fields);
        var eventTypes = fields.Strings("subscribe_event_types") ?? [];
        var minimum = fields.Duration("min_wrapping_ttl") ?? TimeSpan.Zero;
        var maximum = fields.Duration("max_wrapping_ttl") ?? TimeSpan.Zero;
        if (minimum > TimeSpan.Zero && maximum > TimeSpan.Zero && maximum < minimum)
        {
            fields.Fail(block.Position, "max_wrapping_ttl is less than min_wrapping_ttl");
        }

        RefuseUnsupported(block.Body, fields);
        if (fields.Finish() is { } error)
        {
            return (null, error);
        }

        var rule = new PolicyRule(block.Label, block.Position.Line, capabilities)
        {
            Parameters = parameters,
            EventTypes = eventTypes,
            MinWrappingTtl = minimum,
            MaxWrappingTtl = maximum,
        };
        var (template, problem) = PathTemplate.Parse(block.Label);
        if (problem is null && template is null)
        {
            (var pattern, problem) = PathPattern.Parse(block.Label);
            rule = rule with { Pattern = pattern };
        }

        return problem is null
            ? (rule with { Template = template }, null)
            : (null, new HclError(block.Position, problem));
    }

    /// <summary>
    /// Settings that would narrow what the rule allows, and that this server does not enforce. To accept and ignore them
    /// would allow more than the policy's author meant.
    /// </summary>
    private static void RefuseUnsupported(HclBody body, HclFields fields)
    {
        foreach (
            var key in (ReadOnlySpan<string>)
                [
                    "mfa_methods",
                    "control_group",
                    "pagination_limit",
                    "expiration",
                    "list_scan_response_keys_filter_path",
                ]
        )
        {
            if (body.Find(key) is { } item)
            {
                fields.Fail(
                    item.Value.Position,
                    $"{key} is not supported by this server, and ignoring it would allow too much"
                );
            }
        }
    }

    private static CapabilitySet ReadCapabilities(HclFields fields)
    {
        var set = CapabilitySet.None;
        var listed = fields.Value("capabilities") as HclList;
        var names = fields.Strings("capabilities") ?? [];
        for (var i = 0; i < names.Count && fields.Problem is null; i++)
        {
            var capability = CapabilityNames.Find(names[i]);
            set |= capability;
            if (capability == CapabilitySet.None)
            {
                var shown = names[i].Length <= 64 ? names[i] : names[i][..64] + "…";
                fields.Fail(
                    listed!.Items[i].Position,
                    $"invalid capability \"{shown}\"; there are: {CapabilityNames.All}"
                );
            }
        }

        if (fields.String("policy") is { Length: > 0 } legacy)
        {
            var capabilities = CapabilityNames.OfLegacy(legacy);
            set |= capabilities;
            if (capabilities == CapabilitySet.None)
            {
                fields.Fail(fields.Value("policy")!.Position, "invalid policy; there are: read, write, sudo, deny");
            }
        }

        return set.Has(CapabilitySet.Deny) ? CapabilitySet.Deny : set;
    }

    private static ParameterRules? ReadParameters(HclFields fields)
    {
        var allowed = ReadValues(fields, "allowed_parameters");
        var denied = ReadValues(fields, "denied_parameters");
        var required = fields.Strings("required_parameters") ?? [];
        return allowed is null && denied is null && required.Count == 0
            ? null
            : new ParameterRules(allowed, denied, [.. required.Select(name => name.ToLowerInvariant()).Distinct()]);
    }

    private static Dictionary<string, IReadOnlyList<HclValue>>? ReadValues(HclFields fields, string key)
    {
        if (fields.Object(key) is not { } body)
        {
            return null;
        }

        var values = new Dictionary<string, IReadOnlyList<HclValue>>(StringComparer.OrdinalIgnoreCase);
        foreach (var item in body.Items)
        {
            if (item.Value is not HclList list || item.Labels.Count > 0)
            {
                fields.Fail(item.Position, $"{key}: expected a list of values; [] stands for any value");
            }
            else if (item.Key == ParameterRules.Any && list.Items.Count > 0)
            {
                fields.Fail(item.Position, $"{key}: \"*\" stands for all other parameters, and takes [] only");
            }
            else if (!values.TryAdd(item.Key.ToLowerInvariant(), list.Items))
            {
                fields.Fail(item.Position, $"{key}: a parameter is given twice");
            }
        }

        return values;
    }
}
