using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Mayfly.Hcl;

namespace Mayfly.Core.Policy;

/// <summary>
/// A parameter as it was sent: JSON from the body, or text from the query. Fields take numbers and booleans as text too, so
/// a value is compared with what the field would make of it: <c>"1"</c> does not slip past a rule on <c>1</c>.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct ParameterValue
{
    private readonly JsonElement _json;
    private readonly string? _text;

    public ParameterValue(JsonElement json)
    {
        _json = json;
        _text = json.ValueKind switch
        {
            JsonValueKind.String => json.GetString(),
            JsonValueKind.Number => json.GetRawText(),
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            _ => null,
        };
    }

    public ParameterValue(string text) => _text = text;

    /// <summary>A list is denied as soon as one of its elements is; text with commas may be a list.</summary>
    public bool IsDeniedBy(IReadOnlyList<HclValue> values)
    {
        if (values.Count == 0 || Matches(values))
        {
            return true;
        }

        if (_json.ValueKind == JsonValueKind.Array)
        {
            foreach (var element in _json.EnumerateArray())
            {
                if (new ParameterValue(element).Matches(values))
                {
                    return true;
                }
            }
        }
        else if (_text is not null && _text.Contains(',', StringComparison.Ordinal))
        {
            return Array.Exists(Parts(_text), part => new ParameterValue(part).Matches(values));
        }

        return false;
    }

    /// <summary>A list is allowed when all of its elements are.</summary>
    public bool IsAllowedBy(IReadOnlyList<HclValue> values)
    {
        if (values.Count == 0 || Matches(values))
        {
            return true;
        }

        if (_json.ValueKind == JsonValueKind.Array)
        {
            foreach (var element in _json.EnumerateArray())
            {
                if (!new ParameterValue(element).Matches(values))
                {
                    return false;
                }
            }

            return true;
        }

        return _text is not null
            && _text.Contains(',', StringComparison.Ordinal)
            && Array.TrueForAll(Parts(_text), part => new ParameterValue(part).Matches(values));
    }

    private static string[] Parts(string text) => text.Split(',', StringSplitOptions.TrimEntries);

    private bool Matches(IReadOnlyList<HclValue> values)
    {
        foreach (var value in values)
        {
            if (Matches(value))
            {
                return true;
            }
        }

        return false;
    }

    private bool Matches(HclValue value) =>
        value switch
        {
            HclString text => _text is not null && MatchesGlob(text.Text, _text),
            HclBool flag => _text is not null && MatchesFlag(flag.Value, _text),
            HclNumber number => _text is not null && MatchesNumber(number, _text),
            HclNull => _json.ValueKind == JsonValueKind.Null,
            HclList list => MatchesList(list),
            HclObject @object => MatchesObject(@object.Body),
            _ => false,
        };

    /// <summary><c>*</c> at the start, at the end, or at both, stands for any text.</summary>
    private static bool MatchesGlob(string glob, string text)
    {
        if (glob == "*")
        {
            return true;
        }

        var start = glob.StartsWith('*');
        var end = glob.Length > 1 && glob.EndsWith('*');
        var literal = glob.AsSpan()[(start ? 1 : 0)..(end ? ^1 : ^0)];
        return (start, end) switch
        {
            (true, true) => text.AsSpan().Contains(literal, StringComparison.Ordinal),
            (true, false) => text.AsSpan().EndsWith(literal, StringComparison.Ordinal),
            (false, true) => text.AsSpan().StartsWith(literal, StringComparison.Ordinal),
            _ => text.AsSpan().Equals(literal, StringComparison.Ordinal),
        };
    }

    private static bool MatchesFlag(bool flag, string text) =>
        flag ? text.ToLowerInvariant() is "true" or "t" or "1" : text.ToLowerInvariant() is "false" or "f" or "0";

    private static bool MatchesNumber(HclNumber number, string text) =>
        text == number.Text
        || (
            number.Integer is { } integer
            && decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var exact)
                ? exact == integer
                : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var near)
                    && near.Equals(number.Value)
        );

    private bool MatchesList(HclList list)
    {
        if (_json.ValueKind != JsonValueKind.Array || _json.GetArrayLength() != list.Items.Count)
        {
            return false;
        }

        var i = 0;
        foreach (var element in _json.EnumerateArray())
        {
            if (!new ParameterValue(element).Matches(list.Items[i++]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Every member is one that the rule names, and none of those is missing.</summary>
    private bool MatchesObject(HclBody body)
    {
        if (_json.ValueKind != JsonValueKind.Object)
        {
            return false;
        }

        foreach (var member in _json.EnumerateObject())
        {
            if (body.Find(member.Name) is not { } item || !new ParameterValue(member.Value).Matches(item.Value))
            {
                return false;
            }
        }

        foreach (var item in body.Items)
        {
            if (!_json.TryGetProperty(item.Key, out _))
            {
                return false;
            }
        }

        return true;
    }
}
