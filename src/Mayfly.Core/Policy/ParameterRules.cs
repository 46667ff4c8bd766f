using System.Text.Json;
using Mayfly.Hcl;

namespace Mayfly.Core.Policy;

/// <summary>
/// What a rule says of a request's parameters. A list without values stands for any value. Names are compared without
/// regard to case, so that a refused parameter cannot be sent under another spelling. Immutable.
/// </summary>
internal sealed class ParameterRules
{
    /// <summary>The name that stands for all parameters which are not named.</summary>
    public const string Any = "*";

    public ParameterRules(
        IReadOnlyDictionary<string, IReadOnlyList<HclValue>>? allowed,
        IReadOnlyDictionary<string, IReadOnlyList<HclValue>>? denied,
        IReadOnlyList<string> required
    )
    {
        Allowed = allowed;
        Denied = denied;
        Required = required;
    }

    /// <summary>Parameters that may be sent; null or empty when all may.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<HclValue>>? Allowed { get; }

    /// <summary>Parameters that may not be sent; they win over <see cref="Allowed"/>.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<HclValue>>? Denied { get; }

    /// <summary>Parameters that must be sent, in lower case.</summary>
    public IReadOnlyList<string> Required { get; }

    /// <summary>The rules of two rules on one pattern: each gives what it gives, and "any value" swallows the rest.</summary>
    public static ParameterRules? Merge(ParameterRules? first, ParameterRules? second)
    {
        if (first is null || second is null)
        {
            return first ?? second;
        }

        return new ParameterRules(
            Merge(first.Allowed, second.Allowed),
            Merge(first.Denied, second.Denied),
            [.. first.Required.Union(second.Required, StringComparer.Ordinal)]
        );
    }

    /// <summary>Null when the request may be made, or why it may not.</summary>
    public string? Refuse(JsonElement? body, IReadOnlyDictionary<string, string>? query)
    {
        try
        {
            return Find(body, query);
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair in a JSON string is noticed only when the text is asked for.
            return "a parameter is not valid text";
        }
    }

    private string? Find(JsonElement? body, IReadOnlyDictionary<string, string>? query)
    {
        foreach (var name in Required)
        {
            if (
                !(body is { ValueKind: JsonValueKind.Object } sent && sent.TryGetProperty(name, out _))
                && query?.ContainsKey(name) != true
            )
            {
                return $"the parameter {name} is required";
            }
        }

        if (body is { ValueKind: JsonValueKind.Object } members)
        {
            foreach (var member in members.EnumerateObject())
            {
                if (Refuse(member.Name, new ParameterValue(member.Value)) is { } reason)
                {
                    return reason;
                }
            }
        }

        foreach (var (name, value) in query ?? NoQuery)
        {
            if (Refuse(name, new ParameterValue(value)) is { } reason)
            {
                return reason;
            }
        }

        return null;
    }

    private static readonly Dictionary<string, string> NoQuery = [];

    private string? Refuse(string name, ParameterValue value)
    {
        if (Denied is { Count: > 0 } denied)
        {
            if (denied.ContainsKey(Any))
            {
                return "all parameters are denied";
            }

            if (denied.TryGetValue(name, out var refused) && value.IsDeniedBy(refused))
            {
                return refused.Count == 0
                    ? $"the parameter {Shown(name)} is denied"
                    : $"this value of the parameter {Shown(name)} is denied";
            }
        }

        if (Allowed is not { Count: > 0 } allowed)
        {
            return null;
        }

        if (allowed.TryGetValue(name, out var permitted))
        {
            return value.IsAllowedBy(permitted) ? null : $"this value of the parameter {Shown(name)} is not allowed";
        }

        return allowed.ContainsKey(Any) ? null : $"the parameter {Shown(name)} is not among the allowed ones";
    }

    private static string Shown(string name) => name.Length <= 64 ? name : name[..64] + "…";

    private static IReadOnlyDictionary<string, IReadOnlyList<HclValue>>? Merge(
        IReadOnlyDictionary<string, IReadOnlyList<HclValue>>? first,
        IReadOnlyDictionary<string, IReadOnlyList<HclValue>>? second
    )
    {
        if (first is null || second is null)
        {
            return first ?? second;
        }

        var merged = new Dictionary<string, IReadOnlyList<HclValue>>(first, StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in second)
        {
            merged[name] =
                !merged.TryGetValue(name, out var known) ? values
                : known.Count == 0 || values.Count == 0 ? []
                : [.. values, .. known];
        }

        return merged;
    }
}
