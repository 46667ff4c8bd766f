using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Mayfly.Agent.SecretsManager;

/// <summary>Names, ARNs and version ids as AWS has them, for secrets that know none of these.</summary>
internal static class SecretName
{
    private const string ArnStart = "arn:aws:secretsmanager:mayfly:000000000000:secret:";
    private const int SuffixLength = 6;
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>The name in what a program gives: a name, or an ARN with or without its six characters at the end.</summary>
    public static string Of(string secretId)
    {
        const string Mark = ":secret:";
        var at = secretId.IndexOf(Mark, StringComparison.Ordinal);
        if (!secretId.StartsWith("arn:", StringComparison.Ordinal) || at < 0)
        {
            return secretId.Trim('/');
        }

        var name = secretId[(at + Mark.Length)..];
        var isFull =
            name.Length > SuffixLength + 1
            && name[^(SuffixLength + 1)] == '-'
            && name[^SuffixLength..].All(char.IsAsciiLetterOrDigit);
        return isFull ? name[..^(SuffixLength + 1)] : name;
    }

    /// <summary>An ARN that is always the same for a name.</summary>
    public static string Arn(string name)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(name));
        var suffix = string.Concat(hash.Take(SuffixLength).Select(value => Letters[value % Letters.Length]));
        return $"{ArnStart}{name}-{suffix}";
    }

    /// <summary>A UUID that names a version of a secret, and holds its number.</summary>
    public static string VersionId(string mount, string name, long version)
    {
        var bytes = Stem(mount, name);
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(number, version);
        number[2..].CopyTo(bytes.AsSpan(10));
        return new Guid(bytes, bigEndian: true).ToString("D");
    }

    /// <summary>The number in such a UUID, or a plain number; null when it is of another secret.</summary>
    public static long? Version(string mount, string name, string versionId)
    {
        if (long.TryParse(versionId, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        if (!Guid.TryParseExact(versionId, "D", out var id))
        {
            return null;
        }

        var bytes = id.ToByteArray(bigEndian: true);
        if (bytes.AsSpan(0, 10).SequenceCompareTo(Stem(mount, name).AsSpan(0, 10)) != 0)
        {
            return null;
        }

        Span<byte> wide = stackalloc byte[8];
        wide.Clear();
        bytes.AsSpan(10).CopyTo(wide[2..]);
        return BinaryPrimitives.ReadInt64BigEndian(wide);
    }

    private static byte[] Stem(string mount, string name)
    {
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes($"{mount}/{name}")).AsSpan(0, 16).ToArray();
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return bytes;
    }
}
