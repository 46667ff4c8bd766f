using System.Globalization;

namespace Mayfly.Hcl;

/// <summary>Numbers: decimal, <c>0x</c> hexadecimal, <c>0</c> octal, fractions and exponents.</summary>
internal static class HclNumbers
{
    private const int MaxLength = 64;

    public static bool TryParse(string text, HclPosition position, out HclNumber? number)
    {
        number = null;
        var negative = text.StartsWith('-');
        var digits = text.AsSpan(negative ? 1 : 0);
        if (digits.IsEmpty || digits.Length > MaxLength)
        {
            return false;
        }

        if (digits.Length > 1 && digits[0] == '0' && digits[1] is not ('.' or 'e' or 'E'))
        {
            var hexadecimal = digits[1] is 'x' or 'X';
            if (!TryInteger(hexadecimal ? digits[2..] : digits[1..], hexadecimal ? 16 : 8, out var whole))
            {
                return false;
            }

            whole = negative ? -whole : whole;
            number = new HclNumber(text, whole, whole, position);
            return true;
        }

        if (
            !double.TryParse(
                text,
                NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
                CultureInfo.InvariantCulture,
                out var value
            ) || !double.IsFinite(value)
        )
        {
            return false;
        }

        long? integer = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var exact)
            ? exact
            : null;
        number = new HclNumber(text, value, integer, position);
        return true;
    }

    private static bool TryInteger(ReadOnlySpan<char> digits, int fromBase, out long value)
    {
        value = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiHexDigit(digit))
            {
                return false;
            }

            var amount = int.Parse([digit], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            if (amount >= fromBase || value > (long.MaxValue - amount) / fromBase)
            {
                return false;
            }

            value = value * fromBase + amount;
        }

        return !digits.IsEmpty;
    }
}
