using Mayfly.Core.Identity;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Auth.Token;

/// <summary>Creating tokens from a token: what a parent may give to its child.</summary>
internal sealed class TokenCreation(TokenIssuer issuer, TokenRoles roles, Mount mount)
{
    private static readonly IReadOnlyList<FieldSpec> Fields =
    [
        new("role_name", FieldType.String, "Name of the role."),
        new("id", FieldType.String, "The token's text; only root may choose it."),
        new("policies", FieldType.StringList, "Policies; a subset of the caller's, unless it has sudo."),
        new("meta", FieldType.StringMap, "Metadata, for the audit."),
        new("metadata", FieldType.StringMap, "Another name of meta."),
        new("no_parent", FieldType.Bool, "Make an orphan; needs sudo."),
        new("no_default_policy", FieldType.Bool, "Leave the policy \"default\" out."),
        new("renewable", FieldType.Bool, "Whether it can be renewed."),
        new("ttl", FieldType.Duration, "Its first life."),
        new("lease", FieldType.Duration, "Older name of ttl."),
        new("type", FieldType.String, "service or batch."),
        new("explicit_max_ttl", FieldType.Duration, "A lifetime that no renewal can exceed."),
        new("display_name", FieldType.String, "A name for people."),
        new("num_uses", FieldType.Int, "How many requests it is good for; zero means without limit."),
        new("period", FieldType.Duration, "Makes it periodic; needs sudo."),
        new("entity_alias", FieldType.String, "Alias of an entity.") { Ignored = true },
    ];

    public IEnumerable<PathEntry> Entries =>
        [
            new("create-orphan")
            {
                Help = "Creates a token without a parent.",
                Access = Access.Sudo,
                Fields = Fields,
                Write = (request, cancellation) => CreateAsync(request, roleName: null, orphan: true, cancellation),
            },
            new("create")
            {
                Help = "Creates a token.",
                Fields = Fields,
                Write = (request, cancellation) => CreateAsync(request, roleName: null, orphan: false, cancellation),
            },
            new("create/{role_name}")
            {
                Help = "Creates a token within the bounds of a role.",
                Fields = Fields,
                Write = (request, cancellation) =>
                    CreateAsync(request, request.Fields.String("role_name"), orphan: false, cancellation),
            },
        ];

    private async ValueTask<Outcome> CreateAsync(
        AuthorizedRequest request,
        string? roleName,
        bool orphan,
        CancellationToken cancellation
    )
    {
        var parent = request.Caller.Token;
        if (parent.Type == TokenType.Batch)
        {
            return Fault.Invalid("batch tokens cannot create more tokens");
        }

        if (parent.UsesLeft > 0 || parent.Spent)
        {
            return Fault.Invalid("restricted use token cannot generate child tokens");
        }

        TokenRole? role = null;
        if (roleName is not null)
        {
            role = await roles.FindAsync(roleName, cancellation);
            if (role is null)
            {
                return Fault.Invalid($"unknown role {roleName}");
            }
        }

        var fields = request.Fields;
        var isSudo = request.HasSudo;
        var (parameters, fault) = Parameters(fields, parent, role, isSudo);
        if (parameters is null)
        {
            return fault!;
        }

        if (fields.Bool("no_parent") && role is null && !orphan && !isSudo)
        {
            return Fault.Invalid("root or sudo privileges required to create orphan token");
        }

        var id = fields.String("id");
        if (IdProblem(id, parent) is { } problem)
        {
            return Fault.Invalid(problem);
        }

        return await IssueAsync(
            request,
            parameters,
            role,
            orphan || (role?.Orphan ?? fields.Bool("no_parent")),
            id,
            cancellation
        );
    }

