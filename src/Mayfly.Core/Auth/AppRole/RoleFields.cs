using System.Text;
using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Auth.AppRole;

/// <summary>The fields of a role, and how each is set, shown and put back to its default.</summary>
internal static class RoleFields
{
    public static readonly FieldSpec RoleName = new("role_name", FieldType.String, "Name of the role.");

    public static readonly FieldSpec RoleId = new(
        "role_id",
        FieldType.String,
        "What a login shows to say which role it wants; random unless set."
    );

    /// <summary>Older names of token parameters that Vault's roles take.</summary>
    public static readonly string[] OlderNames = ["period", "policies"];

    private static readonly FieldSpec BindSecretId = new(
        "bind_secret_id",
        FieldType.Bool,
        "A login needs a secret-id; true unless set."
    );

    private static readonly FieldSpec BoundCidrs = new(
        "secret_id_bound_cidrs",
        FieldType.StringList,
        "Addresses or networks that may log in."
    );

    private static readonly FieldSpec BoundCidrList = BoundCidrs with
    {
        Name = "bound_cidr_list",
        Description = "Older name of secret_id_bound_cidrs.",
    };

    private static readonly FieldSpec NumUses = new(
        "secret_id_num_uses",
        FieldType.Int,
        "How many logins a secret-id is good for; zero means without limit."
    );

    private static readonly FieldSpec Ttl = new(
        "secret_id_ttl",
        FieldType.Duration,
        "How long a secret-id lives; zero means without end."
    );

    private static readonly FieldSpec LocalSecretIds = new(
        "local_secret_ids",
        FieldType.Bool,
        "Whether secret-ids stay in one cluster; can be set only when the role is created."
    );

    /// <summary>Everything that a role takes.</summary>
    public static IReadOnlyList<FieldSpec> All { get; } =
    [
        RoleName,
        RoleId,
        BindSecretId,
        BoundCidrs,
        BoundCidrList,
        NumUses,
        Ttl,
        LocalSecretIds,
        new("enable_local_secret_ids", FieldType.Bool, "How some clients call local_secret_ids.") { Ignored = true },
        .. TokenParameters.Fields,
        .. TokenParameters.OlderFields(OlderNames),
    ];

    /// <summary>The fields that have a path of their own below the role.</summary>
    public static IReadOnlyList<RoleField> Single { get; } =
    [
        new("bind-secret-id", [BindSecretId], role => role with { BindSecretId = true })
        {
            Show = (role, writer) => writer.WriteBoolean("bind_secret_id", role.BindSecretId),
        },
        new("secret-id-bound-cidrs", [BoundCidrs], role => role with { SecretIdBoundCidrs = [] })
        {
            Show = (role, writer) =>
                TokenParameters.WriteStrings(writer, "secret_id_bound_cidrs", role.SecretIdBoundCidrs),
        },
        new("bound-cidr-list", [BoundCidrList], role => role with { SecretIdBoundCidrs = [] })
        {
            Show = (role, writer) => TokenParameters.WriteStrings(writer, "bound_cidr_list", role.SecretIdBoundCidrs),
        },
        new("secret-id-num-uses", [NumUses], role => role with { SecretIdNumUses = 0 })
        {
            Show = (role, writer) => writer.WriteNumber("secret_id_num_uses", role.SecretIdNumUses),
        },
        new("secret-id-ttl", [Ttl], role => role with { SecretIdTtl = TimeSpan.Zero })
        {
            Show = (role, writer) => writer.WriteNumber("secret_id_ttl", (long)role.SecretIdTtl.TotalSeconds),
        },
        Token("policies", "token_policies", tokens => tokens with { Policies = [] }, older: "policies"),
        Token("period", "token_period", tokens => tokens with { Period = TimeSpan.Zero }, older: "period"),
        Token("token-ttl", "token_ttl", tokens => tokens with { Ttl = TimeSpan.Zero }),
        Token("token-max-ttl", "token_max_ttl", tokens => tokens with { MaxTtl = TimeSpan.Zero }),
        Token("token-num-uses", "token_num_uses", tokens => tokens with { NumUses = 0 }),
        Token("token-bound-cidrs", "token_bound_cidrs", tokens => tokens with { BoundCidrs = [] }),
        Token("token-period", "token_period", tokens => tokens with { Period = TimeSpan.Zero }),
    ];

