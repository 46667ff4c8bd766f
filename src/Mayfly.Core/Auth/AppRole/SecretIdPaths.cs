using System.Text;
using System.Text.Json;
using Mayfly.Core.Mounts;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Crypto;

namespace Mayfly.Core.Auth.AppRole;

/// <summary>The paths that make, show and destroy secret-ids.</summary>
internal sealed class SecretIdPaths(RolePaths roles, SecretIds secretIds, MountTuning tuning, TimeProvider time)
{
    private const int MaxSecretIdBytes = 4096;
    private const int MaxTries = 8;

    private static readonly FieldSpec SecretIdField = new("secret_id", FieldType.String, "The secret-id.");

    private static readonly FieldSpec AccessorField = new(
        "secret_id_accessor",
        FieldType.String,
        "The accessor of the secret-id."
    );

    private static readonly FieldSpec[] MakeFields =
    [
        RoleFields.RoleName,
        new("metadata", FieldType.Any, "Goes into the tokens: a JSON object of strings, itself or as a string."),
        new(
            "cidr_list",
            FieldType.StringList,
            "Addresses or networks that may log in with it; a subset of the role's."
        ),
        new(
            "token_bound_cidrs",
            FieldType.StringList,
            "Addresses or networks that its tokens may be used from; a subset of the role's."
        ),
        new("num_uses", FieldType.Int, "How many logins it is good for; not more than the role says."),
        new("ttl", FieldType.Duration, "How long it lives; not longer than the role says."),
    ];

    /// <summary>The rows of the path table.</summary>
    public IEnumerable<PathEntry> Entries =>
        [
            new PathEntry("role/{role_name}/secret-id")
            {
                Help = "Make a secret-id, or list the accessors of all that there are.",
                Fields = MakeFields,
                List = ListAsync,
                Write = MakeNewAsync,
            },
            new PathEntry("role/{role_name}/custom-secret-id")
            {
                Help = "Add a secret-id of your own.",
                Fields = [SecretIdField, .. MakeFields],
                Write = MakeCustomAsync,
            },
            new PathEntry("role/{role_name}/secret-id/lookup")
            {
                Help = "Show what is known of a secret-id.",
                Fields = [RoleFields.RoleName, SecretIdField],
                Write = LookUpAsync,
            },
            new PathEntry("role/{role_name}/secret-id/destroy")
            {
                Help = "Destroy a secret-id.",
                Fields = [RoleFields.RoleName, SecretIdField],
                Write = DestroyAsync,
                Delete = DestroyAsync,
            },
            new PathEntry("role/{role_name}/secret-id-accessor/lookup")
            {
                Help = "Show what is known of the secret-id with this accessor.",
                Fields = [RoleFields.RoleName, AccessorField],
                Write = LookUpAccessorAsync,
            },
            new PathEntry("role/{role_name}/secret-id-accessor/destroy")
            {
                Help = "Destroy the secret-id with this accessor.",
                Fields = [RoleFields.RoleName, AccessorField],
                Write = DestroyAccessorAsync,
                Delete = DestroyAccessorAsync,
            },
        ];

