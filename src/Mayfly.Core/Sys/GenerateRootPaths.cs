using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Seal;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/generate-root</c>: a new root token by agreement of the people who hold key shares.</summary>
internal sealed class GenerateRootPaths(Custody custody)
{
    private static readonly FieldSpec Nonce = new("nonce", FieldType.String, "names the attempt");
    private static readonly FieldSpec Key = new("key", FieldType.String, "one key share, in hexadecimal or base64");

    public IEnumerable<PathEntry> Entries =>
        [
            new PathEntry("generate-root/update")
            {
                Help = "Adds one key share to the attempt; the last one that is needed gives the encoded token.",
                Access = Access.Anyone,
                Fields = [Key with { Required = true }, Nonce with { Required = true }],
                Write = async (request, cancellation) =>
                    Reply(await custody.GenerateRoot.UpdateAsync(Claims.Of(request), cancellation)),
            },
            Attempt("generate-root/attempt"),
            Attempt("generate-root"),
        ];

    private PathEntry Attempt(string pattern) =>
        new(pattern)
        {
            Help =
                "Shows, starts or cancels the attempt. Cancelling takes a token with sudo, or the attempt's nonce and a key share.",
            Access = Access.Anyone,
            Fields =
            [
                new("otp", FieldType.String, "a one-time pad as long as a root token; one is made when it is left out"),
                new("pgp_key", FieldType.String, "not supported"),
                Nonce,
                Key,
            ],
            Read = async (_, cancellation) => Reply(await custody.GenerateRoot.StatusAsync(cancellation)),
            Write = async (request, cancellation) =>
                Pgp.Refused(request.Fields, "pgp_key") is { } pgp
                    ? pgp
                    : Reply(
                        await custody.GenerateRoot.StartAsync(
                            Claims.Of(request),
                            request.Fields.String("otp"),
                            cancellation
                        )
                    ),
            Delete = async (request, cancellation) =>
                await custody.GenerateRoot.CancelAsync(Claims.Of(request), cancellation) is { } fault
                    ? fault
                    : Outcome.Done,
        };

    private static Outcome Reply((RootGenerationStatus? Status, Fault? Fault) result)
    {
        if (result.Status is not { } status)
        {
            return result.Fault!;
        }

        return Response.Object(
            ResponseShape.Bare,
            writer =>
            {
                writer.WriteBoolean("started", status.Started);
                writer.WriteString("nonce", status.Nonce);
                writer.WriteNumber("progress", status.Progress);
                writer.WriteNumber("required", status.Required);
                writer.WriteBoolean("complete", status.Complete);
                writer.WriteString("encoded_token", status.EncodedToken);
                writer.WriteString("encoded_root_token", status.EncodedToken);
                writer.WriteString("pgp_fingerprint", "");
                writer.WriteString("otp", status.Otp);
                writer.WriteNumber("otp_length", status.OtpLength);
            }
        );
    }
}