    private async ValueTask<Outcome> IssueAsync(
        AuthorizedRequest request,
        TokenParameters parameters,
        TokenRole? role,
        bool orphan,
        string id,
        CancellationToken cancellation
    )
    {
        var fields = request.Fields;
        var batch = parameters.Type == "batch";
        var (ttl, warnings) = TokenLifetime.AtCreation(parameters, mount.Tuning, issuer.Server);
        var now = issuer.Time.GetUtcNow();
        var isRoot = parameters.Policies.Contains("root", StringComparer.Ordinal);
        var unending =
            isRoot
            && parameters.Ttl == TimeSpan.Zero
            && parameters.ExplicitMaxTtl == TimeSpan.Zero
            && parameters.Period == TimeSpan.Zero
            && !batch
            && request.Caller.Token.ExpiresAt is null;
        var name = fields.String("display_name");
        var suffix = role is { PathSuffix.Length: > 0 } ? "/" + role.PathSuffix : "";
        var path = (role, orphan) switch
        {
            ({ } named, _) => $"auth/token/create/{named.Name}{suffix}",
            (null, true) when request.Path == "create-orphan" => "auth/token/create-orphan",
            _ => "auth/token/create",
        };
        var (issued, fault) = await issuer.Tokens.CreateAsync(
            new TokenEntry
            {
                Accessor = "",
                Type = batch ? TokenType.Batch : TokenType.Service,
                Policies = parameters.Policies,
                Path = path,
                MountAccessor = mount.Accessor,
                Metadata =
                    fields.StringMapOrNull("meta")
                    ?? fields.StringMapOrNull("metadata")
                    ?? new Dictionary<string, string>(StringComparer.Ordinal),
                DisplayName = name.Length == 0 ? "token" : "token-" + Slug(name),
                Parent = orphan ? null : request.Caller.Token.Accessor,
                EntityId = orphan ? "" : request.Caller.Token.EntityId,
                CreatedAt = now,
                CreationTtl = unending ? TimeSpan.Zero : ttl,
                ExpiresAt = unending ? null : now + ttl,
                ExplicitMaxTtl = parameters.ExplicitMaxTtl,
                Period = parameters.Period,
                Renewable =
                    !batch && !unending && (fields.BoolOrNull("renewable") ?? true) && (role?.Renewable ?? true),
                UsesLeft = parameters.NumUses,
                Role = role?.Name ?? "",
                BoundCidrs = parameters.StrictlyBindIp
                    ? [TokenIssuer.WithoutScope(request.RemoteAddress)]
                    : parameters.BoundCidrs,
            },
            id.Length == 0 ? null : id,
            wrapped: default,
            cancellation
        );
        return issued is null ? fault! : new Response { Auth = issued, Warnings = warnings };
    }

    private static (TokenParameters? Parameters, Fault? Fault) Parameters(
        FieldValues fields,
        TokenEntry parent,
        TokenRole? role,
        bool isSudo
    )
    {
        var (policies, problem) = Policies(fields, parent, role, isSudo);
        if (policies is null)
        {
            return (null, problem);
        }

        var type = TypeOf(fields.String("type"), role?.Parameters.Type ?? "");
        if (type is null)
        {
            return (null, Fault.Invalid("type must be service or batch"));
        }

        var uses = fields.Int("num_uses");
        if (uses is < 0 or > int.MaxValue)
        {
            return (null, Fault.Invalid("number of uses cannot be negative"));
        }

        var period = fields.Duration("period");
        if (period > TimeSpan.Zero && !isSudo)
        {
            return (null, Fault.Invalid("root or sudo privileges required to create periodic token"));
        }

        if (type == "batch" && BatchProblem(fields, uses, period) is { } refused)
        {
            return (null, Fault.Invalid($"batch tokens cannot have \"{refused}\" set"));
        }

        var fromRole = role?.Parameters ?? new TokenParameters();
        var roleUses = fromRole.NumUses;
        return (
            fromRole with
            {
                Policies = policies,
                Type = type,
                Ttl = fields.DurationOrNull("ttl") is { Ticks: > 0 } ttl
                    ? ttl
                    : fields.DurationOrNull("lease") ?? fromRole.Ttl,
                ExplicitMaxTtl = TokenLifetime.Least(fields.Duration("explicit_max_ttl"), fromRole.ExplicitMaxTtl),
                Period = fromRole.Period > TimeSpan.Zero ? fromRole.Period : period,
                NumUses = roleUses > 0 && (uses == 0 || uses > roleUses) ? roleUses : (int)uses,
            },
            null
        );
    }

