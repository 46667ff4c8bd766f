using System.Security.Cryptography;
using System.Text;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Sys;

/// <summary><c>sys/tools</c>: random bytes and hashes.</summary>
internal sealed class ToolPaths
{
    private const int MostBytes = 128 * 1024;

    private static readonly IReadOnlyList<FieldSpec> RandomFields =
    [
        new("urlbytes", FieldType.String, "Number of bytes."),
        new("bytes", FieldType.Int, "Number of bytes; 32 when it is left out."),
        new("format", FieldType.String, "base64 or hex."),
        new("source", FieldType.String, "platform; other sources are not there."),
    ];

    private static readonly IReadOnlyList<FieldSpec> HashFields =
    [
        new(
            "urlalgorithm",
            FieldType.String,
            "sha2-256 (default), sha2-384, sha2-512, sha3-256, sha3-384 or sha3-512."
        ),
        new("algorithm", FieldType.String, "The same, in the body."),
        new("input", FieldType.String, "Base64.") { Required = true },
        new("format", FieldType.String, "hex (default) or base64."),
    ];

    public IEnumerable<PathEntry> Entries =>
        [
            new("tools/random")
            {
                Help = "Gives random bytes.",
                Fields = RandomFields,
                Write = Random,
            },
            new("tools/random/{urlbytes}")
            {
                Help = "Gives random bytes.",
                Fields = RandomFields,
                Write = Random,
            },
            new("tools/random/{source}/{urlbytes}")
            {
                Help = "Gives random bytes.",
                Fields = RandomFields,
                Write = Random,
            },
            new("tools/hash")
            {
                Help = "Hashes bytes.",
                Fields = HashFields,
                Write = Hash,
            },
            new("tools/hash/{urlalgorithm}")
            {
                Help = "Hashes bytes.",
                Fields = HashFields,
                Write = Hash,
            },
        ];

    private static ValueTask<Outcome> Random(AuthorizedRequest request, CancellationToken cancellation)
    {
        var text = request.Fields.String("urlbytes");
        var count =
            text.Length == 0 ? request.Fields.Int("bytes", 32)
            : long.TryParse(text, out var parsed) ? parsed
            : -1;
        if (count is < 1 or > MostBytes)
        {
            return new(Fault.Invalid($"\"bytes\" must be from 1 to {MostBytes}"));
        }

        if (request.Fields.String("source") is not ("" or "platform" or "all"))
        {
            return new(Fault.Invalid("the only source of entropy here is \"platform\""));
        }

        var format = request.Fields.String("format");
        return Encode(
            RandomNumberGenerator.GetBytes((int)count),
            "random_bytes",
            format.Length == 0 ? "base64" : format
        );
    }

    private static ValueTask<Outcome> Hash(AuthorizedRequest request, CancellationToken cancellation)
    {
        var input = new byte[Encoding.UTF8.GetMaxByteCount(request.Fields.String("input").Length)];
        if (!Convert.TryFromBase64String(request.Fields.String("input"), input, out var length))
        {
            return new(Fault.Invalid("unable to decode input as base64"));
        }

        var name = request.Fields.String("urlalgorithm") is { Length: > 0 } url
            ? url
            : request.Fields.String("algorithm");
        var data = input.AsSpan(0, length);
        byte[]? hash = name switch
        {
            "" or "sha2-256" => SHA256.HashData(data),
            "sha2-384" => SHA384.HashData(data),
            "sha2-512" => SHA512.HashData(data),
            "sha3-256" => SHA3_256.HashData(data),
            "sha3-384" => SHA3_384.HashData(data),
            "sha3-512" => SHA3_512.HashData(data),
            _ => null,
        };
        var format = request.Fields.String("format");
        return hash is null
            ? new(
                Fault.Invalid("unsupported algorithm; use sha2-256, sha2-384, sha2-512, sha3-256, sha3-384 or sha3-512")
            )
            : Encode(hash, "sum", format.Length == 0 ? "hex" : format);
    }

    private static ValueTask<Outcome> Encode(byte[] bytes, string name, string format) =>
        format switch
        {
            "base64" => new(Response.Object(writer => writer.WriteString(name, Convert.ToBase64String(bytes)))),
            "hex" => new(Response.Object(writer => writer.WriteString(name, Convert.ToHexStringLower(bytes)))),
            _ => new(Fault.Invalid("unsupported encoding format; must be \"hex\" or \"base64\"")),
        };
}
