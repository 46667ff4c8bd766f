using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Auth.Token;

/// <summary>Look-ups: by token, by accessor, of oneself, and the list of accessors.</summary>
internal sealed class TokenLookup(TokenStore tokens, TimeProvider time)
{
    public IEnumerable<PathEntry> Entries =>
        [
            new("lookup")
            {
                Help = "Looks up a token.",
                Fields = [new("token", FieldType.String, "The token; the caller's own when it is left out.")],
                Read = ByTokenAsync,
                Write = ByTokenAsync,
            },
            new("lookup-self")
            {
                Help = "Looks up the caller's own token.",
                Fields = [new("token", FieldType.String, "Not looked at.")],
                Read = SelfAsync,
                Write = SelfAsync,
            },
            new("lookup-accessor")
            {
                Help = "Looks up a token by its accessor.",
                Fields = [new("accessor", FieldType.String, "The accessor.") { Required = true }],
                Read = ByAccessorAsync,
                Write = ByAccessorAsync,
            },
            new("accessors")
            {
                Help = "Lists the accessors of all tokens.",
                Access = Access.Sudo,
                List = async (_, cancellation) => Response.Keys(await tokens.ListAccessorsAsync(cancellation)),
            },
        ];

    private async ValueTask<Outcome> ByTokenAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var token = request.Fields.String("token");
        if (token.Length == 0)
        {
            return await SelfAsync(request, cancellation);
        }

        return await tokens.FindAsync(token, cancellation) is { } entry
            ? Show(entry, token)
            : Fault.Denied("bad token");
    }

    private ValueTask<Outcome> SelfAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        new(Show(request.Caller.Token, request.Request.Token!));

    private async ValueTask<Outcome> ByAccessorAsync(AuthorizedRequest request, CancellationToken cancellation) =>
        await tokens.FindByAccessorAsync(request.Fields.String("accessor"), cancellation) is { } entry
            ? Show(entry, id: "")
            : Fault.Denied("invalid accessor");

    private Response Show(TokenEntry entry, string id)
    {
        var now = time.GetUtcNow();
        return Response.Object(writer => TokenJson.WriteTo(writer, entry, id, now));
    }
}
