using System.Globalization;
using System.Text;

namespace Mayfly.Agent.Templates.Values;

/// <summary>Numbers as Go writes them.</summary>
internal static class GoNumber
{
    /// <summary>
    /// A floating-point number in format <c>e</c>, <c>f</c> or <c>g</c>, with the fewest digits that name it when
    /// <paramref name="precision"/> is -1.
    /// </summary>
    public static string Format(double value, char format, int precision)
    {
        if (double.IsNaN(value))
        {
            return "NaN";
        }

        if (double.IsInfinity(value))
        {
            return value > 0 ? "+Inf" : "-Inf";
        }

        var upper = char.IsUpper(format);
        format = char.ToLowerInvariant(format);
        var text = format switch
        {
            'f' => Fixed(value, precision),
            'e' => Scientific(value, precision),
            _ => General(value, precision),
        };
        return upper ? text.ToUpperInvariant() : text;
    }

    private static string General(double value, int precision)
    {
        // An exponent below 1e-4, and from ten to the power of the precision on; the shortest form counts as 6 digits.
        var (_, digits, exponent) = Digits(value, precision == 0 ? 1 : precision);
        var threshold = precision < 0 ? ShortestThreshold : Math.Max(1, precision);
        if (precision >= 0 && threshold > digits.Length && digits.Length >= exponent + 1)
        {
            threshold = digits.Length;
        }

        if (value == 0)
        {
            return double.IsNegative(value) ? "-0" : "0";
        }

        return exponent < -4 || exponent >= threshold
            ? Scientific(value, digits.Length - 1)
            : Fixed(value, Math.Max(0, digits.Length - 1 - exponent));
    }

    private const int ShortestThreshold = 6;

    private static string Fixed(double value, int precision)
    {
        if (precision >= 0)
        {
            return Sign(value, Math.Abs(value).ToString("F" + Math.Min(precision, 340), CultureInfo.InvariantCulture));
        }

        var (_, digits, exponent) = Digits(value, -1);
        var text = new StringBuilder();
        if (exponent < 0)
        {
            text.Append("0.").Append('0', -exponent - 1).Append(digits);
        }
        else if (digits.Length <= exponent + 1)
        {
            text.Append(digits).Append('0', exponent + 1 - digits.Length);
        }
        else
        {
            text.Append(digits.AsSpan(0, exponent + 1)).Append('.').Append(digits.AsSpan(exponent + 1));
        }

        return Sign(value, text.ToString());
    }

    private static string Scientific(double value, int precision)
    {
        var (_, digits, exponent) = Digits(value, precision < 0 ? -1 : precision + 1);
        if (precision >= 0 && digits.Length < precision + 1)
        {
            digits += new string('0', Math.Min(precision, 340) + 1 - digits.Length);
        }

        var text = new StringBuilder().Append(digits[0]);
        if (digits.Length > 1)
        {
            text.Append('.').Append(digits.AsSpan(1));
        }

        text.Append('e')
            .Append(exponent < 0 ? '-' : '+')
            .Append(Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture));
        return Sign(value, text.ToString());
    }

    /// <summary>Significant digits without trailing zeros (rounded to <paramref name="count"/> unless it is -1), and the power of ten of the first.</summary>
    private static (bool Negative, string Digits, int Exponent) Digits(double value, int count)
    {
        var magnitude = Math.Abs(value);
        if (magnitude == 0)
        {
            return (double.IsNegative(value), "0", 0);
        }

        var text =
            count < 0
                ? Shortest(magnitude)
                : magnitude.ToString("E" + Math.Min(count - 1, 340), CultureInfo.InvariantCulture);
        var split = text.IndexOf('E', StringComparison.Ordinal);
        var digits = text[..split].Replace(".", "", StringComparison.Ordinal).TrimEnd('0');
        return (
            double.IsNegative(value),
            digits.Length == 0 ? "0" : digits,
            int.Parse(text.AsSpan(split + 1), NumberStyles.AllowLeadingSign)
        );
    }

    private static string Shortest(double magnitude)
    {
        // "R" names the number with the fewest digits; its layout is brought to d.dddE±x.
        var text = magnitude.ToString("R", CultureInfo.InvariantCulture);
        var split = text.IndexOf('E', StringComparison.Ordinal);
        var mantissa = split < 0 ? text : text[..split];
        var exponent = split < 0 ? 0 : int.Parse(text.AsSpan(split + 1), NumberStyles.AllowLeadingSign);
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var whole = point < 0 ? mantissa : mantissa[..point];
        var all = mantissa.Replace(".", "", StringComparison.Ordinal);
        var leading = all.Length - all.TrimStart('0').Length;
        return $"{all[leading..]}E{exponent + whole.Length - 1 - leading}";
    }

    private static string Sign(double value, string text) => double.IsNegative(value) ? "-" + text : text;
}
