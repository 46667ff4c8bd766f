using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Engines.Database;

/// <summary>The paths of roles: <c>roles/NAME</c> and <c>roles</c>.</summary>
internal sealed class RolePaths(View view, OpenConnections connections)
{
    public const string Folder = "role/";

    private static readonly FieldSpec Name = new("name", FieldType.String, "Name of the role.");

    private static readonly FieldSpec[] Fields =
    [
        Name,
        new("db_name", FieldType.String, "The configured database that users are made in."),
        new(
            "creation_statements",
            FieldType.Texts,
            "Statements that make {{name}} with {{password}} until {{expiration}}."
        ),
        new(
            "revocation_statements",
            FieldType.Texts,
            "Statements that remove {{name}}; the server knows its own way without them."
        ),
        new(
            "rollback_statements",
            FieldType.Texts,
            "Statements that clean up after a creation that failed, where there are no transactions."
        ),
        new("renew_statements", FieldType.Texts, "Statements that move the end of {{name}} to {{expiration}}."),
        new("default_ttl", FieldType.Duration, "How long users live; the mount's when not set."),
        new("max_ttl", FieldType.Duration, "How long renewals may make them live; the mount's when not set."),
        new("credential_type", FieldType.String, "password, which is the only one."),
        new(
            "credential_config",
            FieldType.StringMap,
            "password_policy: the policy that passwords are made by, instead of the configuration's."
        ),
        new(
            "owned_objects",
            FieldType.String,
            "What becomes of what a user owns when it is removed: reassign (unless set), drop or refuse (PostgreSQL)."
        ),
        new("reassign_to", FieldType.String, "Who gets it; the user of the connection unless set (PostgreSQL)."),
        new(
            "revocation_keeps_sessions",
            FieldType.Bool,
            "Let open sessions go on after the user is removed; false unless set."
        ),
    ];

    public IReadOnlyList<PathEntry> Entries =>
        [
            new PathEntry("roles") { Help = "List the roles.", List = ListAsync },
            new PathEntry("roles/{name}")
            {
                Help = "Manage a role: how users are made, how long they live, and how they are removed.",
                Fields = Fields,
                Read = ReadAsync,
                Write = WriteAsync,
                Delete = DeleteAsync,
                Exists = ExistsAsync,
            },
        ];

    /// <summary>The role of that name, or null.</summary>
    public async ValueTask<(Role Role, long Version)?> FindAsync(string name, CancellationToken cancellation)
    {
        if (!ConfigName.IsUsable(name))
        {
            return null;
        }

        using var entry = await view.GetAsync(Folder + name, cancellation);
        return entry is null ? null : (Role.Read(entry.Value.Memory), entry.Version);
    }

    private async ValueTask<bool> ExistsAsync(PathMatch match, CancellationToken cancellation) =>
        ConfigName.IsUsable(match.Captures["name"]!)
        && await view.ExistsAsync(Folder + match.Captures["name"], cancellation);

    private async ValueTask<Outcome> ListAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        Response.Keys(await view.ListAsync(Folder, cancellation));

    private async ValueTask<Outcome> ReadAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        await FindAsync(request.Fields.String("name"), cancellation) is { Role: var role }
            ? Response.Object(role.WriteShown)
            : Fault.NotFound();

    private async ValueTask<Outcome> WriteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("name");
        if (ConfigName.Problem(name) is { } unusable)
        {
            return unusable;
        }

        if (await view.ExistsAsync(StaticRoles.Folder + name, cancellation))
        {
            return Fault.Invalid(StaticRoles.NotUnique);
        }

        var found = await FindAsync(name, cancellation);
        var (role, fault) = Merge(found?.Role, request.Fields);
        if (role is null)
        {
            return fault!;
        }

        // The statements are read in the language of the database, where that is known already.
        var config = await connections.FindAsync(role.Database, cancellation);
        if (config is { Config: var known } && DatabaseKind.Find(known.PluginName)?.CheckRole(role) is { } problem)
        {
            return problem;
        }

        using var record = role.Write();
        var batch = new Batch();
        view.Put(batch, Folder + name, record.Span, expectedVersion: found?.Version ?? 0);
        view.Expect(batch, StaticRoles.Folder + name, 0);
        return Outcome.From(await view.CommitAsync(batch, cancellation));
    }

    private async ValueTask<Outcome> DeleteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("name");
        return ConfigName.IsUsable(name)
            ? Outcome.From(await view.DeleteAsync(Folder + name, cancellation))
            : Outcome.Done;
    }

    private static (Role? Role, Fault? Fault) Merge(Role? old, FieldValues fields)
    {
        var role = new Role
        {
            Database = fields.StringOrNull("db_name") ?? old?.Database ?? "",
            Creation = Statements.Of(fields, "creation_statements") ?? old?.Creation ?? [],
            Revocation = Statements.Of(fields, "revocation_statements") ?? old?.Revocation ?? [],
            Rollback = Statements.Of(fields, "rollback_statements") ?? old?.Rollback ?? [],
            Renewal = Statements.Of(fields, "renew_statements") ?? old?.Renewal ?? [],
            DefaultTtl = fields.DurationOrNull("default_ttl") ?? old?.DefaultTtl ?? TimeSpan.Zero,
            MaxTtl = fields.DurationOrNull("max_ttl") ?? old?.MaxTtl ?? TimeSpan.Zero,
            CredentialConfig = fields.StringMapOrNull("credential_config") ?? old?.CredentialConfig ?? Role.NoConfig,
            ReassignTo = fields.StringOrNull("reassign_to") ?? old?.ReassignTo ?? "",
            KeepsSessions = fields.BoolOrNull("revocation_keeps_sessions") ?? old?.KeepsSessions ?? false,
            Owned = old?.Owned ?? OwnedObjects.Reassign,
        };
        switch (fields.StringOrNull("owned_objects"))
        {
            case null:
                break;
            case "" or "reassign":
                role = role with { Owned = OwnedObjects.Reassign };
                break;
            case "drop":
                role = role with { Owned = OwnedObjects.Drop };
                break;
            case "refuse":
                role = role with { Owned = OwnedObjects.Refuse };
                break;
            default:
                return (null, Fault.Invalid("owned_objects is reassign, drop or refuse"));
        }

        return Problem(role, fields) is { } problem ? (null, Fault.Invalid(problem)) : (role, null);
    }

    private static string? Problem(Role role, FieldValues fields) =>
        role.Database.Length == 0 ? "database name is required"
        : ConfigName.Problem(role.Database) is not null ? "db_name cannot be the name of a configured database"
        : fields.StringOrNull("credential_type") is not (null or "" or "password")
            ? $"invalid credential_type; there is: password"
        : role.CredentialConfig.Keys.Any(key => key != "password_policy")
            ? "credential_config validation failed: it takes password_policy alone"
        : role.MaxTtl > TimeSpan.Zero && role.DefaultTtl > role.MaxTtl ? "default_ttl is longer than max_ttl"
        : null;
}
