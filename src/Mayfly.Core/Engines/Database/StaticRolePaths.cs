using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Engines.Database;

/// <summary>The paths of static roles: <c>static-roles</c>, <c>static-creds/NAME</c> and <c>rotate-role/NAME</c>.</summary>
internal sealed class StaticRolePaths(
    View view,
    StaticRoles roles,
    OpenConnections connections,
    IRotations rotations,
    TimeProvider time
)
{
    private static readonly FieldSpec Name = new("name", FieldType.String, "Name of the static role.");

    private static readonly FieldSpec[] Fields =
    [
        Name,
        new("db_name", FieldType.String, "The configured database that the user is in."),
        new("username", FieldType.String, "The user whose password is rotated."),
        new(
            "second_username",
            FieldType.String,
            "A second user with the same rights: the two take turns, so that one is always valid."
        ),
        new(
            "rotation_statements",
            FieldType.Texts,
            "Statements that give {{name}} the {{password}}; the server knows its own way without them."
        ),
        new("credential_type", FieldType.String, "password, which is the only one."),
        new(
            "credential_config",
            FieldType.StringMap,
            "password_policy: the policy that passwords are made by, instead of the configuration's."
        ),
        new("password", FieldType.String, "The user's password as it is, with skip_import_rotation."),
        new(
            "skip_import_rotation",
            FieldType.Bool,
            "Do not change the password now, but when its time comes; needs password."
        ),
        .. StaticRoleTerms.Fields,
    ];

    public IReadOnlyList<PathEntry> Entries =>
        [
            new PathEntry("static-roles") { Help = "List the static roles.", List = ListAsync },
            new PathEntry("static-roles/{name}")
            {
                Help = "Manage a user that is there already, or two in turn, whose passwords the server rotates.",
                Fields = Fields,
                Read = ReadAsync,
                Write = WriteAsync,
                Delete = DeleteAsync,
                Exists = ExistsAsync,
            },
            new PathEntry("static-creds/{name}")
            {
                Help = "Read the password of a static role's user.",
                Fields = [Name],
                Read = ReadCredentialAsync,
            },
            new PathEntry("rotate-role/{name}")
            {
                Help = "Rotate the password of a static role's user now.",
                Fields = [Name],
                Write = RotateAsync,
            },
        ];

    private async ValueTask<bool> ExistsAsync(PathMatch match, CancellationToken cancellation) =>
        ConfigName.IsUsable(match.Captures["name"]!)
        && await view.ExistsAsync(StaticRoles.Folder + match.Captures["name"], cancellation);

    private async ValueTask<Outcome> ListAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        Response.Keys(await view.ListAsync(StaticRoles.Folder, cancellation));

    private async ValueTask<Outcome> ReadAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("name");
        if (await roles.FindAsync(name, cancellation) is not { Role: var role })
        {
            return Fault.NotFound();
        }

        var times = await rotations.TimesAsync(StaticRoles.Target(name), cancellation);
        return Response.Object(writer =>
        {
            writer.WriteString("db_name", role.Database);
            writer.WriteString("username", role.Users[0]);
            if (role.Users.Count > 1)
            {
                writer.WriteString("second_username", role.Users[1]);
            }

            Stored.Write(writer, "rotation_statements", role.RotationStatements);
            writer.WriteString("credential_type", "password");
            if (role.CredentialConfig.Count > 0)
            {
                Stored.Write(writer, "credential_config", role.CredentialConfig);
            }

            StaticRoleTerms.Show(writer, role.Terms);
            if (times?.Last is { } last)
            {
                writer.WriteString("last_vault_rotation", GoTime.Format(last));
            }

            if (times?.Next is { } next)
            {
                writer.WriteString("next_vault_rotation", GoTime.Format(next));
            }

            if (times is { LastError.Length: > 0 })
            {
                writer.WriteString("last_rotation_error", times.LastError);
            }
        });
    }

    private async ValueTask<Outcome> WriteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("name");
        if (ConfigName.Problem(name) is { } unusable)
        {
            return unusable;
        }

        if (await view.ExistsAsync(RolePaths.Folder + name, cancellation))
        {
            return Fault.Invalid(StaticRoles.NotUnique);
        }

        var found = await roles.FindAsync(name, cancellation);
        var (role, fault) = Merge(name, found?.Role, request.Fields);
        if (role is null)
        {
            return fault!;
        }

        if (await CheckAsync(name, role, cancellation) is { } problem)
        {
            return problem;
        }

        var batch = new Batch();
        roles.Put(batch, name, role, found?.Version ?? 0);
        view.Expect(batch, RolePaths.Folder + name, 0);
        await rotations.PutAsync(batch, StaticRoles.Target(name), role.Terms, cancellation);
        var result = await view.CommitAsync(batch, cancellation);
        return !result.Succeeded ? Fault.From(result)
            : found is null && role.Current is null ? await ImportAsync(name, cancellation)
            : Outcome.Done;
    }

    /// <summary>The first rotation, by which the server learns the password. Without it there is no role.</summary>
    private async ValueTask<Outcome> ImportAsync(string name, CancellationToken cancellation)
    {
        var fault = await rotations.RotateAsync(
            StaticRoles.Target(name),
            "the role was made",
            cancellation,
            isFirst: true
        );
        if (fault is null)
        {
            return Outcome.Done;
        }

        var gone = await RemoveAsync(name, CancellationToken.None);
        return gone.Succeeded ? fault : Fault.From(gone);
    }

    private async ValueTask<Outcome> DeleteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("name");
        return ConfigName.IsUsable(name) ? Outcome.From(await RemoveAsync(name, cancellation)) : Outcome.Done;
    }

    private async ValueTask<CommitResult> RemoveAsync(string name, CancellationToken cancellation)
    {
        var batch = new Batch();
        view.Delete(batch, StaticRoles.Folder + name);
        await rotations.DeleteAsync(batch, StaticRoles.Target(name), cancellation);
        return await view.CommitAsync(batch, cancellation);
    }

    private async ValueTask<Outcome> ReadCredentialAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("name");
        if (await roles.FindAsync(name, cancellation) is not { Role: var role })
        {
            return Fault.Invalid(ConfigName.IsUsable(name) ? $"unknown role: {name}" : "unknown role");
        }

        var config = await connections.FindAsync(role.Database, cancellation);
        if (config is { Config: var known } && !known.Allows(name))
        {
            return Fault.Invalid($"\"{name}\" is not an allowed role");
        }

        if (role.Current is not { } current)
        {
            return Fault.Unavailable($"static role {name} has no password yet: rotate it (rotate-role/{name})");
        }

        var times = await rotations.TimesAsync(StaticRoles.Target(name), cancellation);
        var ttl = times?.Next is { } next ? next - time.GetUtcNow() : TimeSpan.Zero;
        return StaticReply.Of(role, current, times?.Last, ttl);
    }

    private async ValueTask<Outcome> RotateAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("name");
        if (await roles.FindAsync(name, cancellation) is null)
        {
            return Fault.Invalid("no static role found for role name");
        }

        var fault = await rotations.RotateAsync(StaticRoles.Target(name), "rotate-role", cancellation);
        return fault is null ? Outcome.Done : fault;
    }

    private async ValueTask<Fault?> CheckAsync(string name, StaticRole role, CancellationToken cancellation)
    {
        if (await connections.FindAsync(role.Database, cancellation) is not { Config: var config })
        {
            return Fault.Invalid($"failed to find entry for connection with name: \"{role.Database}\"");
        }

        if (!config.Allows(name))
        {
            return Fault.Invalid($"\"{name}\" is not an allowed role");
        }

        return DatabaseKind.Find(config.PluginName)?.CheckRotation(role.RotationStatements);
    }

    private static (StaticRole? Role, Fault? Fault) Merge(string name, StaticRole? old, FieldValues fields)
    {
        var first = fields.StringOrNull("username") ?? old?.Users[0] ?? "";
        var second = fields.StringOrNull("second_username") ?? old?.Users.ElementAtOrDefault(1) ?? "";
        string[] users = second.Length == 0 ? [first] : [first, second];
        var database = fields.StringOrNull("db_name") ?? old?.Database ?? "";
        if (Problem(old, database, users, fields) is { } problem)
        {
            return (null, Fault.Invalid(problem));
        }

        var (terms, fault) = StaticRoleTerms.Merge(old?.Terms, fields, users.Length, $"static-creds/{name}");
        var skips = old is null && fields.Bool("skip_import_rotation");
        return terms is null
            ? (null, fault)
            : (
                new StaticRole
                {
                    Database = database,
                    Users = users,
                    RotationStatements = Statements.Of(fields, "rotation_statements") ?? old?.RotationStatements ?? [],
                    CredentialConfig =
                        fields.StringMapOrNull("credential_config") ?? old?.CredentialConfig ?? Role.NoConfig,
                    Terms = terms,
                    Current = skips ? new StaticCredential(first, fields.String("password"), "") : old?.Current,
                    Next = old?.Next,
                    Previous = old?.Previous,
                },
                null
            );
    }

    private static string? Problem(StaticRole? old, string database, string[] users, FieldValues fields) =>
        database.Length == 0 ? "database name is a required field"
        : ConfigName.Problem(database) is not null ? "db_name cannot be the name of a configured database"
        : users[0].Length == 0 ? "username is a required field to create a static account"
        : users.Any(user => user.Any(char.IsControl)) ? "a username has a control character"
        : users.Length == 2 && users[0] == users[1] ? "second_username is the same as username"
        : old is not null
        && (users[0] != old.Users[0] || (old.Users.Count == 2 && users.ElementAtOrDefault(1) != old.Users[1]))
            ? "cannot update static account username"
        : fields.StringOrNull("credential_type") is not (null or "" or "password")
            ? "invalid credential_type; there is: password"
        : fields.StringMapOrNull("credential_config")?.Keys.Any(key => key != "password_policy") == true
            ? "credential_config validation failed: it takes password_policy alone"
        : old is null && fields.Bool("skip_import_rotation") != fields.Has("password")
            ? "skip_import_rotation and password go together: the password is taken as it is, and changed when its time comes"
        : null;
}
