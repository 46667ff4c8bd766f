using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Auth.Token;

/// <summary>The roles at <c>auth/token/roles</c>.</summary>
internal sealed class TokenRoles(View view)
{
    private const string Folder = "roles/";

    public IEnumerable<PathEntry> Entries =>
        [
            new("roles") { Help = "Lists the token roles.", List = ListAsync },
            new("roles/{role_name}")
            {
                Help = "Reads, writes and deletes a token role.",
                Fields = TokenRole.Fields,
                Read = ReadAsync,
                Write = WriteAsync,
                Delete = DeleteAsync,
                Exists = (match, cancellation) => view.ExistsAsync(Folder + match.Captures["role_name"], cancellation),
            },
        ];

    public async ValueTask<TokenRole?> FindAsync(string name, CancellationToken cancellation)
    {
        using var entry = await view.GetAsync(Folder + name, cancellation);
        return entry is null ? null : TokenRole.Decode(entry.Value);
    }

    private async ValueTask<Outcome> ListAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        Response.Keys(await view.ListAsync(Folder, cancellation));

    private async ValueTask<Outcome> ReadAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        await FindAsync(request.Fields.String("role_name"), cancellation) is { } role
            ? Response.Object(role.WriteTo)
            : Fault.NotFound();

    private async ValueTask<Outcome> WriteAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var name = request.Fields.String("role_name");
        var stored = await FindAsync(name, cancellation) ?? new TokenRole { Name = name };
        var (role, fault) = stored.Apply(request.Fields);
        return role is null ? fault! : Outcome.From(await view.PutAsync(Folder + name, role.Encode(), cancellation));
    }

    private async ValueTask<Outcome> DeleteAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        Outcome.From(await view.DeleteAsync(Folder + request.Fields.String("role_name"), cancellation));
}
