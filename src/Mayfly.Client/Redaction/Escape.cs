using System.Buffers;
using System.Globalization;

namespace Mayfly.Client.Redaction;

/// <summary>The ways in which text is escaped on its way into a log.</summary>
internal enum Escape
{
    /// <summary>Backslashes, as JSON, C and shells have them.</summary>
    Backslash,

    /// <summary>Percent signs, as URLs have them; the bytes of UTF-8 become characters one by one.</summary>
    Percent,

    /// <summary>Percent signs, and plus signs for spaces, as forms have them.</summary>
    Form,

    /// <summary>HTML's and XML's ampersands.</summary>
    Html,

    /// <summary>Line breaks and indents inside a long value.</summary>
    Wrap,

    /// <summary>A byte 0 between characters: UTF-16 that is read as something else.</summary>
    Wide,

    /// <summary>Signs between the bytes of hexadecimal.</summary>
    Pairs,
}

/// <summary>Takes escapes back, one at a time.</summary>
internal static class Escapes
{
    private const int LongestEntity = 9;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    private static readonly SearchValues<char> InEntity = SearchValues.Create(
        "#0123456789abcdefghijklmnopqrstuvwxyzABCDEFX"
    );

    private static readonly (string Name, char Character)[] Entities =
    [
        ("&amp;", '&'),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&quot;", '"'),
        ("&apos;", '\''),
    ];

    /// <summary>All there are.</summary>
    public static ReadOnlySpan<Escape> All =>
        [Escape.Backslash, Escape.Percent, Escape.Form, Escape.Html, Escape.Wrap, Escape.Wide, Escape.Pairs];

    /// <summary>There may be something to take back.</summary>
    public static bool IsIn(Escape escape, ReadOnlySpan<char> text) =>
        escape == Escape.Pairs ? HexPairs.AreIn(text) : text.Contains(Sign(escape));

    /// <summary>The character without which there is nothing to take back.</summary>
    private static char Sign(Escape escape) =>
        escape switch
        {
            Escape.Backslash => '\\',
            Escape.Percent => '%',
            Escape.Form => '+',
            Escape.Html => '&',
            Escape.Wide => '\0',
            _ => '\n',
        };

    /// <summary>Where the next character stands that may begin an escape; -1 for nowhere.</summary>
    public static int IndexOfSign(Escape escape, ReadOnlySpan<char> text) =>
        escape switch
        {
            Escape.Form => text.IndexOfAny('%', '+'),
            Escape.Wrap => text.IndexOfAny('\n', '\r'),
            _ => text.IndexOf(Sign(escape)),
        };

    /// <summary>Reads the character that <paramref name="text"/> begins with.</summary>
    /// <param name="escape">What is taken back.</param>
    /// <param name="text">Not empty.</param>
    /// <param name="character">The character; null when nothing stands for what was read.</param>
    /// <returns>How much of the text it is.</returns>
    public static int Read(Escape escape, ReadOnlySpan<char> text, out char? character)
    {
        character = text[0];
        return (escape, text[0]) switch
        {
            (Escape.Backslash, '\\') => Backslash(text, out character),
            (Escape.Percent or Escape.Form, '%') => Percent(text, out character),
            (Escape.Form, '+') => Plus(out character),
            (Escape.Html, '&') => Entity(text, out character),
            (Escape.Wrap, '\n' or '\r') => LineBreak(text, out character),
            (Escape.Wide, '\0') => Zero(out character),
            _ => 1,
        };
    }

    /// <summary>Where an escape begins that may go on behind the end of the text; its length when none does.</summary>
    public static int OpenEnd(ReadOnlySpan<char> text)
    {
        for (var at = Math.Max(0, text.Length - LongestEntity); at < text.Length; at++)
        {
            var rest = text[at..];
            var isOpen = rest[0] switch
            {
                '\\' => rest.Length == 1
                    || (rest[1] == 'u' && rest.Length < 6 && IsHex(rest[2..]))
                    || (rest[1] == 'x' && rest.Length < 4 && IsHex(rest[2..]))
                    || (rest.Length < 4 && !rest[1..].ContainsAnyExceptInRange('0', '7')),
                '%' => rest.Length < 3 && IsHex(rest[1..]),
                '&' => !rest.Contains(';') && !rest[1..].ContainsAnyExcept(InEntity),
                _ => false,
            };
            if (isOpen)
            {
                return at;
            }
        }

        return text.Length;
    }

    private static bool IsHex(ReadOnlySpan<char> digits) => !digits.ContainsAnyExcept(HexDigits);

    private static int Zero(out char? character)
    {
        character = null;
        return 1;
    }

    private static int Plus(out char? character)
    {
        character = ' ';
        return 1;
    }

    private static int Backslash(ReadOnlySpan<char> text, out char? character)
    {
        character = '\\';
        if (text.Length < 2)
        {
            return 1;
        }

        if (text[1] is 'u' && text.Length >= 6 && TryHex(text[2..6], out var unit))
        {
            character = (char)unit;
            return 6;
        }

        if (text[1] is 'x' && text.Length >= 4 && TryHex(text[2..4], out var octet))
        {
            character = (char)octet;
            return 4;
        }

        if (text[1] is >= '0' and <= '3' && text.Length >= 4 && !text[2..4].ContainsAnyExceptInRange('0', '7'))
        {
            character = (char)(((text[1] - '0') << 6) | ((text[2] - '0') << 3) | (text[3] - '0'));
            return 4;
        }

        character = text[1] switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'b' => '\b',
            'f' => '\f',
            'v' => '\v',
            '0' => '\0',
            var other => other,
        };
        return 2;
    }

    private static int Percent(ReadOnlySpan<char> text, out char? character)
    {
        character = '%';
        if (text.Length < 3 || !TryHex(text[1..3], out var octet))
        {
            return 1;
        }

        character = (char)octet;
        return 3;
    }

    private static int Entity(ReadOnlySpan<char> text, out char? character)
    {
        character = '&';
        foreach (var (name, meaning) in Entities)
        {
            if (text.StartsWith(name, StringComparison.Ordinal))
            {
                character = meaning;
                return name.Length;
            }
        }

        var end = text[..Math.Min(text.Length, LongestEntity)].IndexOf(';');
        if (end < 3 || text[1] != '#')
        {
            return 1;
        }

        var isHex = text[2] is 'x' or 'X';
        var digits = text[(isHex ? 3 : 2)..end];
        var style = isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
        if (!ushort.TryParse(digits, style, CultureInfo.InvariantCulture, out var code))
        {
            return 1;
        }

        character = (char)code;
        return end + 1;
    }

    private static int LineBreak(ReadOnlySpan<char> text, out char? character)
    {
        character = null;
        var length = 1;
        while (length < text.Length && text[length] is '\n' or '\r' or ' ' or '\t')
        {
            length++;
        }

        return length;
    }

    private static bool TryHex(ReadOnlySpan<char> digits, out ushort value) =>
        ushort.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
