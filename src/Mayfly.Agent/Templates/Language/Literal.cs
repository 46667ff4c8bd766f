using System.Globalization;
using System.Numerics;
using System.Text;
using Mayfly.Agent.Templates.Values;

namespace Mayfly.Agent.Templates.Language;

/// <summary>The constants of Go's syntax: quoted text, characters and numbers.</summary>
internal static class Literal
{
    /// <summary>The text between quotes, with escapes resolved; null when an escape is none.</summary>
    public static string? Text(string token) =>
        token[0] == '`'
            ? token[1..^1].Replace("\r", "", StringComparison.Ordinal)
            : Unescape(token.AsSpan(1, token.Length - 2), '"');

    /// <summary>The one character between quotes; null when it is none or several.</summary>
    public static long? Character(string token)
    {
        var inner = token.AsSpan(1, token.Length - 2);
        // A byte escape names the character of that number, not a byte of UTF-8.
        if (inner.Length == 4 && inner[0] == '\\' && inner[1] is 'x' or (>= '0' and <= '7'))
        {
            var isHex = inner[1] == 'x';
            return Digits(inner[(isHex ? 2 : 1)..], isHex ? 16 : 8) is { } code && code < 256 ? code : null;
        }

        if (Unescape(inner, '\'') is not { Length: > 0 } text)
        {
            return null;
        }

        _ = Rune.DecodeFromUtf16(text, out var rune, out var consumed);
        return consumed == text.Length ? rune.Value : null;
    }

    private static string? Unescape(ReadOnlySpan<char> text, char quote)
    {
        if (!text.Contains('\\'))
        {
            return text.ToString();
        }

        // Bytes: "\xf0\x9f\x9a\x80" is one character.
        var bytes = new List<byte>(text.Length);
        for (var at = 0; at < text.Length; )
        {
            if (text[at] != '\\')
            {
                var length = char.IsHighSurrogate(text[at]) && at + 1 < text.Length ? 2 : 1;
                bytes.AddRange(GoText.Encode(text.Slice(at, length)));
                at += length;
            }
            else if (!Escape(text, ref at, quote, bytes))
            {
                return null;
            }
        }

        return GoText.Decode([.. bytes]);
    }

    private static bool Escape(ReadOnlySpan<char> text, ref int at, char quote, List<byte> bytes)
    {
        var kind = at + 1 < text.Length ? text[at + 1] : '\0';
        var simple = "abfnrtv\\".IndexOf(kind, StringComparison.Ordinal);
        if (simple >= 0 || kind == quote)
        {
            bytes.Add((byte)(kind == quote ? quote : "\a\b\f\n\r\t\v\\"[simple]));
            at += 2;
            return true;
        }

        var (skip, digits, radix) = kind switch
        {
            'x' => (2, 2, 16),
            'u' => (2, 4, 16),
            'U' => (2, 8, 16),
            >= '0' and <= '7' => (1, 3, 8),
            _ => (0, 0, 0),
        };
        if (
            digits == 0
            || at + skip + digits > text.Length
            || Digits(text.Slice(at + skip, digits), radix) is not { } code
        )
        {
            return false;
        }

        at += skip + digits;
        if (digits < 4)
        {
            bytes.Add((byte)code);
            return code < 256;
        }

        if (code > int.MaxValue || !Rune.IsValid((int)code))
        {
            return false;
        }

        bytes.AddRange(Encoding.UTF8.GetBytes(new Rune((int)code).ToString()));
        return true;
    }

    private static long? Digits(ReadOnlySpan<char> text, int radix)
    {
        long value = 0;
        foreach (var digit in text)
        {
            if (!char.IsAsciiHexDigit(digit) || Convert.ToInt32(digit.ToString(), 16) is var number && number >= radix)
            {
                return null;
            }

            value = value * radix + number;
        }

        return value;
    }

    /// <summary>A number in every type that it fits; null when it is none.</summary>
    public static NumberNode? Number(Token token)
    {
        var text = token.Text;
        var negative = text[0] == '-';
        var digits = text.TrimStart('+', '-');
        if (text.Length - digits.Length > 1 || !HasGoodUnderscores(digits))
        {
            return null;
        }

        digits = digits.Replace("_", "", StringComparison.Ordinal);
        if (Whole(digits) is { } whole)
        {
            whole = negative ? -whole : whole;
            return new NumberNode(
                token.Position,
                token.End,
                whole >= long.MinValue && whole <= long.MaxValue ? (long)whole : null,
                whole >= 0 && whole <= ulong.MaxValue ? (ulong)whole : null,
                (double)whole,
                IsFloat: false
            );
        }

        if (Fraction(digits) is not { } fraction || double.IsInfinity(fraction))
        {
            return null;
        }

        fraction = negative ? -fraction : fraction;
        // 1e3 serves as an integer where one is wanted, 1.5 does not.
        long? integer = fraction == Math.Truncate(fraction) && Math.Abs(fraction) < 9.2e18 ? (long)fraction : null;
        return new NumberNode(
            token.Position,
            token.End,
            integer,
            integer is >= 0 ? (ulong)integer : null,
            fraction,
            IsFloat: true
        );
    }

    /// <summary>Between digits, or after the prefix of a base, and never two.</summary>
    private static bool HasGoodUnderscores(string digits) =>
        !digits.Contains("__", StringComparison.Ordinal)
        && !digits.StartsWith('_')
        && !digits.EndsWith('_')
        && (
            !digits.Contains('_', StringComparison.Ordinal)
            || !digits.Contains('.', StringComparison.Ordinal)
            || !digits.Contains("_.", StringComparison.Ordinal) && !digits.Contains("._", StringComparison.Ordinal)
        );

    private static BigInteger? Whole(string digits)
    {
        if (digits.Length == 0)
        {
            return null;
        }

        var (radix, skip) =
            digits.Length > 2 && digits[0] == '0'
                ? digits[1] switch
                {
                    'x' or 'X' => (16, 2),
                    'o' or 'O' => (8, 2),
                    'b' or 'B' => (2, 2),
                    _ => (8, 1),
                }
            : digits.Length == 2 && digits[0] == '0' ? (8, 1)
            : (10, 0);
        BigInteger value = 0;
        foreach (var digit in digits.AsSpan(skip))
        {
            if (!char.IsAsciiHexDigit(digit) || Convert.ToInt32(digit.ToString(), 16) is var number && number >= radix)
            {
                return null;
            }

            // Nothing larger than 64 bits fits any type.
            if (value > ulong.MaxValue)
            {
                return value;
            }

            value = value * radix + number;
        }

        return value;
    }

    private static double? Fraction(string digits)
    {
        const NumberStyles Style = NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return double.TryParse(digits, Style, CultureInfo.InvariantCulture, out var value) ? value : null;
    }
}
