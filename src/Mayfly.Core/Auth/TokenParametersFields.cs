using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Auth;

/// <content>The fields on the wire: what a role takes, and the checks.</content>
public sealed partial record TokenParameters
{
    private const string Prefix = "token_";

    /// <summary>What every path that sets token parameters declares.</summary>
    public static IReadOnlyList<FieldSpec> Fields { get; } =
    [
        new("token_bound_cidrs", FieldType.StringList, "Addresses or networks that the token may be used from."),
        new(
            "token_explicit_max_ttl",
            FieldType.Duration,
            "A lifetime that no renewal and no period can exceed; zero means none."
        ),
        new("token_max_ttl", FieldType.Duration, "The longest life by renewals; zero means the mount's."),
        new("token_no_default_policy", FieldType.Bool, "Leave the policy \"default\" out."),
        new("token_num_uses", FieldType.Int, "How many requests the token is good for; zero means without limit."),
        new(
            "token_period",
            FieldType.Duration,
            "Each renewal gives this much again, without a maximum; zero means that the token is not periodic."
        ),
        new("token_policies", FieldType.StringList, "Names of the token's policies."),
        new("token_strictly_bind_ip", FieldType.Bool, "Bind the token to the address that logs in."),
        new("token_ttl", FieldType.Duration, "The first life; zero means the mount's."),
        new(
            "token_type",
            FieldType.String,
            "The kind of token: default, service, batch, default-service or default-batch."
        ),
    ];

    /// <summary>The field called <paramref name="name"/>, for paths that set one alone.</summary>
    public static FieldSpec Field(string name) => Fields.Single(field => field.Name == name);

    /// <summary>Declares older names of the fields: <c>ttl</c> for <c>token_ttl</c>.</summary>
    public static IEnumerable<FieldSpec> OlderFields(params IEnumerable<string> olderNames) =>
        olderNames.Select(older =>
            Field(Prefix + older) with
            {
                Name = older,
                Description = $"Older name of {Prefix}{older}.",
            }
        );

    /// <summary>These parameters with what was sent put in place; what was not sent stays.</summary>
    /// <param name="fields">The request's fields.</param>
    /// <param name="olderNames">The older names that the path declares; the new name wins where both were sent.</param>
    /// <returns>The new parameters, or the reason why they cannot be.</returns>
    public (TokenParameters? Parameters, Fault? Fault) Apply(
        FieldValues fields,
        IReadOnlyCollection<string>? olderNames = null
    )
    {
        var sent = new Sent(fields, olderNames ?? []);
        var next = this with
        {
            Ttl = sent.Duration("ttl") ?? Ttl,
            MaxTtl = sent.Duration("max_ttl") ?? MaxTtl,
            ExplicitMaxTtl = sent.Duration("explicit_max_ttl") ?? ExplicitMaxTtl,
            Period = sent.Duration("period") ?? Period,
            StrictlyBindIp = sent.Bool("strictly_bind_ip") ?? StrictlyBindIp,
            NoDefaultPolicy = sent.Bool("no_default_policy") ?? NoDefaultPolicy,
            NumUses = sent.Count("num_uses") ?? NumUses,
            Type = sent.TokenType("type") ?? Type,
            Policies = sent.Policies("policies") ?? Policies,
            BoundCidrs = sent.Cidrs("bound_cidrs") ?? BoundCidrs,
            OlderNames =
            [
                .. OlderNames.Where(name => !sent.Renewed(name)).Union(sent.OlderUsed).Order(StringComparer.Ordinal),
            ],
        };
        var problem = sent.Problem ?? next.Contradiction();
        return problem is null ? (next, null) : (null, Fault.Invalid(problem));
    }

    /// <summary>The names of policies as they are kept: trimmed, in lower case, sorted, each once; "root" stands alone.</summary>
    public static IReadOnlyList<string> NormalizePolicies(IEnumerable<string> names)
    {
        var kept = names
            .Select(name => name.Trim().ToLowerInvariant())
            .Where(name => name.Length > 0)
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToList();
        return kept.Contains("root") ? ["root"] : kept;
    }

    private string? Contradiction() =>
        Ttl > MaxTtl && MaxTtl > TimeSpan.Zero ? "'token_ttl' cannot be greater than 'token_max_ttl'"
        : Type != "batch" ? null
        : Period > TimeSpan.Zero ? "'token_type' cannot be 'batch' when set to generate periodic tokens"
        : NumUses > 0 ? "'token_type' cannot be 'batch' when set to generate tokens with limited use count"
        : null;

    /// <summary>What a request sent, under the new names or the older ones. Remembers the first problem.</summary>
    private sealed class Sent(FieldValues fields, IReadOnlyCollection<string> olderNames)
    {
        public string? Problem { get; private set; }

        public List<string> OlderUsed { get; } = [];

        /// <summary>Whether the field was set under its new name, which ends the use of the older one.</summary>
        public bool Renewed(string olderName) => fields.Has(Prefix + olderName);

        public TimeSpan? Duration(string name)
        {
            if (NameOf(name) is not { } sent)
            {
                return null;
            }

            // Replies count in whole seconds, and a fraction that was cut off to zero would mean "the longest".
            var value = fields.Duration(sent);
            return value.Ticks % TimeSpan.TicksPerSecond == 0 ? value : Fail(value, $"'{sent}' must be whole seconds");
        }

        public bool? Bool(string name) => NameOf(name) is { } sent ? fields.Bool(sent) : null;

        public int? Count(string name)
        {
            if (NameOf(name) is not { } sent)
            {
                return null;
            }

            return fields.Int(sent) switch
            {
                < 0 => Fail(0, $"'{sent}' cannot be negative"),
                > int.MaxValue => Fail(0, $"'{sent}' is too large"),
                var value => (int)value,
            };
        }

        public string? TokenType(string name)
        {
            if (NameOf(name) is not { } sent)
            {
                return null;
            }

            return fields.String(sent) switch
            {
                "" => "default",
                "default" or "service" or "batch" or "default-service" or "default-batch" => fields.String(sent),
                _ => Fail("", $"'{sent}' must be default, service, batch, default-service or default-batch"),
            };
        }

        public IReadOnlyList<string>? Policies(string name)
        {
            if (NameOf(name) is not { } sent)
            {
                return null;
            }

            var names = NormalizePolicies(fields.StringList(sent));
            return names.Any(policy => policy.Any(char.IsControl))
                ? Fail(names, $"'{sent}' has a name with a control character")
                : names;
        }

        public IReadOnlyList<string>? Cidrs(string name)
        {
            if (NameOf(name) is not { } sent)
            {
                return null;
            }

            return Cidr.Normalize(fields.StringList(sent), out var bad, dropWholeLength: true)
                ?? Fail<IReadOnlyList<string>>([], $"'{sent}' has something that is no address or network: {bad}");
        }

        private string? NameOf(string name)
        {
            if (fields.Has(Prefix + name))
            {
                return Prefix + name;
            }

            if (!olderNames.Contains(name) || !fields.Has(name))
            {
                return null;
            }

            OlderUsed.Add(name);
            return name;
        }

        private T Fail<T>(T instead, string problem)
        {
            Problem ??= problem;
            return instead;
        }
    }
}