    /// <summary>The role with what was sent put in place, or the reason why it cannot be.</summary>
    /// <param name="role">The role so far.</param>
    /// <param name="fields">The request's fields.</param>
    /// <param name="isNew">The role is being created.</param>
    /// <param name="warnings">Gets what the caller should know.</param>
    public static (Role? Role, Fault? Fault) Apply(Role role, FieldValues fields, bool isNew, List<string> warnings)
    {
        var (tokens, fault) = role.Tokens.Apply(fields, OlderNames);
        if (fault is not null)
        {
            return (null, fault);
        }

        if (tokens!.Type.StartsWith("default-", StringComparison.Ordinal))
        {
            var type = tokens.Type["default-".Length..];
            warnings.Add($"{tokens.Type} has no useful meaning; adjusting to {type}");
            tokens = tokens with { Type = type };
        }

        var cidrs = Cidr.Normalize(
            fields.StringListOrNull("secret_id_bound_cidrs")
                ?? fields.StringListOrNull("bound_cidr_list")
                ?? role.SecretIdBoundCidrs,
            out var bad
        );
        var ttl = fields.Has("secret_id_ttl") ? fields.Duration("secret_id_ttl") : role.SecretIdTtl;
        var uses = fields.Has("secret_id_num_uses") ? fields.Int("secret_id_num_uses") : role.SecretIdNumUses;
        var roleId = fields.StringOrNull("role_id")?.Trim() ?? role.RoleId;
        var local = fields.Bool("local_secret_ids", role.LocalSecretIds);
        var problem =
            cidrs is null ? $"invalid CIDR blocks: {bad}"
            : uses < 0 ? "secret_id_num_uses cannot be negative"
            : uses > int.MaxValue ? "secret_id_num_uses is too large"
            : ttl.Ticks % TimeSpan.TicksPerSecond != 0 ? "secret_id_ttl must be whole seconds"
            : local != role.LocalSecretIds && !isNew ? "local_secret_ids can only be modified during role creation"
            : roleId.Length == 0 ? "missing role_id: invalid role_id supplied"
            : Encoding.UTF8.GetByteCount(roleId) > Auth.RoleName.MaxBytes || roleId.Any(char.IsControl)
                ? $"role_id must be at most {Auth.RoleName.MaxBytes} bytes without control characters"
            : null;
        return problem is not null
            ? (null, Fault.Invalid(problem))
            : Constrained(
                role with
                {
                    Tokens = tokens,
                    RoleId = roleId,
                    BindSecretId = fields.Bool("bind_secret_id", role.BindSecretId),
                    SecretIdBoundCidrs = cidrs!,
                    SecretIdNumUses = (int)uses,
                    SecretIdTtl = ttl,
                    LocalSecretIds = local,
                }
            );
    }

    /// <summary>The role, unless everybody who knows the role id could log in from everywhere.</summary>
    public static (Role? Role, Fault? Fault) Constrained(Role role) =>
        role.BindSecretId || role.SecretIdBoundCidrs.Count > 0 || role.Tokens.BoundCidrs.Count > 0
            ? (role, null)
            : (null, Fault.Invalid("at least one constraint should be enabled on the role"));

    private static RoleField Token(
        string path,
        string name,
        Func<TokenParameters, TokenParameters> reset,
        string? older = null
    ) =>
        new(
            path,
            older is null
                ? [TokenParameters.Field(name)]
                : [TokenParameters.Field(name), .. TokenParameters.OlderFields(older)],
            role => role with { Tokens = Forget(reset(role.Tokens), older) }
        )
        {
            Show = (role, writer) => role.Tokens.WriteTo(writer, name, older),
        };

    private static TokenParameters Forget(TokenParameters tokens, string? older) =>
        tokens with
        {
            OlderNames = [.. tokens.OlderNames.Where(name => name != older)],
        };
}

/// <summary>A field of a role that has a path of its own.</summary>
/// <param name="Path">The path below the role.</param>
/// <param name="Fields">Its names; one of them has to be sent.</param>
/// <param name="Reset">Puts it back to its default.</param>
internal sealed record RoleField(string Path, IReadOnlyList<FieldSpec> Fields, Func<Role, Role> Reset)
{
    /// <summary>Writes it as the member of a reply.</summary>
    public required Action<Role, Utf8JsonWriter> Show { get; init; }
}
