using System.Buffers.Binary;
using System.Buffers.Text;
using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json;

namespace Mayfly.Scanner.Rules;

/// <summary>
/// What in a token's own characters says that its provider has made it: a checksum, or a part that decodes. A rule names one
/// as <c>checksum</c>; what fails it is no finding. Immutable.
/// </summary>
public sealed class Checksum
{
    private const string Base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const string Base36 = "0123456789abcdefghijklmnopqrstuvwxyz";
    private const string Base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

    /// <summary>
    /// For each letter those that follow it in fewer than one of 3,000 pairs: counted in the identifiers of C, Python and Perl
    /// sources, and in translations of programs into some dozens of languages.
    /// </summary>
    private static readonly string[] RarelyAfter =
    [
        "oq",
        "bcdfghkmnpqtvwxz",
        "bfgqvwx",
        "ghjkqvwx",
        "",
        "bcdghjkmnpqvwxyz",
        "bcdfjkmpqvwxyz",
        "bcdfghjklnpqsvwxyz",
        "hiqwy",
        "bcdfghjklmnpqrtvwxyz",
        "bcdfgjkmpqvwxyz",
        "hjkqrwxz",
        "cfghjkqrvwxz",
        "jqwxz",
        "ehjqy",
        "bgjkmnqvwxz",
        "abcdefghijklmnopqrstvwxyz",
        "hjqwx",
        "bgjvx",
        "bgjkqvxz",
        "hjoquvwxyz",
        "bdfghjklmnpqrstuvwxyz",
        "bcdfgjklmpqtuvwxz",
        "bdfghjklmnoqrsuvwxyz",
        "bdfghjkqruvxyz",
        "bcdfghjklmpqrstuvwxz",
    ];

    private readonly Func<string, bool> _holds;

    private Checksum(string name, Func<string, bool> holds)
    {
        Name = name;
        _holds = holds;
    }

    /// <summary>All that there are.</summary>
    public static IReadOnlyList<Checksum> All { get; } =
    [
        // https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats: after the prefix and its "_" come
        // random characters and six more, which are their CRC-32. npm has taken it over.
        new(
            "crc32-base62",
            secret => EndsWithCrc(secret, secret.IndexOf('_', StringComparison.Ordinal) + 1, 6, Base62)
        ),
        // https://docs.gitlab.com, "routable tokens": seven characters that are the CRC-32 of all before, prefix included.
        new("crc32-base36", secret => EndsWithCrc(secret, 0, 7, Base36)),
        // Grafana's service accounts: the CRC-32 of all before the last "_", its lowest byte first.
        new("crc32-hex", EndsWithHexCrc),
        // RFC 7515: the header is a JSON object.
        new("jwt-header", HasJwtHeader),
        // Bitcoin's Base58Check: four bytes of a double SHA-256 at the end.
        new("base58check", IsBase58Check),
        // No checksum, but it, too, is in the characters: letters that nobody would have put together to a word or a name.
        new("random-letters", IsRandomLetters),
    ];

    /// <summary>As rules name it.</summary>
    public string Name { get; }

    /// <summary>The one of that name, or null.</summary>
    public static Checksum? Find(string name) => All.FirstOrDefault(checksum => checksum.Name == name);

    /// <summary>Whether <paramref name="secret"/>, which its rule's pattern has matched, passes.</summary>
    public bool Holds(string secret) => _holds(secret);

    /// <summary>Its name.</summary>
    public override string ToString() => Name;

    private static bool EndsWithCrc(string secret, int from, int digits, string alphabet)
    {
        if (secret.Length < from + digits)
        {
            return false;
        }

        var crc = Crc32.Of(secret.AsSpan(from, secret.Length - from - digits));
        for (var i = secret.Length - 1; i >= secret.Length - digits; i--)
        {
            if (secret[i] != alphabet[(int)(crc % (uint)alphabet.Length)])
            {
                return false;
            }

            crc /= (uint)alphabet.Length;
        }

        return crc == 0;
    }

    private static bool EndsWithHexCrc(string secret)
    {
        var at = secret.LastIndexOf('_');
        var crc = BinaryPrimitives.ReverseEndianness(Crc32.Of(secret.AsSpan(0, Math.Max(at, 0))));
        return secret.AsSpan(at + 1).Equals($"{crc:x8}", StringComparison.OrdinalIgnoreCase);
    }

    private static bool HasJwtHeader(string secret)
    {
        var end = secret.IndexOf('.', StringComparison.Ordinal);
        var header = secret.AsSpan(0, Math.Max(end, 0)).TrimEnd('=');
        if (!Base64Url.IsValid(header))
        {
            return false;
        }

        try
        {
            using var json = JsonDocument.Parse(Base64Url.DecodeFromChars(header));
            return json.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            return false;
        }
    }

    private static bool IsBase58Check(string secret)
    {
        var number = BigInteger.Zero;
        foreach (var character in secret)
        {
            var digit = Base58.IndexOf(character, StringComparison.Ordinal);
            if (digit < 0)
            {
                return false;
            }

            number = (number * 58) + digit;
        }

        var zeros = secret.Length - secret.TrimStart('1').Length;
        byte[] bytes = [.. new byte[zeros], .. number.ToByteArray(isUnsigned: true, isBigEndian: true)];
        return bytes.Length > 4
            && SHA256.HashData(SHA256.HashData(bytes.AsSpan(..^4))).AsSpan(..4).SequenceCompareTo(bytes.AsSpan(^4..))
                == 0;
    }

    /// <summary>
    /// A pair that words hardly have, or a small letter alone between capitals, at one of five letters or more: so are 97 of
    /// 100 random ones, and one of 100 identifiers.
    /// </summary>
    private static bool IsRandomLetters(string secret)
    {
        if (secret.Length < 2 || !secret.All(char.IsAsciiLetter))
        {
            return false;
        }

        var odd = 0;
        for (var i = 1; i < secret.Length; i++)
        {
            var (before, letter) = (char.ToLowerInvariant(secret[i - 1]), char.ToLowerInvariant(secret[i]));
            if (RarelyAfter[before - 'a'].Contains(letter, StringComparison.Ordinal))
            {
                odd++;
            }

            if (
                i + 1 < secret.Length
                && char.IsAsciiLetterUpper(secret[i - 1])
                && char.IsAsciiLetterLower(secret[i])
                && char.IsAsciiLetterUpper(secret[i + 1])
            )
            {
                odd++;
            }
        }

        return odd * 5 >= secret.Length;
    }
}
