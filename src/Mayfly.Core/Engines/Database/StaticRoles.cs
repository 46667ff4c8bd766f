using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Engines.Database;

/// <summary>The static roles of a mount. Safe for concurrent use.</summary>
internal sealed class StaticRoles(View view)
{
    public const string Folder = "static-role/";
    public const string NotUnique = "Role and Static Role names must be unique";

    /// <summary>What the rotation of a role is called.</summary>
    public static string Target(string name) => $"static-roles/{name}";

    /// <summary>The name of the role whose rotation that is.</summary>
    public static string NameOf(SecretRotation rotation) => rotation.Target[(rotation.Target.IndexOf('/') + 1)..];

    /// <summary>The role of that name, or null.</summary>
    public async ValueTask<(StaticRole Role, long Version)?> FindAsync(string name, CancellationToken cancellation)
    {
        if (!ConfigName.IsUsable(name))
        {
            return null;
        }

        using var entry = await view.GetAsync(Folder + name, cancellation);
        return entry is null ? null : (StaticRole.Read(entry.Value.Memory), entry.Version);
    }

    /// <summary>Shows every password that readers get or got, and that of a rotation under way.</summary>
    public async ValueTask VisitAsync(SecretVisitor visitor, CancellationToken cancellation)
    {
        foreach (var name in await view.ListAsync(Folder, cancellation))
        {
            if (await FindAsync(name, cancellation) is not { Role: var role })
            {
                continue;
            }

            Visit(role.Current, "current");
            Visit(role.Previous, "previous");
            Visit(role.Next, "next");

            void Visit(StaticCredential? credential, string version)
            {
                if (credential is not null)
                {
                    using var response = Response.Object(json => json.WriteString("password", credential.Password));
                    visitor(
                        new HeldSecret("static-creds/", "static-roles/", name, version, version == "current"),
                        response.Data.Span
                    );
                }
            }
        }
    }

    /// <summary>Stores a role that was read with that version.</summary>
    public async ValueTask<CommitResult> SaveAsync(
        string name,
        StaticRole role,
        long expected,
        CancellationToken cancellation
    )
    {
        var batch = new Batch();
        Put(batch, name, role, expected);
        return await view.CommitAsync(batch, cancellation);
    }

    public void Put(Batch batch, string name, StaticRole role, long expected)
    {
        using var record = role.Write();
        view.Put(batch, Folder + name, record.Span, expectedVersion: expected);
    }
}
