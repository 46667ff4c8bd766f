using System.Globalization;
using System.Text;

namespace Mayfly.Hcl;

/// <summary>The escapes of strings.</summary>
internal static class HclEscapes
{
    /// <summary>Takes the escape at <paramref name="at"/>, where a backslash stands. False when there is no such escape.</summary>
    public static bool TryTake(string text, ref int at, StringBuilder result)
    {
        var kind = at + 1 < text.Length ? text[at + 1] : '\0';
        switch (kind)
        {
            case 'x':
                return TryCode(text, ref at, skip: 2, digits: 2, fromBase: 16, result);
            case 'u':
                return TryCode(text, ref at, skip: 2, digits: 4, fromBase: 16, result);
            case 'U':
                return TryCode(text, ref at, skip: 2, digits: 8, fromBase: 16, result);
            case >= '0' and <= '7':
                return TryCode(text, ref at, skip: 1, digits: 3, fromBase: 8, result);
            default:
                break;
        }

        var plain = kind switch
        {
            'a' => '\a',
            'b' => '\b',
            'f' => '\f',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\v',
            '\\' => '\\',
            '"' => '"',
            _ => '\0',
        };
        if (plain == '\0')
        {
            return false;
        }

        result.Append(plain);
        at += 2;
        return true;
    }

    private static bool TryCode(string text, ref int at, int skip, int digits, int fromBase, StringBuilder result)
    {
        var start = at + skip;
        if (start + digits > text.Length)
        {
            return false;
        }

        long value = 0;
        foreach (var digit in text.AsSpan(start, digits))
        {
            if (!char.IsAsciiHexDigit(digit))
            {
                return false;
            }

            var amount = int.Parse([digit], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (amount >= fromBase)
            {
                return false;
            }

            value = value * fromBase + amount;
        }

        // NUL has no place in a name or path, so it cannot be smuggled in either.
        if (value == 0 || value > 0x10FFFF || !Rune.TryCreate((int)value, out var rune))
        {
            return false;
        }

        result.Append(rune.ToString());
        at = start + digits;
        return true;
    }
}
