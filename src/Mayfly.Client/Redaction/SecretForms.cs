using System.Text;

namespace Mayfly.Client.Redaction;

/// <summary>
/// The forms in which a value is looked for: itself, base64 in both alphabets and at the three places where it can stand in
/// what is encoded, hexadecimal, both of its UTF-16, too, its UTF-8 as one character for each byte, and with quotes doubled. What
/// is escaped (JSON, URLs, HTML) needs no form: text is unescaped before it is searched. Long forms are cut in pieces, so that a
/// part of a long secret is found, too.
/// </summary>
internal static class SecretForms
{
    /// <summary>The most that a form has in characters.</summary>
    public const int LongestPiece = 512;

    /// <summary>More of a value is not looked for.</summary>
    public const int LongestValue = 1 << 20;

    private const int ShortPiece = 64;

    /// <summary>Values up to this many characters are cut finely, and looked for in what is made of their UTF-16.</summary>
    private const int FinelyCut = 8192;

    /// <summary>Shorter values count only where they stand alone.</summary>
    private const int WholeWordBelow = 8;

    /// <summary>
    /// Signs that are doubled where they would mean something: quotes in SQL, CSV and shells, the others in formats, units of
    /// systemd and files of Compose. Taking that back in a text would cost every text; most values have none of them.
    /// </summary>
    private static readonly Func<string, string>[] Doublings =
    [
        static value => value.Replace("'", "''", StringComparison.Ordinal),
        static value => value.Replace("'", "'\\''", StringComparison.Ordinal),
        static value => value.Replace("'", "'\"'\"'", StringComparison.Ordinal),
        static value => value.Replace("\"", "\"\"", StringComparison.Ordinal),
        static value => value.Replace("%", "%%", StringComparison.Ordinal),
        static value => value.Replace("$", "$$", StringComparison.Ordinal),
        static value => value.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal),
    ];

    /// <summary>What to look for.</summary>
    public static IEnumerable<(string Text, PatternKind Kind)> Of(string value)
    {
        value = value.Length <= LongestValue ? value : value[..LongestValue];
        var piece = value.Length <= FinelyCut ? ShortPiece : LongestPiece;
        var kind = value.Length < WholeWordBelow ? PatternKind.WholeWord : PatternKind.Text;
        var bytes = Encoding.UTF8.GetBytes(value);
        return Doublings
            .Select(write => write(value))
            .Where(written => written.Length != value.Length)
            .Prepend(value)
            .SelectMany(written => AsTextAndBytes(written))
            .SelectMany(written => Cut(written, piece))
            .Select(text => (text, kind))
            .Concat(value.Length <= FinelyCut ? Wide(value) : [])
            .Concat(Base64(bytes).SelectMany(text => Cut(text, piece)).Select(text => (text, PatternKind.Base64)))
            .Concat(Hex(bytes).SelectMany(text => Cut(text, piece)).Select(text => (text, PatternKind.Text)));
    }

    /// <summary>A character of either alphabet.</summary>
    public static bool IsBase64(char c) => char.IsAsciiLetterOrDigit(c) || c is '+' or '/' or '-' or '_';

    /// <summary>Text, and its UTF-8 as one character for each byte where that is something else.</summary>
    private static IEnumerable<string> AsTextAndBytes(string text) =>
        Ascii.IsValid(text) ? [text] : [text, Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text))];

    /// <summary>
    /// What is made of UTF-16, such as the commands that PowerShell takes in base64. Both orders of bytes are the same for Latin
    /// letters, but for the 0 at the end.
    /// </summary>
    private static IEnumerable<(string Text, PatternKind Kind)> Wide(string value)
    {
        var low = Encoding.Unicode.GetBytes(value);
        byte[][] orders = value.AsSpan().ContainsAnyExceptInRange('\0', '\xFF')
            ? [low, Encoding.BigEndianUnicode.GetBytes(value)]
            : [low[..^1]];
        foreach (var bytes in orders)
        {
            foreach (var text in Base64(bytes).Where((_, i) => i % 2 == 0).SelectMany(text => Cut(text, LongestPiece)))
            {
                yield return (text, PatternKind.Base64);
            }

            foreach (var text in Hex(bytes).SelectMany(text => Cut(text, LongestPiece)))
            {
                yield return (text, PatternKind.Text);
            }
        }
    }

    private static string[] Hex(byte[] bytes) => [Convert.ToHexStringLower(bytes), Convert.ToHexString(bytes)];

    /// <summary>What base64 shows of the bytes, whatever stands before and after them.</summary>
    private static IEnumerable<string> Base64(byte[] bytes)
    {
        for (var before = 0; before < 3; before++)
        {
            var text = Convert.ToBase64String([.. new byte[before], .. bytes]);
            // Characters that hold bits of what stands before; the last one may hold bits of what follows.
            var known = text[(before == 0 ? 0 : before + 1)..((before + bytes.Length) * 8 / 6)];
            yield return known;
            yield return known.Replace('+', '-').Replace('/', '_');
        }
    }

    /// <summary>
    /// No piece begins with space: whoever writes line by line would otherwise have to wait with the end of each.
    /// </summary>
    private static IEnumerable<string> Cut(string text, int piece)
    {
        for (var at = 0; at + piece < text.Length; at += piece)
        {
            if (text.AsSpan(at, piece).TrimStart() is { Length: >= PatternTable.Window } part)
            {
                yield return part.ToString();
            }
        }

        if (text.Length >= PatternTable.Window)
        {
            var last = text[Math.Max(0, text.Length - piece)..];
            var trimmed = last.TrimStart();
            yield return trimmed.Length >= PatternTable.Window ? trimmed : last;
        }
    }
}
