using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Mayfly.Scanner.Rules;

namespace Mayfly.Tests.Scanner.Rules;

/// <summary>
/// Text with places for random characters, so that nothing in the repository is, or looks like, a secret: <c>{b62:24}</c> is
/// 24 letters and digits, <c>{crc:36}</c> ends with the checksum of GitHub, <c>{pw}</c> is a password that a person would
/// choose. The same seed gives the same text.
/// </summary>
internal sealed partial class SecretTemplate
{
    private const string Digits = "0123456789";
    private const string Capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    private const string Small = "abcdefghijklmnopqrstuvwxyz";
    private const string Base62 = Digits + Capitals + Small;
    private const string Base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    private const string Hex = "0123456789abcdef";

    private static readonly Dictionary<string, string> Alphabets = new(StringComparer.Ordinal)
    {
        ["b62"] = Base62,
        ["letters"] = Capitals + Small,
        ["hex"] = Hex,
        ["HEX"] = "0123456789ABCDEF",
        ["d"] = Digits,
        ["up"] = Capitals + Digits,
        ["low"] = Small + Digits,
        ["32"] = Capitals + "234567",
        ["32low"] = Small + "234567",
        ["64"] = Base62 + "+/",
        ["url"] = Base62 + "-_",
        ["bech"] = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
        ["bechlow"] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l",
        ["django"] = Small + Digits + "!@#$%^&*(-_=+)",
        ["ascii"] = Base62 + "!#$%&()*+,-./:;<=>?@[]^_`{|}~",
    };

    private static readonly string[] Words =
    [
        "Harvest",
        "Falcon",
        "Orchid",
        "Granite",
        "Meadow",
        "Copper",
        "Juniper",
        "Thunder",
        "Maple",
        "Winter",
        "Saturn",
        "Ridge",
        "Lantern",
        "Harbor",
        "Cinder",
    ];

    private readonly List<string> _filled = [];
    private uint _state;

    private SecretTemplate(uint seed) => _state = seed;

    /// <summary>The text, and the longest of its random parts.</summary>
    public static (string Text, string Longest) Fill(string template, uint seed)
    {
        var escaped = template.Replace(@"\\", "\u0001", StringComparison.Ordinal);
        escaped = escaped.Replace(@"\n", "\n", StringComparison.Ordinal).Replace('\u0001', '\\');
        var filler = new SecretTemplate(seed ^ Seed(template));
        var text = Part().Replace(escaped, filler.Fill);
        return (text, filler._filled.MaxBy(part => part.Length) ?? "");
    }

    private string Fill(Match match)
    {
        var length = match.Groups["length"] is { Success: true } given
            ? int.Parse(given.ValueSpan, CultureInfo.InvariantCulture)
            : 0;
        var text = Fill(match.Groups["kind"].Value, length);
        _filled.Add(text);
        return text;
    }

    private string Fill(string kind, int length)
    {
        switch (kind)
        {
            case "guid":
                var hex = Draw(Hex, 32);
                return $"{hex[..8]}-{hex[8..12]}-{hex[12..16]}-{hex[16..20]}-{hex[20..]}";
            case "pw":
                return Password();
            case "mnemonic":
                return string.Join(
                    ' ',
                    Enumerable.Range(0, 12).Select(_ => Words[Next(Words.Length)].ToLowerInvariant())
                );
            case "crc":
                var random = Draw(Base62, length - 6);
                return random + Digit(Crc(random), Base62, 6);
            case "jwt":
                var header = Base64("""{"alg":"HS256","typ":"JWT"}"""u8);
                var claims = $$"""{"sub":"{{Draw(Digits, 10)}}","iat":17{{Draw(Digits, 8)}}}""";
                return $"{header}.{Base64(Encoding.UTF8.GetBytes(claims))}.{Draw(Base62, 43)}";
            case "gitlab":
                byte[] routing = [.. Encoding.UTF8.GetBytes($"o:1\nu:{Draw(Small, 3)}"), .. Bytes(16), 16];
                var payload = Base64(routing);
                var token = $"glpat-{payload}.01.{Digit((uint)payload.Length, Digits + Small, 2)}";
                return token + Digit(Crc(token), Digits + Small, 7);
            case "glsa":
                var grafana = "glsa_" + Draw(Base62, 32);
                return $"{grafana}_{BinaryPrimitives.ReverseEndianness(Crc(grafana)):x8}";
            case "wif":
                return Base58Check([0x80, .. Bytes(32), 1]);
            case "xprv":
                return Base58Check([0x04, 0x88, 0xAD, 0xE4, .. Bytes(74)]);
            default:
                var text = Draw(Alphabets[kind], length);
                // A dash or an underscore at an end would be another token.
                return kind == "url" ? $"a{text[1..^1]}Z" : text;
        }
    }

    /// <summary>Two words or one, digits, a sign: what rules about passwords ask for and people remember.</summary>
    private string Password()
    {
        var (first, second) = (Words[Next(Words.Length)], Words[Next(Words.Length)]);
        if (Next(3) == 0)
        {
            first = first.Replace('a', '4').Replace('e', '3').Replace('o', '0');
        }

        return Next(4) switch
        {
            0 => first + second + "!#@-_."[Next(6)] + Draw(Digits, 2 + Next(3)),
            1 => first + Draw(Digits, 4) + "!?#"[Next(3)],
            2 => first.ToLowerInvariant() + Draw(Digits, 3) + second,
            _ => $"{first}_{second}{Draw(Digits, 2)}",
        };
    }

    private byte[] Bytes(int count) => [.. Enumerable.Range(0, count).Select(_ => (byte)Next(256))];

    private string Draw(string alphabet, int length)
    {
        var text = new StringBuilder();
        while (text.Length < length)
        {
            text.Append(alphabet[Next(alphabet.Length)]);
        }

        return text.ToString();
    }

    /// <summary>Numerical Recipes' linear congruences, so that a failure can be seen again.</summary>
    private int Next(int below)
    {
        _state = _state * 1664525 + 1013904223;
        return (int)((_state >> 8) % (uint)below);
    }

    private static uint Crc(string text) => Crc32.Of(text);

    private static string Digit(uint number, string alphabet, int digits)
    {
        var text = new char[digits];
        for (var i = digits - 1; i >= 0; i--)
        {
            text[i] = alphabet[(int)(number % (uint)alphabet.Length)];
            number /= (uint)alphabet.Length;
        }

        return new string(text);
    }

    private static string Base64(ReadOnlySpan<byte> bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);

    private static string Base58Check(byte[] bytes)
    {
        var check = SHA256.HashData(SHA256.HashData(bytes));
        var number = new BigInteger([.. bytes, .. check[..4]], isUnsigned: true, isBigEndian: true);
        var text = new StringBuilder();
        while (!number.IsZero)
        {
            number = BigInteger.DivRem(number, 58, out var digit);
            text.Insert(0, Base58[(int)digit]);
        }

        return text.ToString();
    }

    private static uint Seed(string text) => text.Aggregate(2166136261u, (hash, letter) => (hash ^ letter) * 16777619);

    [GeneratedRegex(
        @"\{(?<kind>guid|pw|mnemonic|jwt|gitlab|glsa|wif|xprv|[A-Za-z0-9]+(?=:[0-9]))(?::(?<length>[0-9]+))?\}",
        RegexOptions.None,
        1000
    )]
    private static partial Regex Part();
}
