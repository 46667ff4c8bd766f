using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/wrapping</c>: putting replies behind tokens that work once, and taking them out again.</summary>
internal sealed class WrappingPaths(TokenIssuer issuer)
{
    private const string BadToken = "wrapping token is not valid or does not exist";

    private static readonly FieldSpec Token = new(
        "token",
        FieldType.String,
        "The wrapping token; the caller's own when it is left out."
    );

    public IEnumerable<PathEntry> Entries =>
        [
            new("wrapping/wrap")
            {
                Help = "Wraps the body of the request. The wrap TTL comes as a header.",
                FreeForm = true,
                Write = WrapAsync,
            },
            new("wrapping/unwrap")
            {
                Help = "Gives what a wrapping token wraps, once.",
                Access = Access.Anyone,
                Fields = [Token],
                Write = UnwrapAsync,
            },
            new("wrapping/lookup")
            {
                Help = "Tells when and by which path a wrapping token was made, without using it up.",
                Access = Access.Anyone,
                Fields = [Token],
                Read = LookupAsync,
                Write = LookupAsync,
            },
            new("wrapping/rewrap")
            {
                Help = "Exchanges a wrapping token for a new one of the same TTL.",
                Fields = [Token],
                Write = RewrapAsync,
            },
        ];

    private static ValueTask<Outcome> WrapAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        if (request.Request.WrapTtl is not { Ticks: > 0 })
        {
            return new(Fault.Invalid("endpoint requires response wrapping to be used: set X-Vault-Wrap-TTL"));
        }

        var body = request.Body.Span;
        var data = SecretBytes.CopyOf(body.IsEmpty ? "{}"u8 : body);
        return new(new Response(data.Memory, data));
    }

    private async ValueTask<Outcome> UnwrapAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var (wrapped, _, fault) = await issuer.Tokens.UnwrapAsync(TokenOf(request), cancellation);
        return wrapped is not null ? Decode(wrapped) : fault ?? Fault.Invalid(BadToken);
    }

    private async ValueTask<Outcome> LookupAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var entry = await issuer.Tokens.FindAsync(TokenOf(request), cancellation);
        if (entry is not { Type: TokenType.Wrapping })
        {
            return Fault.Invalid(BadToken);
        }

        return Response.Object(writer =>
        {
            writer.WriteString("creation_path", entry.Path);
            writer.WriteString("creation_time", GoTime.Format(entry.CreatedAt));
            writer.WriteNumber("creation_ttl", (long)entry.CreationTtl.TotalSeconds);
        });
    }

    private async ValueTask<Outcome> RewrapAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var (wrapped, old, fault) = await issuer.Tokens.UnwrapAsync(TokenOf(request), cancellation);
        if (wrapped is null)
        {
            return fault ?? Fault.Invalid(BadToken);
        }

        var (issued, failed) = await issuer.WrappingAsync(wrapped, old!.CreationTtl, old.Path, cancellation);
        var accessor = Decode(wrapped).Auth?.Entry.Accessor;
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(wrapped);
        return issued is null
            ? failed!
            : new Response
            {
                WrapInfo = new WrapInfo(
                    issued.Token,
                    issued.Entry.Accessor,
                    old.CreationTtl,
                    issued.Entry.CreatedAt,
                    old.Path,
                    accessor
                ),
            };
    }

    private static Response Decode(byte[] wrapped) => WrappedReply.Decode(wrapped);

    private static string TokenOf(AuthorizedRequest request) =>
        request.Fields.String("token") is { Length: > 0 } token ? token : request.Request.Token ?? "";
}
