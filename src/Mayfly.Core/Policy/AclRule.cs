using System.Numerics;
using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Policy;

/// <summary>All rules of the policies on one pattern, merged: what they allow together, and a denial wins. Immutable.</summary>
internal sealed class AclRule
{
    private readonly IReadOnlyList<string>[] _granting;
    private readonly TypePattern[] _eventTypes = [];
    private readonly ParameterRules? _parameters;
    private readonly TimeSpan _minimum;
    private readonly TimeSpan _maximum;

    private AclRule(PathPattern pattern, IReadOnlyList<AclSource> sources)
    {
        Pattern = pattern;
        Sources = sources;
        _granting = new IReadOnlyList<string>[BitOperations.Log2((uint)CapabilitySet.Deny)];
        Array.Fill(_granting, []);
        foreach (var source in sources)
        {
            Allowed |= source.Rule.Capabilities;
        }

        if (Allowed.Has(CapabilitySet.Deny))
        {
            Allowed = CapabilitySet.Deny;
            return;
        }

        for (var bit = 0; bit < _granting.Length; bit++)
        {
            _granting[bit] =
            [
                .. sources
                    .Where(source => ((int)source.Rule.Capabilities & (1 << bit)) != 0)
                    .Select(source => source.Policy)
                    .Distinct(StringComparer.Ordinal),
            ];
        }

        _eventTypes =
        [
            .. sources
                .Where(source => source.Rule.Capabilities.Has(CapabilitySet.Subscribe))
                .SelectMany(source => source.Rule.EventTypes)
                .Distinct(StringComparer.Ordinal)
                .Select(type => new TypePattern(type)),
        ];
        foreach (var (_, rule) in sources)
        {
            _parameters = ParameterRules.Merge(_parameters, rule.Parameters);
            _minimum = Lower(_minimum, rule.MinWrappingTtl);
            _maximum = Lower(_maximum, rule.MaxWrappingTtl);
        }
    }

    public PathPattern Pattern { get; }

    /// <summary>Where it comes from.</summary>
    public IReadOnlyList<AclSource> Sources { get; }

    /// <summary>What it allows; a denial stands alone.</summary>
    public CapabilitySet Allowed { get; }

    public ParameterRules? Parameters => _parameters;

    public TimeSpan MinWrappingTtl => _minimum;

    public TimeSpan MaxWrappingTtl => _maximum;

    public static AclRule Merge(PathPattern pattern, IReadOnlyList<AclSource> sources) => new(pattern, sources);

    public AclDecision Decide(
        Operation operation,
        JsonElement? body,
        TimeSpan? wrapTtl,
        IReadOnlyDictionary<string, string>? query
    )
    {
        var sudo = Allowed.Has(CapabilitySet.Sudo);
        var needed = Needed(operation);
        return !Allowed.Has(needed) || Refuse(operation, body, wrapTtl, query) is not null
            ? new AclDecision(false, sudo, [])
            : new AclDecision(true, sudo, _granting[BitOperations.TrailingZeroCount((uint)needed)]);
    }

    /// <summary>Whether events of that type, about the path that this rule decides for, may be told without the right to read.</summary>
    public bool MaySubscribe(string eventType)
    {
        foreach (var pattern in _eventTypes)
        {
            if (pattern.Matches(eventType))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The capability that an operation needs.</summary>
    public static CapabilitySet Needed(Operation operation) =>
        operation switch
        {
            Operation.Read => CapabilitySet.Read,
            Operation.List => CapabilitySet.List,
            Operation.Create => CapabilitySet.Create,
            Operation.Update => CapabilitySet.Update,
            Operation.Patch => CapabilitySet.Patch,
            Operation.Delete => CapabilitySet.Delete,
            _ => CapabilitySet.None,
        };

    /// <summary>Why a request that has the capability is refused all the same, or null. Does not allocate without parameter rules.</summary>
    public string? Refuse(
        Operation operation,
        JsonElement? body,
        TimeSpan? wrapTtl,
        IReadOnlyDictionary<string, string>? query
    )
    {
        // After a merge the lowest maximum may lie below the lowest minimum; then nothing fits, as in Vault.
        if (_maximum > TimeSpan.Zero && !(wrapTtl <= _maximum))
        {
            return "the reply must be wrapped, and not for longer than max_wrapping_ttl";
        }

        if (_minimum > TimeSpan.Zero && !(wrapTtl >= _minimum))
        {
            return "the reply must be wrapped, for at least min_wrapping_ttl";
        }

        // Only reads take fields from the query; what a write has there must not count as sent.
        return _parameters is null || operation is Operation.List or Operation.Delete
            ? null
            : _parameters.Refuse(body, operation == Operation.Read ? query : null);
    }

    private static TimeSpan Lower(TimeSpan first, TimeSpan second) =>
        first == TimeSpan.Zero ? second
        : second == TimeSpan.Zero || first < second ? first
        : second;
}

/// <summary>A rule with the name of the policy that it stands in.</summary>
internal readonly record struct AclSource(string Policy, PolicyRule Rule);
