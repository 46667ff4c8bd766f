using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines.Database;

/// <summary><c>creds/NAME</c>: makes users, and prolongs and removes them with their leases.</summary>
internal sealed class CredentialPaths(
    RolePaths roles,
    OpenConnections connections,
    PasswordSource passwords,
    TimeProvider time
)
{
    public IReadOnlyList<PathEntry> Entries =>
        [
            new PathEntry("creds/{name}")
            {
                Help = "Make a user after a role, which lives as long as its lease.",
                Fields = [new("name", FieldType.String, "Name of the role.")],
                Issue = PlanAsync,
            },
        ];

    public ValueTask<Fault?> RenewAsync(LeasedSecret lease, CancellationToken cancellation) =>
        UseAsync(
            lease,
            (database, issued, role, limit) =>
                database.RenewAsync(new(issued.Username, lease.ExpiresAt, role.Renewal), limit),
            cancellation
        );

    public ValueTask<Fault?> RevokeAsync(LeasedSecret lease, CancellationToken cancellation) =>
        UseAsync(
            lease,
            (database, issued, role, limit) => database.RemoveAsync(issued.Removal(role), limit),
            cancellation
        );

    /// <summary>Does something about a lease's user, by the role as it is now.</summary>
    private async ValueTask<Fault?> UseAsync(
        LeasedSecret lease,
        Func<IDatabase, IssuedUser, Role, CancellationToken, ValueTask<Fault?>> act,
        CancellationToken cancellation
    )
    {
        var issued = IssuedUser.Read(lease.Data);
        var role = await RoleOfAsync(issued, cancellation);
        var (connection, fault) = await connections.GetAsync(role.Database, cancellation);
        return connection is null
            ? fault
            : await connection.UseAsync((database, limit) => act(database, issued, role, limit), cancellation);
    }

    private async ValueTask<(LeasePlan? Plan, Fault? Fault)> PlanAsync(
        AuthorizedRequest request,
        CancellationToken cancellation
    )
    {
        var roleName = request.Fields.String("name");
        if (await roles.FindAsync(roleName, cancellation) is not { Role: var role })
        {
            return (null, Fault.Invalid(ConfigName.IsUsable(roleName) ? $"unknown role: {roleName}" : "unknown role"));
        }

        var (connection, fault) = await connections.GetAsync(role.Database, cancellation);
        if (connection is null)
        {
            return (null, fault);
        }

        if (!connection.Config.Allows(roleName))
        {
            return (null, Fault.Invalid($"\"{roleName}\" is not an allowed role"));
        }

        (var username, fault) = UserNames.Make(
            connection,
            request.CallerOrNull?.Token.DisplayName ?? "",
            roleName,
            time.GetUtcNow()
        );
        if (username is null)
        {
            return (null, fault);
        }

        (var password, fault) = await passwords(role.PolicyOver(connection.Config), cancellation);
        if (password is null)
        {
            return (null, fault);
        }

        return (
            new LeasePlan
            {
                Ttl = role.DefaultTtl,
                MaxTtl = role.MaxTtl,
                Data = new IssuedUser(username, roleName, role).Write(),
                Act = (end, limit) =>
                    MakeAsync(connection, new(username, password, end, role.Creation, role.Rollback), limit),
            },
            null
        );
    }

    private static async ValueTask<Outcome> MakeAsync(
        OpenConnection connection,
        NewUser user,
        CancellationToken cancellation
    )
    {
        var fault = await connection.UseAsync((database, limit) => database.CreateAsync(user, limit), cancellation);
        return fault is not null
            ? fault
            : Response.Object(writer =>
            {
                writer.WriteString("username", user.Name);
                writer.WriteString("password", user.Password);
            });
    }

    /// <summary>The role as it is now, or as it was when the user was made if it has gone or moved to another database.</summary>
    private async ValueTask<Role> RoleOfAsync(IssuedUser issued, CancellationToken cancellation) =>
        await roles.FindAsync(issued.RoleName, cancellation) is { Role: var role }
        && role.Database == issued.Role.Database
            ? role
            : issued.Role;
}
