using System.Text.Json;
using Mayfly.Core.Engines;
using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Auth.AppRole;

/// <summary>Machines that log in with the id of their role, and a secret-id that was handed to them.</summary>
internal sealed class AppRoleAuth : Engine, IRenewsTokens, IHasLoginRoles, ILocksLogins
{
    /// <summary>What a login is told whichever of the two is wrong.</summary>
    public const string InvalidLogin = "invalid role or secret ID";

    private const int FailingRolesKnown = 65_536;

    private readonly RoleStore _roles;
    private readonly Lockout _lockout;
    private readonly SecretIds _secretIds;
    private readonly Tidy _tidy;

    private AppRoleAuth(MountContext context)
    {
        _lockout = new Lockout(context.Time, FailingRolesKnown, context.Lockout);
        _roles = new RoleStore(context.View);
        _secretIds = new SecretIds(context.View, _roles, context.Time);
        _tidy = new Tidy(context.View, _roles, _secretIds, context.Log);
        var rolePaths = new RolePaths(_roles, _secretIds);
        var secretIdPaths = new SecretIdPaths(rolePaths, _secretIds, context.Mount.Tuning, context.Time);
        Paths = new PathTable([
            new PathEntry("login")
            {
                Help = "Log in with a role id and, where the role wants one, a secret-id.",
                Access = Access.Anyone,
                Fields =
                [
                    RoleFields.RoleId with
                    {
                        Description = "The id of the role.",
                    },
                    new("secret_id", FieldType.String, "A secret-id of the role."),
                ],
                Write = LoginAsync,
            },
            .. rolePaths.Entries.Concat(secretIdPaths.Entries).Select(entry => entry with { IgnoresCase = true }),
            _tidy.Entry,
        ]);
    }

    public static EngineType Type { get; } =
        new("approle", EngineKind.Auth, "Machines with a role id and secret-ids.", context => new AppRoleAuth(context));

    public override PathTable Paths { get; }

    public IReadOnlyList<string> LockedNames => _lockout.Locked;

    public void Unlock(string name) => _lockout.Clear(name);

    /// <summary>The clean-up that is going on or was the last.</summary>
    internal Task TidyRun => _tidy.Run;

    public override ValueTask OnDueAsync(string path, CancellationToken cancellation) =>
        path.StartsWith(SecretIds.Folder, StringComparison.Ordinal)
            ? _secretIds.RemoveExpiredAsync(path, cancellation)
            : ValueTask.CompletedTask;

    public async ValueTask<(TokenParameters? Parameters, Fault? Fault)> RenewAsync(
        TokenEntry token,
        CancellationToken cancellation
    )
    {
        var name = token.MethodData.GetValueOrDefault("role_name", "");
        return await _roles.FindAsync(name, cancellation) is { } found
            ? (found.Role.Tokens, null)
            : (null, Fault.Invalid($"role \"{name}\" does not exist during renewal"));
    }

    public async ValueTask<string?> RoleOfLoginAsync(string path, JsonElement body, CancellationToken cancellation) =>
        path.TrimEnd('/') == "login"
        && body.TryGetProperty("role_id", out var id)
        && id.ValueKind == JsonValueKind.String
        && await _roles.FindByRoleIdAsync(id.GetString()!.Trim(), cancellation) is { } found
            ? found.Role.Name
            : null;

    public override async ValueTask DisposeAsync()
    {
        await _tidy.DisposeAsync();
        await base.DisposeAsync();
    }

    private async ValueTask<Outcome> LoginAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var roleId = request.Fields.String("role_id").Trim();
        if (roleId.Length == 0)
        {
            return Fault.Invalid("missing role_id");
        }

        if (await _roles.FindByRoleIdAsync(roleId, cancellation) is not { Role: var role })
        {
            return Fault.Invalid(InvalidLogin);
        }

        SecretId? secretId = null;
        if (role.BindSecretId)
        {
            using var sent = request.Fields.SecretOrNull("secret_id");
            if (sent is null || SecretIdPaths.Trimmed(sent).IsEmpty)
            {
                return Fault.Invalid("missing secret_id");
            }

            if (_lockout.IsLocked(role.RoleId))
            {
                return Fault.Denied();
            }

            var accessor = role.AccessorOf(SecretIdPaths.Trimmed(sent));
            (secretId, var fault) = await _secretIds.UseAsync(role, accessor, request.RemoteAddress, cancellation);
            if (fault is { Kind: FaultKind.Invalid })
            {
                _lockout.Failed(role.RoleId);
            }

            if (fault is not null)
            {
                return fault;
            }

            _lockout.Clear(role.RoleId);
        }
        else if (SecretIds.WrongAddress(role, secretId, request.RemoteAddress) is { } fault)
        {
            return fault;
        }

        return new Response { Grant = Grant(role, secretId) };
    }

    private static TokenGrant Grant(Role role, SecretId? secretId)
    {
        var metadata = secretId is null
            ? new Dictionary<string, string>(StringComparer.Ordinal)
            : new Dictionary<string, string>(secretId.Metadata, StringComparer.Ordinal);
        metadata["role_name"] = role.Name;
        return new TokenGrant
        {
            DisplayName = "",
            Parameters = secretId is { TokenBoundCidrs.Count: > 0 }
                ? role.Tokens with
                {
                    BoundCidrs = secretId.TokenBoundCidrs,
                }
                : role.Tokens,
            Metadata = metadata,
            AliasName = role.RoleId,
            MethodData = new Dictionary<string, string>(StringComparer.Ordinal) { ["role_name"] = role.Name },
        };
    }
}
