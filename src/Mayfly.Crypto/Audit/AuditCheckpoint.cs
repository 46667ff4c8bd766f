using System.Text;
using System.Text.Json;

namespace Mayfly.Crypto.Audit;

/// <summary>What a checkpoint line says beside its signature. Immutable.</summary>
public sealed record AuditCheckpoint
{
    private AuditCheckpoint() { }

    /// <summary>The device's identity.</summary>
    public string Log { get; private init; } = "";

    /// <summary><c>start</c>, <c>resume</c>, <c>periodic</c>, <c>rotate</c> or <c>close</c>.</summary>
    public string Kind { get; private init; } = "";

    /// <summary>Why a file starts or resumes.</summary>
    public string Reason { get; private init; } = "";

    /// <summary>Short name of the key.</summary>
    public string KeyId { get; private init; } = "";

    /// <summary>The public key (SubjectPublicKeyInfo), where a file starts or resumes.</summary>
    public byte[]? PublicKey { get; private init; }

    /// <summary>Bytes of the torn line before, which the server closed off.</summary>
    public int TornBytes { get; private init; }

    /// <summary>SHA-256 of the torn line in hexadecimal.</summary>
    public string TornHash { get; private init; } = "";

    /// <summary>Where the log should have ended when the server opened it again, if it did not.</summary>
    public AuditLink? Expected { get; private init; }

    /// <summary>Entries that the device could not take before this line.</summary>
    public long Lost { get; private init; }

    /// <summary>Where the line itself stands.</summary>
    public AuditLink Link { get; private init; } = new(0, "");

    /// <summary>Reads a checkpoint line, such as the file beside a log holds. Its signature is not checked.</summary>
    public static AuditCheckpoint? TryParse(ReadOnlySpan<byte> line)
    {
        if (!AuditLine.TryParse(line, out var parsed) || !parsed.IsCheckpoint)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(line.TrimEnd((byte)'\n').ToArray());
            if (
                document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("checkpoint", out var body)
                || body.ValueKind != JsonValueKind.Object
            )
            {
                return null;
            }

            var torn = Member(body, "torn");
            var expected = Member(body, "expected");
            return new AuditCheckpoint
            {
                Log = Text(body, "log"),
                Kind = Text(body, "kind"),
                Reason = Text(body, "reason"),
                KeyId = Text(body, "key"),
                PublicKey = Text(body, "public_key") is { Length: > 0 } key ? Convert.FromBase64String(key) : null,
                TornBytes = (int)Math.Min(int.MaxValue, Number(torn, "bytes")),
                TornHash = Text(torn, "sha256"),
                Expected = expected is null ? null : new AuditLink(Number(expected, "seq"), Text(expected, "hash")),
                Lost = Number(body, "lost"),
                Link = new AuditLink(parsed.Sequence, Encoding.ASCII.GetString(parsed.HashHex)),
            };
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            return null;
        }
    }

    private static JsonElement? Member(JsonElement? parent, string name) =>
        parent is { ValueKind: JsonValueKind.Object } known && known.TryGetProperty(name, out var member)
            ? member
            : null;

    private static string Text(JsonElement? parent, string name) =>
        Member(parent, name) is { ValueKind: JsonValueKind.String } member ? member.GetString()! : "";

    private static long Number(JsonElement? parent, string name) =>
        Member(parent, name) is { ValueKind: JsonValueKind.Number } member && member.TryGetInt64(out var number)
            ? number
            : 0;
}