    private async ValueTask<Outcome> ListAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var (role, fault) = await roles.FindAsync(request, cancellation);
        return fault is not null ? fault : Response.Keys(await secretIds.AccessorsAsync(role!.Role, cancellation));
    }

    private async ValueTask<Outcome> MakeNewAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        using var secretId = SecretBytes.CopyOf(Encoding.ASCII.GetBytes(Role.RandomUuid()));
        return await MakeAsync(request, secretId, cancellation);
    }

    private async ValueTask<Outcome> MakeCustomAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        using var secretId = request.Fields.SecretOrNull("secret_id");
        var problem =
            secretId is null or { Length: 0 } ? "missing secret_id"
            : secretId.Length > MaxSecretIdBytes ? $"secret_id is longer than {MaxSecretIdBytes} bytes"
            : Trimmed(secretId).Length != secretId.Length ? "secret_id must not begin or end with white space"
            : null;
        return problem is null ? await MakeAsync(request, secretId!, cancellation) : Fault.Invalid(problem);
    }

    private async ValueTask<Outcome> MakeAsync(
        AuthorizedRequest request,
        SecretBytes secretId,
        CancellationToken cancellation
    )
    {
        for (var tries = 1; ; tries++)
        {
            var (role, fault) = await roles.FindAsync(request, cancellation);
            if (fault is not null)
            {
                return fault;
            }

            (var made, fault) = Make(role!.Role, request.Fields);
            if (fault is not null)
            {
                return fault;
            }

            var accessor = role.Role.AccessorOf(secretId.Span);
            if (await secretIds.FindAsync(role.Role, accessor, cancellation) is not null)
            {
                return Fault.Invalid("failed to store secret_id: SecretID is already registered");
            }

            var result = await secretIds.AddAsync(role, accessor, made!, cancellation);
            if (result.Succeeded)
            {
                return Made(secretId, accessor, made!);
            }

            // The role was changed meanwhile: it may allow less now.
            if (result.Status != CommitStatus.Conflict || tries == MaxTries)
            {
                return Fault.From(result);
            }
        }
    }

    private static Response Made(SecretBytes secretId, string accessor, SecretId made) =>
        Response.Object(writer =>
        {
            writer.WriteString("secret_id", secretId.Span);
            writer.WriteString("secret_id_accessor", accessor);
            writer.WriteNumber("secret_id_num_uses", made.UsesLeft);
            writer.WriteNumber("secret_id_ttl", (long)made.Ttl.TotalSeconds);
        });

    /// <summary>The record of a new secret-id; it can be tighter than the role says, never looser.</summary>
    private (SecretId? SecretId, Fault? Fault) Make(Role role, FieldValues fields)
    {
        if (!role.BindSecretId)
        {
            return (null, Fault.Invalid("bind_secret_id is not set on the role"));
        }

        var (metadata, fault) = SecretIdMetadata.Parse(fields.Element("metadata"));
        if (fault is not null)
        {
            return (null, fault);
        }

        var uses = fields.IntOrNull("num_uses") ?? role.SecretIdNumUses;
        var ttl = fields.DurationOrNull("ttl") ?? role.SecretIdTtl;
        var cidrs = Cidr.Normalize(fields.StringList("cidr_list"), out var bad);
        var tokenCidrs = Cidr.Normalize(fields.StringList("token_bound_cidrs"), out var badToken);
        var problem =
            uses < 0 ? "num_uses cannot be negative"
            : uses > int.MaxValue ? "num_uses is too large"
            : role.SecretIdNumUses > 0 && (uses == 0 || uses > role.SecretIdNumUses)
                ? "num_uses cannot be higher than the role's secret_id_num_uses"
            : ttl.Ticks % TimeSpan.TicksPerSecond != 0 ? "ttl must be whole seconds"
            : role.SecretIdTtl > TimeSpan.Zero && (ttl == TimeSpan.Zero || ttl > role.SecretIdTtl)
                ? "ttl cannot be longer than the role's secret_id_ttl"
            : cidrs is null ? $"failed to validate CIDR blocks: {bad}"
            : tokenCidrs is null ? $"failed to validate token CIDR blocks: {badToken}"
            : !Cidr.IsSubset(cidrs, role.SecretIdBoundCidrs)
                ? "cidr_list must be a subset of the role's secret_id_bound_cidrs"
            : !Cidr.IsSubset(tokenCidrs, role.Tokens.BoundCidrs)
                ? "token_bound_cidrs must be a subset of the role's token_bound_cidrs"
            : null;
        if (problem is not null)
        {
            return (null, Fault.Invalid(problem));
        }

        var now = time.GetUtcNow();
        var longest = tuning.MaxLeaseTtl;
        return (
            new SecretId
            {
                UsesLeft = (int)uses,
                Ttl = longest > TimeSpan.Zero && ttl > longest ? longest : ttl,
                CreatedAt = now,
                UpdatedAt = now,
                Metadata = metadata!,
                CidrList = cidrs!,
                TokenBoundCidrs = tokenCidrs!,
            },
            null
        );
    }

    private async ValueTask<Outcome> LookUpAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var (role, accessor, fault) = await AccessorOfSecretIdAsync(request, cancellation);
        if (fault is not null)
        {
            return fault;
        }

        // Vault's clients know an unknown secret-id by an empty reply.
        return await secretIds.FindAsync(role!, accessor!, cancellation) is { } found
            ? Shown(accessor!, found)
            : Outcome.Done;
    }

    private async ValueTask<Outcome> DestroyAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var (role, accessor, fault) = await AccessorOfSecretIdAsync(request, cancellation);
        return fault is not null ? fault : Outcome.From(await secretIds.RemoveAsync(role!, accessor!, cancellation));
    }

    private async ValueTask<Outcome> LookUpAccessorAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var (role, accessor, found, fault) = await FindByAccessorAsync(request, cancellation);
        return fault is not null || role is null ? fault! : Shown(accessor!, found!);
    }

    private async ValueTask<Outcome> DestroyAccessorAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var (role, accessor, _, fault) = await FindByAccessorAsync(request, cancellation);
        return fault is not null ? fault : Outcome.From(await secretIds.RemoveAsync(role!, accessor!, cancellation));
    }

    private async ValueTask<(Role? Role, string? Accessor, Fault? Fault)> AccessorOfSecretIdAsync(
        AuthorizedRequest request,
        CancellationToken cancellation
    )
    {
        using var secretId = request.Fields.SecretOrNull("secret_id");
        if (secretId is null or { Length: 0 })
        {
            return (null, null, Fault.Invalid("missing secret_id"));
        }

        var (role, fault) = await roles.FindAsync(request, cancellation);
        return fault is not null ? (null, null, fault) : (role!.Role, role.Role.AccessorOf(Trimmed(secretId)), null);
    }

    private async ValueTask<(Role? Role, string? Accessor, SecretId? SecretId, Fault? Fault)> FindByAccessorAsync(
        AuthorizedRequest request,
        CancellationToken cancellation
    )
    {
        var sent = request.Fields.String("secret_id_accessor");
        if (sent.Length == 0)
        {
            return (null, null, null, Fault.Invalid("missing secret_id_accessor"));
        }

        var (role, fault) = await roles.FindAsync(request, cancellation);
        if (fault is not null)
        {
            return (null, null, null, fault);
        }

        return
            SecretIds.Accessor(sent) is { } accessor
            && await secretIds.FindAsync(role!.Role, accessor, cancellation) is { } found
            ? (role.Role, accessor, found, null)
            : (
                null,
                null,
                null,
                Fault.NotFound(
                    $"failed to find accessor entry for secret_id_accessor: \"{(sent.Length <= 128 ? sent : sent[..128] + "…")}\""
                )
            );
    }

    private static Response Shown(string accessor, SecretId secretId) =>
        Response.Object(writer =>
        {
            writer.WriteString("secret_id_accessor", accessor);
            secretId.WriteTo(writer);
        });

    /// <summary>Without the white space that a copied line brings along; logins leave it out, too.</summary>
    public static ReadOnlySpan<byte> Trimmed(SecretBytes secretId) => secretId.Span.Trim(" \t\r\n"u8);
}
