using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace Mayfly.Agent.Rendering;

/// <summary>
/// The certificate that a template has rendered before: it is used again while it is good, so that a restart of the agent does
/// not make a new one.
/// </summary>
internal static class KeptCertificate
{
    private const int MaxSize = 1024 * 1024;

    /// <summary>
    /// The certificate in a file, with its key and its issuers as far as the file has them, and the time until it is to be replaced;
    /// null when there is none that is still good.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="usedUp">The part of its life after which it is not used again.</param>
    /// <param name="now">The time.</param>
    public static KeptCertificateReply? Read(string file, double usedUp, DateTimeOffset now)
    {
        try
        {
            var info = new FileInfo(file);
            return info is { Exists: true, Length: > 0 and < MaxSize }
                ? Parse(File.ReadAllText(file), usedUp, now)
                : null;
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            // A file that cannot be read holds nothing to go on with.
            return null;
        }
    }

    private static KeptCertificateReply? Parse(string text, double usedUp, DateTimeOffset now)
    {
        var certificates = new List<string>();
        var key = "";
        var rest = text.AsSpan();
        while (PemEncoding.TryFind(rest, out var fields))
        {
            var block = rest[fields.Location].ToString();
            var label = rest[fields.Label].ToString();
            if (label == "CERTIFICATE")
            {
                certificates.Add(block);
            }
            else if (label.EndsWith("PRIVATE KEY", StringComparison.Ordinal))
            {
                key = block;
            }

            rest = rest[fields.Location.End..];
        }

        var leaf = certificates.Find(block => IsUsable(block, key, usedUp, now));
        if (leaf is null)
        {
            return null;
        }

        using var certificate = X509Certificate2.CreateFromPem(leaf);
        var begin = certificate.NotBefore.ToUniversalTime();
        var left = begin + ((certificate.NotAfter.ToUniversalTime() - begin) * usedUp) - now.UtcDateTime;
        return new KeptCertificateReply(Reply(leaf, key, [.. certificates.Where(block => block != leaf)]), left);
    }

    /// <summary>An end certificate that fits the key, with enough of its life left.</summary>
    private static bool IsUsable(string block, string key, double usedUp, DateTimeOffset now)
    {
        using var certificate = X509Certificate2.CreateFromPem(block);
        if (certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(basic => basic.CertificateAuthority))
        {
            return false;
        }

        var begin = certificate.NotBefore.ToUniversalTime();
        var end = certificate.NotAfter.ToUniversalTime();
        if (now.UtcDateTime < begin || now.UtcDateTime > begin + ((end - begin) * usedUp))
        {
            return false;
        }

        if (key.Length == 0)
        {
            return true;
        }

        try
        {
            using var whole = X509Certificate2.CreateFromPem(block, key);
            return true;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return false;
        }
    }

    private static JsonElement Reply(string leaf, string key, IReadOnlyList<string> issuers)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteString("certificate", leaf);
            writer.WriteString("private_key", key);
            writer.WriteString("issuing_ca", issuers.Count > 0 ? issuers[0] : "");
            writer.WriteStartArray("ca_chain");
            foreach (var issuer in issuers)
            {
                writer.WriteStringValue(issuer);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return JsonElement.Parse(json.WrittenSpan);
    }
}

/// <summary>A certificate as an engine would answer it.</summary>
/// <param name="Fields">The answer's data.</param>
/// <param name="Left">The time until it is to be replaced.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct KeptCertificateReply(JsonElement Fields, TimeSpan Left);
