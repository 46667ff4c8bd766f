using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Seal;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/seal-status</c>, <c>sys/unseal</c>, <c>sys/seal</c>.</summary>
internal sealed class SealPaths(Custody custody, IStore store, VaultOptions options)
{
    public IEnumerable<PathEntry> Entries =>
        [
            new PathEntry("seal-status")
            {
                Help = "Tells whether the server is sealed, and how far the unsealing is.",
                Access = Access.Anyone,
                WhenSealed = true,
                Read = (_, _) => new(Status()),
            },
            new PathEntry("unseal")
            {
                Help = "Takes one unseal key; the last one that is needed unseals the server.",
                Access = Access.Anyone,
                WhenSealed = true,
                Fields =
                [
                    new("key", FieldType.String, "one key share, in hexadecimal or base64"),
                    new("reset", FieldType.Bool, "forget the keys that were given so far"),
                    new("migrate", FieldType.Bool, "make the configured seal the one that opens the vault from now on"),
                ],
                Write = UnsealAsync,
            },
            new PathEntry("seal")
            {
                Help = "Seals the server: every key is forgotten, and only unsealing brings it back.",
                Access = Access.Sudo,
                Write = (_, _) => new(new Response { OnceRecorded = custody.SealAsync }),
            },
        ];

    private async ValueTask<Outcome> UnsealAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var key = request.Fields.String("key");
        if (request.Fields.Bool("reset"))
        {
            await custody.ResetAsync(cancellation);
        }
        else if (key.Length == 0)
        {
            return Fault.Invalid("'key' must be specified in request body as JSON, or 'reset' set to true");
        }
        else if (await custody.SubmitShareAsync(key, request.Fields.Bool("migrate"), cancellation) is { } fault)
        {
            return fault;
        }

        return Status();
    }

    private Response Status()
    {
        var status = custody.Status;
        return Response.Object(
            ResponseShape.Bare,
            writer =>
            {
                writer.WriteString("type", status.Type);
                writer.WriteBoolean("initialized", status.Initialized);
                writer.WriteBoolean("sealed", status.Sealed);
                writer.WriteNumber("t", status.Threshold);
                writer.WriteNumber("n", status.Shares);
                writer.WriteNumber("progress", status.Progress);
                writer.WriteString("nonce", status.Nonce);
                writer.WriteString("version", options.Version);
                writer.WriteString("build_date", "");
                writer.WriteString("commit_date", "");
                writer.WriteBoolean("migration", status.Migration);
                if (!status.Sealed)
                {
                    writer.WriteString("cluster_name", options.ClusterName);
                    writer.WriteString("cluster_id", status.ClusterId);
                }

                writer.WriteBoolean("recovery_seal", status.RecoverySeal);
                writer.WriteString("storage_type", store.Type);
            }
        );
    }
}
