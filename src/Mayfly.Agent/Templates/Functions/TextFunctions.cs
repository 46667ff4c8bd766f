using System.Globalization;
using System.Text;
using Mayfly.Agent.Templates.Values;
using Mayfly.Scanner.Matching;
using static Mayfly.Agent.Templates.Functions.Define;

namespace Mayfly.Agent.Templates.Functions;

/// <summary>Functions over text. The piped value comes last, as consul-template has it.</summary>
internal static class TextFunctions
{
    public static IEnumerable<TemplateFunction> All { get; } =
    [
        Text("toLower", text => text.ToLowerInvariant()),
        Text("toUpper", text => text.ToUpperInvariant()),
        Text("toTitle", Title),
        Text("split", Split),
        Function("join", [Kind.String, Kind.List], given => Join((string)given[0]!, (GoSlice?)given[1])),
        Text("splitToMap", (_, _) => null) with
        {
            Parameters = [Kind.String, Kind.String, Kind.String],
            Body = (_, given) => SplitToMap((string)given[0]!, (string)given[1]!, (string)given[2]!),
        },
        Text("trim", (cutset, text) => Trim(text, cutset)),
        Text("trimPrefix", TrimPrefix),
        Text("trimSuffix", TrimSuffix),
        Text("trimSpace", text => text.Trim()),
        Function("indent", [Kind.Integer, Kind.String], given => Indent((long)given[0]!, (string)given[1]!)),
        Function(
            "replaceAll",
            [Kind.String, Kind.String, Kind.String],
            given => ReplaceAll((string)given[0]!, (string)given[1]!, (string)given[2]!)
        ),
        Text("regexMatch", (pattern, text) => Compile(pattern).IsMatch(text)),
        Function(
            "regexReplaceAll",
            [Kind.String, Kind.String, Kind.String],
            given => RegexReplaceAll((string)given[0]!, (string)given[1]!, (string)given[2]!)
        ),
    ];

    public static string TrimPrefix(string prefix, string text) =>
        text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text;

    public static string TrimSuffix(string suffix, string text) =>
        text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text;

    /// <summary>The first letter of each word in upper case; words are parted by what is neither letter, digit, underscore nor apostrophe.</summary>
    public static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        var isStart = true;
        foreach (var (rune, raw) in new GoText.Runes(text))
        {
            if (raw is { } single)
            {
                result.Append((char)('\uDC00' + single));
                isStart = true;
                continue;
            }

            result.Append((isStart ? Rune.ToUpperInvariant(rune) : rune).ToString());
            var isInner = rune.Value is '_' or '\'' or 0x2019 or '.' && !isStart;
            isStart =
                !isInner
                && !Rune.IsLetterOrDigit(rune)
                && Rune.GetUnicodeCategory(rune)
                    is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark);
        }

        return result.ToString();
    }

    private static GoSlice Split(string separator, string text)
    {
        text = text.Trim();
        return text.Length == 0 ? GoSlice.Of([])
            : separator.Length == 0 ? GoSlice.Of(text.EnumerateRunes().Select(rune => rune.ToString()))
            : GoSlice.Of(text.Split(separator));
    }

    private static string Join(string separator, GoSlice? list)
    {
        var result = new BoundedText();
        var isFirst = true;
        foreach (var item in list?.Items ?? [])
        {
            result.Append(isFirst ? "" : separator).Append(GoPrint.Text(item));
            isFirst = false;
        }

        return result.ToString();
    }

    private static GoMap SplitToMap(string pairs, string parts, string text)
    {
        var map = new GoMap(GoType.String);
        foreach (var pair in text.Trim().Split(pairs, StringSplitOptions.RemoveEmptyEntries))
        {
            var split = pair.IndexOf(parts, StringComparison.Ordinal);
            map[split < 0 ? pair : pair[..split]] = split < 0 ? "" : pair[(split + parts.Length)..];
        }

        return map;
    }

    /// <summary>Without the characters of a set at both ends.</summary>
    public static string Trim(string text, string cutset) =>
        text.Trim(cutset.ToCharArray()) is var trimmed && cutset.Length > 0 ? trimmed : text;

    /// <summary>Spaces before each line that is not empty.</summary>
    private static string Indent(long spaces, string text)
    {
        if (spaces is < 0 or > BoundedText.Limit)
        {
            throw new FunctionException("indent value must be a positive integer");
        }

        var result = new BoundedText();
        var isStart = true;
        foreach (var character in text)
        {
            if (isStart && character != '\n')
            {
                result.Append(' ', (int)spaces);
            }

            result.Append(character);
            isStart = character == '\n';
        }

        return result.ToString();
    }

    /// <summary>Every occurrence of a text by another.</summary>
    public static string ReplaceAll(string from, string to, string text)
    {
        var result = new BoundedText();
        var at = 0;
        while (at <= text.Length)
        {
            var next = from.Length == 0 ? at : text.IndexOf(from, at, StringComparison.Ordinal);
            if (next < 0)
            {
                break;
            }

            result.Append(text.AsSpan(at, next - at)).Append(to);
            // An empty text stands before each character, and at the end.
            result.Append(from.Length == 0 && next < text.Length ? text.AsSpan(next, 1) : []);
            at = next + Math.Max(1, from.Length);
        }

        return result.Append(at < text.Length ? text.AsSpan(at) : []).ToString();
    }

    private static LinearRegex Compile(string pattern)
    {
        var (regex, problem) = LinearRegex.Compile(pattern);
        return regex ?? throw new FunctionException(problem!);
    }

    private static string RegexReplaceAll(string pattern, string replacement, string text)
    {
        var result = new BoundedText();
        var at = 0;
        foreach (var match in Compile(pattern).Matches(text))
        {
            result.Append(text.AsSpan(at, match.Index - at));
            Expand(result, replacement, match);
            at = match.Index + match.Length;
        }

        return result.Append(text.AsSpan(at)).ToString();
    }

    /// <summary>$1, ${1}, $name, ${name} stand for what a group holds, $$ for a dollar; a name is as long as it can be.</summary>
    private static void Expand(BoundedText result, string replacement, LinearMatch match)
    {
        for (var at = 0; at < replacement.Length; )
        {
            var dollar = replacement.IndexOf('$', at);
            if (dollar < 0 || dollar + 1 >= replacement.Length)
            {
                result.Append(replacement.AsSpan(at));
                return;
            }

            result.Append(replacement.AsSpan(at, dollar - at));
            at = dollar + 1;
            if (replacement[at] == '$')
            {
                result.Append('$');
                at++;
                continue;
            }

            var isBraced = replacement[at] == '{';
            var start = isBraced ? at + 1 : at;
            var end = start;
            while (end < replacement.Length && (char.IsLetterOrDigit(replacement[end]) || replacement[end] == '_'))
            {
                end++;
            }

            if (end == start || (isBraced && (end >= replacement.Length || replacement[end] != '}')))
            {
                result.Append('$');
                continue;
            }

            result.Append(match.Group(replacement[start..end]));
            at = isBraced ? end + 1 : end;
        }
    }
}
