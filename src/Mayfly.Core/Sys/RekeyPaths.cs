using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Seal;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/rekey</c> and <c>sys/rekey-recovery-key</c>: new key shares by agreement of those who hold the old ones.</summary>
internal sealed class RekeyPaths(Custody custody)
{
    private static readonly FieldSpec Nonce = new("nonce", FieldType.String, "names the operation");
    private static readonly FieldSpec Key = new("key", FieldType.String, "one key share, in hexadecimal or base64");

    public IEnumerable<PathEntry> Entries =>
        [
            .. EntriesOf("rekey", custody.Rekey),
            .. EntriesOf("rekey-recovery-key", custody.RekeyRecovery),
            NoBackup("rekey/backup"),
            NoBackup("rekey/recovery-key-backup"),
            NoBackup("rekey/recovery-backup"),
            NoBackup("rekey-recovery-key/backup"),
        ];

    private static IEnumerable<PathEntry> EntriesOf(string prefix, Rekeying rekey) =>
        [
            new PathEntry(prefix + "/init")
            {
                Help =
                    "Shows, starts or cancels a rekey. Cancelling takes a token with sudo, or the operation's nonce and a key share.",
                Access = Access.Anyone,
                Fields =
                [
                    new("secret_shares", FieldType.Int, "how many shares there are to be"),
                    new("secret_threshold", FieldType.Int, "how many of them it takes"),
                    new(
                        "require_verification",
                        FieldType.Bool,
                        "the new shares count only once enough were given back"
                    ),
                    new("stored_shares", FieldType.Int, "decided by the seal") { Ignored = true },
                    new("pgp_keys", FieldType.StringList, "not supported"),
                    new("backup", FieldType.Bool, "not supported"),
                    Nonce,
                    Key,
                ],
                Read = async (_, cancellation) => Reply(await rekey.StatusAsync(cancellation)),
                Write = (request, cancellation) => StartAsync(rekey, request, cancellation),
                Delete = async (request, cancellation) =>
                    await rekey.CancelAsync(Claims.Of(request), cancellation) is { } fault ? fault : Outcome.Done,
            },
            new PathEntry(prefix + "/update")
            {
                Help = "Adds one of the old shares; the last one that is needed gives the new shares.",
                Access = Access.Anyone,
                Fields = [Key with { Required = true }, Nonce with { Required = true }],
                Write = (request, cancellation) => UpdateAsync(rekey, request, cancellation),
            },
            new PathEntry(prefix + "/verify")
            {
                Help =
                    "Adds one of the new shares, to prove that they arrived; the last one that is needed makes them valid.",
                Access = Access.Anyone,
                Fields = [Key, Nonce],
                Read = async (_, cancellation) => Reply(await rekey.VerificationAsync(cancellation)),
                Write = async (request, cancellation) =>
                    Reply(await rekey.VerifyAsync(Claims.Of(request), cancellation)),
                Delete = async (request, cancellation) =>
                    Reply(await rekey.RestartVerificationAsync(Claims.Of(request), cancellation)),
            },
        ];

    /// <summary>There is never a backup, since a rekey that asks for one is refused: the same answers as Vault's without one.</summary>
    private static PathEntry NoBackup(string pattern) =>
        new(pattern)
        {
            Help = "Vault keeps a copy of shares that were encrypted for PGP here; this server does not.",
            Access = Access.Sudo,
            Read = (_, _) => new(Fault.Invalid("no backed-up keys found")),
            Delete = (_, _) => new(Outcome.Done),
        };

    private static async ValueTask<Outcome> StartAsync(
        Rekeying rekey,
        AuthorizedRequest request,
        CancellationToken cancellation
    )
    {
        var fields = request.Fields;
        if (Pgp.Refused(fields, "pgp_keys") is { } pgp)
        {
            return pgp;
        }

        if (fields.Bool("backup"))
        {
            return Fault.Invalid("backup: it needs PGP, which is not supported; leave it out");
        }

        return Reply(
            await rekey.StartAsync(
                Claims.Of(request),
                fields.Int("secret_shares"),
                fields.Int("secret_threshold"),
                fields.Bool("require_verification"),
                cancellation
            )
        );
    }

    private static async ValueTask<Outcome> UpdateAsync(
        Rekeying rekey,
        AuthorizedRequest request,
        CancellationToken cancellation
    )
    {
        var (progress, fault) = await rekey.UpdateAsync(Claims.Of(request), cancellation);
        if (progress is null)
        {
            return fault!;
        }

        using (progress)
        {
            if (progress.New is not { } made)
            {
                return Reply((progress.Status, null));
            }

            return Response.Object(
                ResponseShape.Bare,
                writer =>
                {
                    writer.WriteString("nonce", progress.Status.Nonce);
                    writer.WriteBoolean("complete", true);
                    InitPaths.WriteKeys(writer, "", made.Shares);
                    WriteCommon(writer, progress.Status);
                }
            );
        }
    }

    private static Outcome Reply((RekeyStatus? Status, Fault? Fault) result)
    {
        if (result.Status is not { } status)
        {
            return result.Fault!;
        }

        return Response.Object(
            ResponseShape.Bare,
            writer =>
            {
                writer.WriteString("nonce", status.Nonce);
                writer.WriteBoolean("started", status.Started);
                writer.WriteNumber("t", status.Threshold);
                writer.WriteNumber("n", status.Shares);
                writer.WriteNumber("progress", status.Progress);
                writer.WriteNumber("required", status.Required);
                WriteCommon(writer, status);
            }
        );
    }

    private static void WriteCommon(Utf8JsonWriter writer, RekeyStatus status)
    {
        writer.WriteNull("pgp_fingerprints");
        writer.WriteBoolean("backup", false);
        writer.WriteBoolean("verification_required", status.VerificationRequired);
        if (status.VerificationNonce.Length > 0)
        {
            writer.WriteString("verification_nonce", status.VerificationNonce);
        }
    }

    private static Outcome Reply((RekeyVerification? Verification, Fault? Fault) result)
    {
        if (result.Verification is not { } verification)
        {
            return result.Fault!;
        }

        return Response.Object(
            ResponseShape.Bare,
            writer =>
            {
                writer.WriteString("nonce", verification.Nonce);
                if (verification.Complete)
                {
                    writer.WriteBoolean("complete", true);
                    return;
                }

                writer.WriteBoolean("started", true);
                writer.WriteNumber("t", verification.Threshold);
                writer.WriteNumber("n", verification.Shares);
                writer.WriteNumber("progress", verification.Progress);
            }
        );
    }
}
