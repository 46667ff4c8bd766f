using System.Text;
using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Auth.Token;

/// <summary>A token role: what tokens made through it may be. Immutable.</summary>
internal sealed record TokenRole
{
    public static IReadOnlyList<FieldSpec> Fields { get; } =
    [
        new("role_name", FieldType.String, "Name of the role."),
        new("allowed_policies", FieldType.StringList, "Policies that tokens may have; others are refused."),
        new("allowed_policies_glob", FieldType.StringList, "Like allowed_policies, with * at either end."),
        new("disallowed_policies", FieldType.StringList, "Policies that tokens may not have."),
        new("disallowed_policies_glob", FieldType.StringList, "Like disallowed_policies, with * at either end."),
        new("orphan", FieldType.Bool, "Tokens have no parent, and outlive the one that made them."),
        new("renewable", FieldType.Bool, "Tokens can be renewed."),
        new("path_suffix", FieldType.String, "Is added to the path of the tokens, to tell them apart."),
        new("allowed_entity_aliases", FieldType.StringList, "Names of entity aliases that tokens may have."),
        .. TokenParameters.Fields.Select(field => field with { Ignored = field.Name is "token_policies" }),
        .. TokenParameters.OlderFields("explicit_max_ttl", "period", "bound_cidrs"),
    ];

    public required string Name { get; init; }

    public IReadOnlyList<string> AllowedPolicies { get; init; } = [];

    public IReadOnlyList<string> AllowedPoliciesGlob { get; init; } = [];

    public IReadOnlyList<string> DisallowedPolicies { get; init; } = [];

    public IReadOnlyList<string> DisallowedPoliciesGlob { get; init; } = [];

    public bool Orphan { get; init; }

    public bool Renewable { get; init; } = true;

    public string PathSuffix { get; init; } = "";

    public IReadOnlyList<string> AllowedEntityAliases { get; init; } = [];

    public TokenParameters Parameters { get; init; } = new() { Type = "default-service" };

    /// <summary>The role with what was sent put in place.</summary>
    public (TokenRole? Role, Fault? Fault) Apply(FieldValues fields)
    {
        var (parameters, fault) = Parameters.Apply(fields, ["explicit_max_ttl", "period", "bound_cidrs"]);
        if (parameters is null)
        {
            return (null, fault);
        }

        var suffix = fields.StringOrNull("path_suffix") ?? PathSuffix;
        if (suffix.Length > 256 || suffix.Any(c => !(char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')))
        {
            return (null, Fault.Invalid("path_suffix may hold letters, digits, - _ and ."));
        }

        return (
            this with
            {
                AllowedPolicies = Names(fields, "allowed_policies") ?? AllowedPolicies,
                AllowedPoliciesGlob = Names(fields, "allowed_policies_glob") ?? AllowedPoliciesGlob,
                DisallowedPolicies = Names(fields, "disallowed_policies") ?? DisallowedPolicies,
                DisallowedPoliciesGlob = Names(fields, "disallowed_policies_glob") ?? DisallowedPoliciesGlob,
                Orphan = fields.BoolOrNull("orphan") ?? Orphan,
                Renewable = fields.BoolOrNull("renewable") ?? Renewable,
                PathSuffix = suffix,
                AllowedEntityAliases = fields.StringListOrNull("allowed_entity_aliases") ?? AllowedEntityAliases,
                Parameters = parameters,
            },
            null
        );
    }

    /// <summary>Why a token of this role may not have those policies, or null.</summary>
    public string? Problem(IEnumerable<string> policies)
    {
        foreach (var policy in policies)
        {
            if (Matches(policy, DisallowedPolicies, DisallowedPoliciesGlob))
            {
                return $"token policy \"{policy}\" is disallowed by this role";
            }

            if (
                AllowedPolicies.Count + AllowedPoliciesGlob.Count > 0
                && policy != "default"
                && !Matches(policy, AllowedPolicies, AllowedPoliciesGlob)
            )
            {
                return $"token policies ({policy}) must be subset of the role's allowed policies";
            }
        }

        return null;
    }

    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteString("name", Name);
        TokenParameters.WriteStrings(writer, "allowed_policies", AllowedPolicies);
        TokenParameters.WriteStrings(writer, "allowed_policies_glob", AllowedPoliciesGlob);
        TokenParameters.WriteStrings(writer, "disallowed_policies", DisallowedPolicies);
        TokenParameters.WriteStrings(writer, "disallowed_policies_glob", DisallowedPoliciesGlob);
        TokenParameters.WriteStrings(writer, "allowed_entity_aliases", AllowedEntityAliases);
        writer.WriteBoolean("orphan", Orphan);
        writer.WriteBoolean("renewable", Renewable);
        writer.WriteString("path_suffix", PathSuffix);
        foreach (var field in TokenParameters.Fields.Where(field => field.Name is not "token_policies"))
        {
            Parameters.WriteTo(writer, field.Name);
        }

        // Vault shows these three under their older names in every case, and Terraform reads them there.
        writer.WriteNumber("explicit_max_ttl", (long)Parameters.ExplicitMaxTtl.TotalSeconds);
        writer.WriteNumber("period", (long)Parameters.Period.TotalSeconds);
    }

    public byte[] Encode()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Json.WriterOptions))
        {
            writer.WriteStartObject();
            WriteTo(writer);
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    public static TokenRole Decode(SecretBytes stored)
    {
        using var document = JsonDocument.Parse(Encoding.UTF8.GetString(stored.Span));
        var root = document.RootElement;
        return new TokenRole
        {
            Name = root.GetProperty("name").GetString()!,
            AllowedPolicies = TokenParameters.Strings(root, "allowed_policies"),
            AllowedPoliciesGlob = TokenParameters.Strings(root, "allowed_policies_glob"),
            DisallowedPolicies = TokenParameters.Strings(root, "disallowed_policies"),
            DisallowedPoliciesGlob = TokenParameters.Strings(root, "disallowed_policies_glob"),
            AllowedEntityAliases = TokenParameters.Strings(root, "allowed_entity_aliases"),
            Orphan = root.GetProperty("orphan").GetBoolean(),
            Renewable = root.GetProperty("renewable").GetBoolean(),
            PathSuffix = root.GetProperty("path_suffix").GetString()!,
            Parameters = TokenParameters.ReadFrom(root),
        };
    }

    private static IReadOnlyList<string>? Names(FieldValues fields, string name) =>
        fields.StringListOrNull(name) is { } names ? TokenParameters.NormalizePolicies(names) : null;

    private static bool Matches(string policy, IReadOnlyList<string> exact, IReadOnlyList<string> globs) =>
        exact.Contains(policy, StringComparer.Ordinal) || globs.Any(glob => Glob(glob, policy));

    private static bool Glob(string glob, string text)
    {
        var core = glob.AsSpan().Trim('*');
        return (glob.StartsWith('*'), glob.EndsWith('*')) switch
        {
            (true, true) => text.AsSpan().Contains(core, StringComparison.Ordinal),
            (true, false) => text.AsSpan().EndsWith(core, StringComparison.Ordinal),
            (false, true) => text.AsSpan().StartsWith(core, StringComparison.Ordinal),
            _ => glob == text,
        };
    }
}
