using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Auth.AppRole;

/// <summary>The paths that create, change, show and delete roles.</summary>
internal sealed class RolePaths(RoleStore roles, SecretIds secretIds)
{
    /// <summary>The rows of the path table.</summary>
    public IEnumerable<PathEntry> Entries =>
        [
            new PathEntry("role") { Help = "List the names of the roles.", List = ListAsync },
            new PathEntry("role/{role_name}")
            {
                Help = "Create, change, read or delete a role.",
                Fields = RoleFields.All,
                Read = ReadAsync,
                Write = WriteAsync,
                Delete = DeleteAsync,
                Exists = ExistsAsync,
            },
            new PathEntry("role/{role_name}/role-id")
            {
                Help = "Read a role's id, or set one of your own.",
                Fields = [RoleFields.RoleName, RoleFields.RoleId],
                Read = (request, cancellation) =>
                    ShowAsync(request, (role, writer) => writer.WriteString("role_id", role.RoleId), cancellation),
                Write = (request, cancellation) =>
                    request.Fields.Has("role_id")
                        ? ChangeAsync(request, cancellation)
                        : new(Fault.Invalid("missing role_id")),
            },
            new PathEntry("role/{role_name}/local-secret-ids")
            {
                Help = "Read whether a role's secret-ids stay in one cluster.",
                Fields = [RoleFields.RoleName],
                Read = (request, cancellation) =>
                    ShowAsync(
                        request,
                        (role, writer) => writer.WriteBoolean("local_secret_ids", role.LocalSecretIds),
                        cancellation
                    ),
            },
            .. RoleFields.Single.Select(Entry),
        ];

    /// <summary>The role that the path names, or the fault that there is none.</summary>
    public async ValueTask<(StoredRole? Role, Fault? Fault)> FindAsync(
        AuthorizedRequest request,
        CancellationToken cancellation
    )
    {
        var sent = request.Fields.String("role_name");
        var role = RoleName.Normalize(sent) is { } name ? await roles.FindAsync(name, cancellation) : null;
        return role is not null
            ? (role, null)
            : (null, Fault.NotFound($"role \"{(sent.Length <= 128 ? sent : sent[..128] + "…")}\" does not exist"));
    }

    private PathEntry Entry(RoleField field)
    {
        var names = field.Fields.Select(one => one.Name).ToArray();
        return new PathEntry($"role/{{role_name}}/{field.Path}")
        {
            Help = $"Read, set or put back {names[0]} of a role.",
            Fields = [RoleFields.RoleName, .. field.Fields],
            Read = (request, cancellation) => ShowAsync(request, field.Show, cancellation),
            Write = (request, cancellation) =>
                names.Any(request.Fields.Has)
                    ? ChangeAsync(request, cancellation)
                    : new(Fault.Invalid($"missing {names[0]}")),
            Delete = (request, cancellation) => ResetAsync(request, field, cancellation),
        };
    }

    private async ValueTask<Outcome> ListAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        Response.Keys(await roles.ListAsync(cancellation));

    private ValueTask<Outcome> ReadAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        ShowAsync(request, (role, writer) => role.WriteShown(writer), cancellation);

    private async ValueTask<Outcome> ShowAsync(
        AuthorizedRequest request,
        Action<Role, Utf8JsonWriter> show,
        CancellationToken cancellation
    )
    {
        var (found, _) = await FindAsync(request, cancellation);
        return found is null ? Fault.NotFound() : Response.Object(writer => show(found.Role, writer));
    }

    private async ValueTask<Outcome> WriteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (RoleName.Normalize(request.Fields.String("role_name")) is not { } name)
        {
            return Fault.Invalid($"role_name must be 1 to {RoleName.MaxBytes} bytes without control characters");
        }

        var found = await roles.FindAsync(name, cancellation);
        return await SaveAsync(request, found, found?.Role ?? Role.Create(name), cancellation);
    }

    /// <summary>Changes a role that has to be there.</summary>
    private async ValueTask<Outcome> ChangeAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var (found, fault) = await FindAsync(request, cancellation);
        return fault is not null ? fault : await SaveAsync(request, found, found!.Role, cancellation);
    }

    private async ValueTask<Outcome> SaveAsync(
        AuthorizedRequest request,
        StoredRole? found,
        Role role,
        CancellationToken cancellation
    )
    {
        var warnings = new List<string>();
        var (next, fault) = RoleFields.Apply(role, request.Fields, isNew: found is null, warnings);
        if (fault is not null)
        {
            return fault;
        }

        var outcome = await roles.SaveAsync(found, next!, cancellation);
        return outcome.Succeeded && warnings.Count > 0 ? new Response { Warnings = warnings } : outcome;
    }

    private async ValueTask<Outcome> ResetAsync(
        AuthorizedRequest request,
        RoleField field,
        CancellationToken cancellation
    )
    {
        var (found, _) = await FindAsync(request, cancellation);
        if (found is null)
        {
            return Outcome.Done;
        }

        var (next, fault) = RoleFields.Constrained(field.Reset(found.Role));
        return fault is not null ? fault : await roles.SaveAsync(found, next!, cancellation);
    }

    private async ValueTask<Outcome> DeleteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var (found, _) = await FindAsync(request, cancellation);
        if (found is null)
        {
            return Outcome.Done;
        }

        var result = await roles.DeleteAsync(found, cancellation);

        // From here on no login reaches the secret-ids; what a crash leaves of them, tidying removes.
        return result.Succeeded
            ? Outcome.From(await secretIds.RemoveAllAsync(found.Role, cancellation))
            : Outcome.From(result);
    }

    private async ValueTask<bool> ExistsAsync(PathMatch match, CancellationToken cancellation) =>
        RoleName.Normalize(match.Captures["role_name"]) is { } name && await roles.ExistsAsync(name, cancellation);
}
