using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Seal;
using Mayfly.Crypto;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/init</c>.</summary>
internal sealed class InitPaths(Custody custody)
{
    public IEnumerable<PathEntry> Entries =>
        [
            new PathEntry("init")
            {
                Help = "Tells whether the server is initialized, or initializes it.",
                Access = Access.Anyone,
                WhenSealed = true,
                Fields =
                [
                    new("secret_shares", FieldType.Int, "how many unseal keys there are to be"),
                    new("secret_threshold", FieldType.Int, "how many of them unseal"),
                    new(
                        "recovery_shares",
                        FieldType.Int,
                        "with an automatic seal: how many recovery keys there are to be"
                    ),
                    new("recovery_threshold", FieldType.Int, "with an automatic seal: how many of them recover"),
                    new("stored_shares", FieldType.Int, "decided by the seal") { Ignored = true },
                    new("pgp_keys", FieldType.StringList, "not supported"),
                    new("recovery_pgp_keys", FieldType.StringList, "not supported"),
                    new("root_token_pgp_key", FieldType.String, "not supported"),
                ],
                Read = (_, _) =>
                    new(
                        Response.Object(
                            ResponseShape.Bare,
                            writer => writer.WriteBoolean("initialized", custody.Status.Initialized)
                        )
                    ),
                Write = InitializeAsync,
            },
        ];

    private async ValueTask<Outcome> InitializeAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var fields = request.Fields;
        if (Pgp.Refused(fields, "pgp_keys", "recovery_pgp_keys", "root_token_pgp_key") is { } pgp)
        {
            return pgp;
        }

        var status = custody.Status;
        var (own, other) = status.RecoverySeal ? ("recovery", "secret") : ("secret", "recovery");
        if (!status.Initialized && (fields.Int(other + "_shares") != 0 || fields.Int(other + "_threshold") != 0))
        {
            return Fault.Invalid(
                $"parameters {other}_shares,{other}_threshold not applicable to seal type {status.Type}; use {own}_shares and {own}_threshold"
            );
        }

        var (keys, fault) = await custody.InitializeAsync(
            fields.Int(own + "_shares"),
            fields.Int(own + "_threshold"),
            cancellation
        );
        if (keys is null)
        {
            return fault!;
        }

        using (keys)
        {
            return Response.Object(
                ResponseShape.Bare,
                writer =>
                {
                    WriteKeys(writer, "", keys.AreRecoveryKeys ? [] : keys.Shares);
                    if (keys.AreRecoveryKeys)
                    {
                        WriteKeys(writer, "recovery_", keys.Shares);
                    }

                    writer.WriteString("root_token", keys.RootToken);
                }
            );
        }
    }

    /// <summary>The shares twice, as Vault gives them: hexadecimal and base64.</summary>
    internal static void WriteKeys(Utf8JsonWriter writer, string prefix, IReadOnlyList<SecretBytes> shares)
    {
        writer.WriteStartArray(prefix + "keys");
        foreach (var share in shares)
        {
            using var hex = SecretBytes.Rent(share.Length * 2);
            Convert.TryToHexStringLower(share.Span, hex.Span, out _);
            writer.WriteStringValue(hex.Span);
        }

        writer.WriteEndArray();
        writer.WriteStartArray(prefix + "keys_base64");
        foreach (var share in shares)
        {
            writer.WriteBase64StringValue(share.Span);
        }

        writer.WriteEndArray();
    }
}

/// <summary>Honest about a feature of Vault's that is not here.</summary>
internal static class Pgp
{
    public static Fault? Refused(FieldValues fields, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (fields.StringList(name).Count > 0)
            {
                return Fault.Invalid($"{name}: encrypting keys for PGP is not supported; leave it out");
            }
        }

        return null;
    }
}
