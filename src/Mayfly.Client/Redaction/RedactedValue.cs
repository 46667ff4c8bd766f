using System.Collections;
using System.Globalization;
using System.Net;
using System.Text;

namespace Mayfly.Client.Redaction;

/// <summary>
/// A value of a log, a span or an exception's data without secrets. Text, numbers and times, lists and maps of them stay what
/// they are; anything else, which could show what its text does not, becomes its text.
/// </summary>
internal static class RedactedValue
{
    private const int Deepest = 8;
    private const int LongestFormatted = 128;

    /// <summary>The value itself when it is free of secrets and of a known type.</summary>
    public static object? Of(object? value, Redactor redactor) =>
        TryOf(value, redactor, Deepest, out var redacted) ? redacted : value;

    /// <summary>The value is not to be shown as it is.</summary>
    public static bool IsNeeded(object? value, Redactor redactor) => TryOf(value, redactor, Deepest, out _);

    private static bool TryOf(object? value, Redactor redactor, int depth, out object? redacted)
    {
        redacted = Redactor.Mask;
        switch (value)
        {
            case null or bool or SecretString:
                return false;
            case string text:
                return IsRedacted(text, redactor, ref redacted);
            case Exception exception:
                redacted = RedactedException.Of(exception, redactor);
                return !ReferenceEquals(exception, redacted);
            case Type or Uri or IPAddress or Enum:
                return IsRedacted(value.ToString(), redactor, ref redacted);
            case byte[] bytes:
                return redactor.FindsSecretIn(Encoding.Latin1.GetString(bytes));
            case char[] characters:
                return redactor.FindsSecretIn(characters);
            case ISpanFormattable formattable when value.GetType().IsValueType:
                return HasSecret(formattable, redactor);
            case IDictionary or IEnumerable<KeyValuePair<string, object?>>:
                return depth == 0 || IsRedacted((IEnumerable)value, redactor, depth, ref redacted);
            case Array { Rank: 1 } array when array.GetType().GetElementType()!.IsPrimitive:
                return false;
            case ICollection items:
                return depth == 0 || IsRedacted(items, redactor, depth, ref redacted);
            default:
                redacted = redactor.Redact(value.ToString() ?? "");
                return true;
        }
    }

    private static bool IsRedacted(string? text, Redactor redactor, ref object? redacted)
    {
        if (text is null || !redactor.TryRedact(text, out var clean))
        {
            return false;
        }

        redacted = clean;
        return true;
    }

    private static bool HasSecret(ISpanFormattable value, Redactor redactor)
    {
        Span<char> text = stackalloc char[LongestFormatted];
        return value.TryFormat(text, out var length, default, CultureInfo.InvariantCulture)
            ? redactor.FindsSecretIn(text[..length])
            : redactor.FindsSecretIn(value.ToString());
    }

    private static bool IsRedacted(IEnumerable items, Redactor redactor, int depth, ref object? redacted)
    {
        var changed = false;
        var list = new List<object?>();
        foreach (var item in items)
        {
            var one = item switch
            {
                KeyValuePair<string, object?> pair => (object)RedactPair(pair, redactor, depth, ref changed),
                DictionaryEntry entry => RedactPair(
                    new(entry.Key.ToString() ?? "", entry.Value),
                    redactor,
                    depth,
                    ref changed
                ),
                _ when TryOf(item, redactor, depth - 1, out var clean) => Changed(clean, ref changed),
                _ => item,
            };
            list.Add(one);
        }

        if (changed)
        {
            redacted = items is string?[] ? list.Select(item => (string?)item).ToArray() : List(list);
        }

        return changed;
    }

    private static object List(List<object?> list) =>
        list.TrueForAll(item => item is KeyValuePair<string, object?>)
            ? list.Select(item => (KeyValuePair<string, object?>)item!).ToArray()
            : list.ToArray();

    private static KeyValuePair<string, object?> RedactPair(
        KeyValuePair<string, object?> pair,
        Redactor redactor,
        int depth,
        ref bool changed
    )
    {
        changed |= redactor.TryRedact(pair.Key, out var key);
        var isRedacted = TryOf(pair.Value, redactor, depth - 1, out var value);
        changed |= isRedacted;
        return new(key.Length > 0 ? key : pair.Key, isRedacted ? value : pair.Value);
    }

    private static object? Changed(object? value, ref bool changed)
    {
        changed = true;
        return value;
    }
}
