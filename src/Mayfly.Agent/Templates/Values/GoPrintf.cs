using System.Globalization;
using System.Numerics;
using System.Text;

namespace Mayfly.Agent.Templates.Values;

/// <summary>
/// Go's <c>printf</c>: the verbs, flags, widths and precisions of https://pkg.go.dev/fmt, and its way to tell mistakes inside the
/// text (<c>%!d(string=…)</c>, <c>%!s(MISSING)</c>, <c>%!(EXTRA …)</c>).
/// </summary>
internal ref struct GoPrintf
{
    /// <summary>The largest width and precision.</summary>
    private const int MaxWidth = 1_000_000;

    private readonly ReadOnlySpan<char> _format;
    private readonly ReadOnlySpan<object?> _values;
    private readonly BoundedText _result = new();
    private int _at;
    private int _next;
    private bool _isReordered;
    private bool _isBadIndex;

    private GoPrintf(ReadOnlySpan<char> format, ReadOnlySpan<object?> values)
    {
        _format = format;
        _values = values;
    }

    /// <summary>The values in a format.</summary>
    public static string Format(string format, ReadOnlySpan<object?> values)
    {
        var run = new GoPrintf(format, values);
        run.Run();
        return run._result.ToString();
    }

    private void Run()
    {
        while (_at < _format.Length)
        {
            var percent = _format[_at..].IndexOf('%');
            if (percent < 0)
            {
                _result.Append(_format[_at..]);
                break;
            }

            _result.Append(_format.Slice(_at, percent));
            _at += percent + 1;
            Directive();
        }

        if (!_isReordered && _next < _values.Length)
        {
            _result.Append("%!(EXTRA ");
            for (var index = _next; index < _values.Length; index++)
            {
                _result.Append(index > _next ? ", " : "").Append(GoType.Name(_values[index]));
                _result
                    .Append(_values[index] is null ? "" : "=")
                    .Append(_values[index] is null ? "" : GoPrint.Text(_values[index]));
            }

            _result.Append(')');
        }
    }

    private void Directive()
    {
        _isBadIndex = false;
        var spec = new Spec();
        while (_at < _format.Length && "+-# 0".Contains(_format[_at], StringComparison.Ordinal))
        {
            spec.Flag(_format[_at++]);
        }

        var isIndexed = Index();
        var hasDigits = _at < _format.Length && char.IsAsciiDigit(_format[_at]);
        spec.Width = Number(out var badWidth, ref isIndexed);
        // An index stands before a star or the verb, and nowhere else.
        _isBadIndex |= isIndexed && hasDigits;
        if (spec.Width < 0)
        {
            spec.Minus = true;
            spec.Width = -spec.Width;
        }

        var badPrecision = false;
        if (_at < _format.Length && _format[_at] == '.')
        {
            _at++;
            _isBadIndex |= isIndexed;
            isIndexed = Index();
            spec.Precision = Number(out badPrecision, ref isIndexed) ?? (badPrecision ? null : 0);
            if (spec.Precision < 0)
            {
                (badPrecision, spec.Precision) = (true, null);
            }
        }

        if (!isIndexed)
        {
            Index();
        }

        _result.Append(badWidth ? "%!(BADWIDTH)" : "").Append(badPrecision ? "%!(BADPREC)" : "");
        if (_at >= _format.Length)
        {
            _result.Append("%!(NOVERB)");
            return;
        }

        _ = Rune.DecodeFromUtf16(_format[_at..], out var verb, out var consumed);
        _at += consumed;
        if (verb.Value == '%')
        {
            _result.Append('%');
        }
        else if (_isBadIndex)
        {
            _result.Append("%!").Append(verb.ToString()).Append("(BADINDEX)");
        }
        else if (_next >= _values.Length)
        {
            _result.Append("%!").Append(verb.ToString()).Append("(MISSING)");
        }
        else
        {
            Print(_values[_next++], verb.Value < 128 ? (char)verb.Value : '?', verb.ToString(), spec);
        }
    }

    /// <summary>[n] names the argument that comes next. True when there is one.</summary>
    private bool Index()
    {
        if (_at >= _format.Length || _format[_at] != '[')
        {
            return false;
        }

        _isReordered = true;
        var close = _format[_at..].IndexOf(']');
        if (close < 0)
        {
            _isBadIndex = true;
            _at++;
            return true;
        }

        if (
            int.TryParse(
                _format.Slice(_at + 1, close - 1),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var number
            )
            && number >= 1
            && number <= _values.Length
        )
        {
            _next = number - 1;
        }
        else
        {
            _isBadIndex = true;
        }

        _at += close + 1;
        return true;
    }

    /// <summary>Digits, or a star that takes the number from the arguments.</summary>
    private int? Number(out bool isBad, ref bool isIndexed)
    {
        isBad = false;
        if (_at < _format.Length && _format[_at] == '*')
        {
            _at++;
            var given = _next < _values.Length ? _values[_next++] : null;
            isIndexed = false;
            isBad = given is not (long and >= -MaxWidth and <= MaxWidth);
            return isBad ? null : (int)(long)given!;
        }

        var start = _at;
        while (_at < _format.Length && char.IsAsciiDigit(_format[_at]))
        {
            _at++;
        }

        if (start == _at)
        {
            return null;
        }

        isBad =
            !int.TryParse(_format[start.._at], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || number > MaxWidth;
        return isBad ? null : number;
    }

    private readonly void Print(object? value, char verb, string shown, Spec spec)
    {
        switch (verb)
        {
            case 'T':
                _result.Append(spec.Pad(Cut(GoType.Name(value), spec.Precision)));
                return;
            case 'v' when spec.Sharp:
                _result.Append(spec.Pad(Syntax(value, 0)));
                return;
            case 'v' when spec.Plus && value is GoObject known:
                _result
                    .Append("&{")
                    .Append(string.Join(' ', known.Fields.Select(field => $"{field.Key}:{GoPrint.Text(field.Value)}")))
                    .Append('}');
                return;
            default:
                // With %v the plus is about names of fields.
                spec.Plus &= verb != 'v';
                if (value is null)
                {
                    _result.Append(verb == 'v' ? spec.Pad("<nil>") : $"%!{shown}(<nil>)");
                    return;
                }

                GoPrint.Append(_result, value, leaf => Leaf(leaf, verb, shown, spec), 0);
                return;
        }
    }

    private static string Leaf(object? value, char verb, string shown, Spec spec)
    {
        var text = value switch
        {
            // A nil inside of a value is printed as it is, whatever the verb.
            null => "<nil>",
            bool truth => verb is 'v' or 't' ? spec.Pad(truth ? "true" : "false") : null,
            long number => Integer(number, verb, spec),
            ulong number => Integer(number, verb, spec),
            double number => Float(number, verb, spec),
            string given => String(given, verb, spec),
            JsonNumber number => String(number.Text, verb, spec),
            _ => verb == 'v' ? spec.Pad(GoPrint.Plain(value)) : null,
        };
        return text ?? $"%!{shown}({GoType.Name(value)}={Leaf(value, 'v', shown, spec)})";
    }

    private static string? Integer(BigInteger number, char verb, Spec spec)
    {
        switch (verb)
        {
            case 'v' or 'd':
                return spec.Digits(number, BigInteger.Abs(number).ToString(CultureInfo.InvariantCulture), "");
            case 'b':
                return spec.Digits(
                    number,
                    BigInteger.Abs(number).ToString("B", CultureInfo.InvariantCulture).TrimStart('0').PadLeft(1, '0'),
                    spec.Sharp ? "0b" : ""
                );
            case 'o' or 'O':
                return spec.Digits(
                    number,
                    Octal(BigInteger.Abs(number)),
                    verb == 'O' ? "0o"
                        : spec.Sharp ? "0"
                        : ""
                );
            case 'x' or 'X':
                var hex = BigInteger
                    .Abs(number)
                    .ToString(verb == 'x' ? "x" : "X", CultureInfo.InvariantCulture)
                    .TrimStart('0');
                return spec.Digits(number, hex.Length == 0 ? "0" : hex, spec.Sharp ? "0" + verb : "");
            case 'c':
                return spec.Pad(Character(number).ToString());
            case 'q':
                return spec.Pad(GoPrint.Quote(Character(number).ToString(), '\'', spec.Plus));
            case 'U':
                var code = "U+" + ((long)number).ToString("X4", CultureInfo.InvariantCulture);
                return spec.Pad(spec.Sharp ? $"{code} '{Character(number)}'" : code);
            default:
                return null;
        }
    }

    private static Rune Character(BigInteger number) =>
        number >= 0 && number <= 0x10FFFF && Rune.IsValid((int)number) ? new Rune((int)number) : Rune.ReplacementChar;

    private static string Octal(BigInteger number)
    {
        var digits = new StringBuilder();
        do
        {
            digits.Insert(0, (char)('0' + (int)(number & 7)));
            number >>= 3;
        } while (number > 0);

        return digits.ToString();
    }

    private static string? Float(double number, char verb, Spec spec)
    {
        var text = verb switch
        {
            'v' => GoNumber.Format(number, 'g', spec.Precision ?? -1),
            'g' or 'G' => GoNumber.Format(number, verb, spec.Precision ?? -1),
            'e' or 'E' or 'f' => GoNumber.Format(number, verb, spec.Precision ?? 6),
            'F' => GoNumber.Format(number, 'f', spec.Precision ?? 6),
            _ => null,
        };
        if (text is null)
        {
            return null;
        }

        var isNegative = text[0] == '-';
        return spec.Signed(isNegative, text.TrimStart('-', '+'), "", double.IsFinite(number));
    }

    private static string? String(string text, char verb, Spec spec)
    {
        switch (verb)
        {
            case 'v' or 's':
                return spec.Pad(Cut(text, spec.Precision));
            case 'q':
                text = Cut(text, spec.Precision);
                var isRaw = spec.Sharp && !text.Contains('`', StringComparison.Ordinal) && !text.Any(char.IsControl);
                return spec.Pad(isRaw ? $"`{text}`" : GoPrint.Quote(text, '"', spec.Plus));
            case 'x' or 'X':
                var bytes = GoText.Encode(text);
                var count = Math.Min(bytes.Length, spec.Precision ?? bytes.Length);
                var hex = Convert.ToHexString(bytes, 0, count);
                hex = verb == 'x' ? hex.ToLowerInvariant() : hex;
                var prefix = spec.Sharp ? "0" + verb : "";
                return spec.Pad(
                    spec.Space
                        ? string.Join(' ', hex.Chunk(2).Select(pair => prefix + new string(pair)))
                        : (count > 0 ? prefix : "") + hex
                );
            default:
                return null;
        }
    }

    /// <summary>The first characters, counted as Go does.</summary>
    private static string Cut(string text, int? count)
    {
        if (count is not { } limit || text.Length <= limit)
        {
            return text;
        }

        var result = new StringBuilder();
        foreach (var (rune, raw) in new GoText.Runes(text))
        {
            if (limit-- == 0)
            {
                break;
            }

            result.Append(raw is { } single ? ((char)('\uDC00' + single)).ToString() : rune.ToString());
        }

        return result.ToString();
    }

    /// <summary>A value as it would be written in Go, which is what <c>%#v</c> prints.</summary>
    private static string Syntax(object? value, int depth)
    {
        if (depth > GoPrint.MaxDepth)
        {
            throw new FunctionException($"the value is nested deeper than {GoPrint.MaxDepth} levels");
        }

        return value switch
        {
            null => depth == 0 ? "<nil>" : "interface {}(nil)",
            string text => GoPrint.Quote(text),
            JsonNumber number => GoPrint.Quote(number.Text),
            ulong number => "0x" + number.ToString("x", CultureInfo.InvariantCulture),
            GoSlice slice => new BoundedText()
                .Append(GoType.Name(value))
                .Append('{')
                .Append(string.Join(", ", slice.Items.Select(item => Syntax(item, depth + 1))))
                .Append('}')
                .ToString(),
            GoMap map => new BoundedText()
                .Append(GoType.Name(value))
                .Append('{')
                .Append(
                    string.Join(", ", map.Select(item => $"{GoPrint.Quote(item.Key)}:{Syntax(item.Value, depth + 1)}"))
                )
                .Append('}')
                .ToString(),
            GoObject known =>
                $"&{known.TypeName}{{{string.Join(", ", known.Fields.Select(field => $"{field.Key}:{Syntax(field.Value, depth + 1)}"))}}}",
            _ => GoPrint.Plain(value),
        };
    }

    /// <summary>Flags, width and precision of one directive.</summary>
    private struct Spec
    {
        public bool Plus;
        public bool Minus;
        public bool Sharp;
        public bool Space;
        public bool Zero;
        public int? Width;
        public int? Precision;

        public void Flag(char flag)
        {
            switch (flag)
            {
                case '+':
                    Plus = true;
                    break;
                case '-':
                    Minus = true;
                    Zero = false;
                    break;
                case '#':
                    Sharp = true;
                    break;
                case ' ':
                    Space = true;
                    break;
                default:
                    Zero = !Minus;
                    break;
            }
        }

        public readonly string Pad(string text)
        {
            if (Width is not { } width)
            {
                return text;
            }

            var missing = width - Runes(text);
            var padding = missing > 0 ? new string(Zero && !Minus ? '0' : ' ', missing) : "";
            return Minus ? text + padding : padding + text;
        }

        /// <summary>An integer's digits, of which the precision is the least number.</summary>
        public readonly string Digits(BigInteger number, string digits, string prefix)
        {
            if (Precision is { } precision)
            {
                if (precision == 0 && number.IsZero)
                {
                    return new string(' ', Width ?? 0);
                }

                digits = digits.PadLeft(precision, '0');
            }

            return Signed(number.Sign < 0, digits, prefix, mayZero: Precision is null);
        }

        public readonly string Signed(bool isNegative, string digits, string prefix, bool mayZero)
        {
            var sign =
                isNegative ? "-"
                : Plus ? "+"
                : Space ? " "
                : "";
            if (Zero && !Minus && mayZero && Width is { } width)
            {
                // Zeros go between the sign and the digits.
                return sign + prefix + digits.PadLeft(Math.Max(0, width - sign.Length - prefix.Length), '0');
            }

            var text = sign + prefix + digits;
            return Width is { } wide ? (Minus ? text.PadRight(wide) : text.PadLeft(wide)) : text;
        }

        private static int Runes(string text)
        {
            var count = 0;
            foreach (var _ in new GoText.Runes(text))
            {
                count++;
            }

            return count;
        }
    }
}