    private static (IReadOnlyList<string>? Policies, Fault? Fault) Policies(
        FieldValues fields,
        TokenEntry parent,
        TokenRole? role,
        bool isSudo
    )
    {
        var asked = TokenParameters.NormalizePolicies(fields.StringList("policies"));
        var withDefault = !fields.Bool("no_default_policy") && role?.Parameters.NoDefaultPolicy != true;
        if (
            role
            is { AllowedPolicies.Count: > 0 }
                or { AllowedPoliciesGlob.Count: > 0 }
                or { DisallowedPolicies.Count: > 0 }
                or { DisallowedPoliciesGlob.Count: > 0 }
        )
        {
            asked =
                asked.Count > 0 ? asked
                : role.AllowedPolicies.Count > 0 ? role.AllowedPolicies
                : [.. parent.Policies.Where(policy => policy != "default")];
            var all = With(asked, withDefault && !role.DisallowedPolicies.Contains("default", StringComparer.Ordinal));
            return role.Problem(all) is { } problem
                ? (null, Fault.Invalid(problem))
                : Check(all, parent, fromRole: true);
        }

        if (asked.Count == 0)
        {
            return Check(
                fields.Bool("no_default_policy")
                    ? With(parent.Policies.Where(p => p != "default"), false)
                    : parent.Policies,
                parent,
                fromRole: false
            );
        }

        if (
            !isSudo
            && !asked.All(policy => policy == "default" || parent.Policies.Contains(policy, StringComparer.Ordinal))
        )
        {
            return (null, Fault.Invalid("child policies must be subset of parent"));
        }

        return Check(With(asked, withDefault), parent, fromRole: false);
    }

    /// <summary>Only root makes root, whatever sudo or a role says.</summary>
    private static (IReadOnlyList<string>? Policies, Fault? Fault) Check(
        IReadOnlyList<string> policies,
        TokenEntry parent,
        bool fromRole
    ) =>
        policies.Contains("root", StringComparer.Ordinal) && (fromRole || !parent.IsRoot)
            ? (null, Fault.Invalid("root tokens may not be created without parent token being root"))
            : (policies, null);

    private static IReadOnlyList<string> With(IEnumerable<string> policies, bool withDefault) =>
        TokenParameters.NormalizePolicies(withDefault ? [.. policies, "default"] : policies);

    private static string? TypeOf(string asked, string role) =>
        (asked, role) switch
        {
            (_, "service") => "service",
            (_, "batch") => "batch",
            ("", "default-batch") => "batch",
            ("" or "service", _) => "service",
            ("batch", _) => "batch",
            _ => null,
        };

    private static string? BatchProblem(FieldValues fields, long uses, TimeSpan period) =>
        fields.Duration("explicit_max_ttl") > TimeSpan.Zero ? "explicit_max_ttl"
        : uses > 0 ? "num_uses"
        : period > TimeSpan.Zero ? "period"
        : fields.Bool("renewable") ? "renewable"
        : fields.String("id").Length > 0 ? "id"
        : null;

    private static string? IdProblem(string id, TokenEntry parent) =>
        id.Length == 0 ? null
        : !parent.IsRoot ? "root required to specify token id"
        : id.Length > 256 || id.Any(c => char.IsWhiteSpace(c) || char.IsControl(c))
            ? "a token has at most 256 characters, without white space"
        : id.StartsWith("hvs.", StringComparison.Ordinal)
        || id.StartsWith("hvb.", StringComparison.Ordinal)
        || id.StartsWith("s.", StringComparison.Ordinal)
            ? "custom token ID cannot have the 'hvs.' or 's.' prefix"
        : null;

    private static string Slug(string name) =>
        string.Concat(name.Take(128).Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-'))
            .Trim('-');
}
