using System.Globalization;

namespace Mayfly.Scanner.Toml;

/// <summary>Integers and floats as TOML writes them.</summary>
internal static class TomlNumber
{
    /// <summary>A long or a double, or why it is neither.</summary>
    public static (object? Number, string? Problem) Read(string word)
    {
        var body = word.AsSpan(word[0] is '+' or '-' ? 1 : 0);
        if (body is "inf")
        {
            return (word[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity, null);
        }

        if (body is "nan")
        {
            return (double.NaN, null);
        }

        if (body.Length > 2 && body[0] == '0' && body[1] is 'x' or 'o' or 'b')
        {
            return body.Length == word.Length ? Prefixed(body) : (null, $"{word}: no sign before 0{body[1]}");
        }

        return body.IndexOfAny('.', 'e', 'E') >= 0 ? Float(word, body) : Integer(word, body);
    }

    private static (object?, string?) Prefixed(ReadOnlySpan<char> body)
    {
        var numberBase = body[1] switch
        {
            'x' => 16,
            'o' => 8,
            _ => 2,
        };
        if (!AreDigits(body[2..], numberBase))
        {
            return (null, $"{body} is not a number in base {numberBase}");
        }

        var value = 0L;
        foreach (var character in body[2..])
        {
            if (character == '_')
            {
                continue;
            }

            if (value > (long.MaxValue - HexValue(character)) / numberBase)
            {
                return (null, $"{body} does not fit into 64 bits");
            }

            value = (value * numberBase) + HexValue(character);
        }

        return (value, null);
    }

    private static (object?, string?) Integer(string word, ReadOnlySpan<char> body)
    {
        if (!AreDigits(body, 10))
        {
            return (null, $"{word} is no value: text needs quotes");
        }

        if (body.Length > 1 && body[0] == '0')
        {
            return (null, $"{word}: a number does not begin with 0");
        }

        return long.TryParse(Plain(word), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? (value, null)
            : (null, $"{word} does not fit into 64 bits");
    }

    private static (object?, string?) Float(string word, ReadOnlySpan<char> body)
    {
        var exponentAt = body.IndexOfAny('e', 'E');
        var mantissa = exponentAt < 0 ? body : body[..exponentAt];
        var point = mantissa.IndexOf('.');
        var whole = point < 0 ? mantissa : mantissa[..point];
        var right =
            AreDigits(whole, 10)
            && !(whole.Length > 1 && whole[0] == '0')
            && (point < 0 || AreDigits(mantissa[(point + 1)..], 10));
        if (right && exponentAt >= 0)
        {
            var exponent = body[(exponentAt + 1)..];
            right = AreDigits(exponent.Length > 0 && exponent[0] is '+' or '-' ? exponent[1..] : exponent, 10);
        }

        return right && double.TryParse(Plain(word), NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            ? (value, null)
            : (null, $"{word} is not a number");
    }

    /// <summary>Digits, with single underscores between them.</summary>
    private static bool AreDigits(ReadOnlySpan<char> text, int numberBase)
    {
        var wasDigit = false;
        foreach (var character in text)
        {
            if (character == '_' ? !wasDigit : HexValue(character) >= numberBase)
            {
                return false;
            }

            wasDigit = character != '_';
        }

        return wasDigit;
    }

    private static int HexValue(char character) =>
        char.IsAsciiHexDigit(character) ? Convert.ToInt32($"{character}", 16) : 99;

    private static string Plain(string word) => word.Replace("_", "", StringComparison.Ordinal);
}
