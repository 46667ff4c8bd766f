namespace Mayfly.Hcl;

/// <summary>
/// Reads the entries of a body by name and type. Nothing fails on the way: read everything, then ask
/// <see cref="Finish"/> for the first thing that was wrong, which includes keys that nobody asked for. Not safe for
/// concurrent use.
/// </summary>
public sealed class HclFields(HclBody body)
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private HclError? _problem;

    /// <summary>Entries whose key has not been asked for.</summary>
    public IEnumerable<HclItem> Unread => body.Items.Where(item => !_known.Contains(item.Key));

    /// <summary>The first thing that was wrong with what has been read, or null.</summary>
    public HclError? Problem => _problem;

    /// <summary>The value, or null when the key is absent.</summary>
    public HclValue? Value(string key)
    {
        _known.Add(key);
        HclItem? found = null;
        foreach (var item in body.Items)
        {
            if (item.Key != key)
            {
                continue;
            }

            if (found is not null)
            {
                Fail(item.Position, $"{key} is given twice; it is already on line {found.Position.Line}");
            }
            else if (item.Labels.Count > 0)
            {
                Fail(item.Position, $"{key} takes no label");
            }

            found ??= item;
        }

        return found?.Value;
    }

    public string? String(string key)
    {
        switch (Value(key))
        {
            case null:
                return null;
            case HclString text:
                return text.Text;
            case var other:
                Fail(other.Position, $"{key}: expected a string, found {other.Kind}");
                return null;
        }
    }

    /// <summary>A boolean, also written as a string.</summary>
    public bool? Bool(string key)
    {
        switch (Value(key))
        {
            case null:
                return null;
            case HclBool flag:
                return flag.Value;
            case HclString { Text: "true" or "1" }:
            case HclNumber { Integer: 1 }:
                return true;
            case HclString { Text: "false" or "0" }:
            case HclNumber { Integer: 0 }:
                return false;
            case var other:
                Fail(other.Position, $"{key}: expected true or false, found {other.Kind}");
                return null;
        }
    }

    /// <summary>An integer, also written as a string.</summary>
    public long? Int(string key)
    {
        switch (Value(key))
        {
            case null:
                return null;
            case HclNumber { Integer: { } number }:
                return number;
            case HclString text
                when HclNumbers.TryParse(text.Text, text.Position, out var number) && number!.Integer is { } integer:
                return integer;
            case var other:
                Fail(other.Position, $"{key}: expected an integer, found {other.Kind}");
                return null;
        }
    }

    /// <summary>A duration: a number of seconds, or a string as <see cref="Durations"/> reads it.</summary>
    public TimeSpan? Duration(string key)
    {
        var value = Value(key);
        var text = value switch
        {
            null => null,
            HclNumber number => number.Text,
            HclString other => other.Text,
            _ => "",
        };
        if (text is null)
        {
            return null;
        }

        if (Durations.TryParse(text, out var duration))
        {
            return duration;
        }

        Fail(value!.Position, $"{key}: expected a duration such as 90, \"90s\", \"1h30m\" or \"1d\"");
        return null;
    }

    /// <summary>A list of strings.</summary>
    public IReadOnlyList<string>? Strings(string key)
    {
        switch (Value(key))
        {
            case null:
                return null;
            case HclList list:
                var strings = new List<string>(list.Items.Count);
                foreach (var item in list.Items)
                {
                    if (item is HclString text)
                    {
                        strings.Add(text.Text);
                    }
                    else
                    {
                        Fail(item.Position, $"{key}: expected a list of strings, found {item.Kind} in it");
                    }
                }

                return strings;
            case var other:
                Fail(other.Position, $"{key}: expected a list of strings, found {other.Kind}");
                return null;
        }
    }

    public HclBody? Object(string key)
    {
        switch (Value(key))
        {
            case null:
                return null;
            case HclObject found:
                return found.Body;
            case var other:
                Fail(other.Position, $"{key}: expected an object, found {other.Kind}");
                return null;
        }
    }

    /// <summary>
    /// All blocks of a type that have that many labels: <c>listener "tcp" { … }</c>, or in JSON
    /// <c>"listener": {"tcp": {…}}</c>, or a list of such objects.
    /// </summary>
    public IReadOnlyList<HclBlock> Blocks(string type, int labels)
    {
        _known.Add(type);
        var found = new List<HclBlock>();
        foreach (var item in body.Items)
        {
            if (item.Key == type)
            {
                Collect(type, item.Labels, item.Value, item.Position, labels, found);
            }
        }

        return found;
    }

    /// <summary>All entries of that key as they were written, for keys that take several shapes.</summary>
    public IReadOnlyList<HclItem> Items(string key)
    {
        _known.Add(key);
        return [.. body.Items.Where(item => item.Key == key)];
    }

    /// <summary>Notes a problem that the caller found with what it has read; the first one counts.</summary>
    public void Fail(HclPosition position, string message) => _problem ??= new HclError(position, message);

    /// <summary>The first problem, counting keys that nobody asked for; null when all is well.</summary>
    public HclError? Finish()
    {
        if (_problem is null && Unread.FirstOrDefault() is { } unknown)
        {
            var key = unknown.Key.Length <= 64 ? unknown.Key : unknown.Key[..64] + "…";
            var known = string.Join(", ", _known.Order(StringComparer.Ordinal));
            var near = Suggestion.For(key, _known) is { } meant ? $" did you mean \"{meant}\"?" : "";
            Fail(unknown.Position, $"invalid key \"{key}\";{near} known here: {known}");
        }

        return _problem;
    }

    private void Collect(
        string type,
        IReadOnlyList<string> given,
        HclValue value,
        HclPosition position,
        int labels,
        List<HclBlock> found
    )
    {
        switch (value)
        {
            case HclList list when list.Items.Count > 0 || given.Count == 0:
                foreach (var item in list.Items)
                {
                    Collect(type, given, item, item.Position, labels, found);
                }

                break;
            case HclObject inner when given.Count == labels:
                found.Add(new HclBlock(type, given, inner.Body, position));
                break;
            case HclObject inner when given.Count < labels:
                foreach (var item in inner.Body.Items)
                {
                    Collect(type, [.. given, item.Key, .. item.Labels], item.Value, item.Position, labels, found);
                }

                break;
            default:
                Fail(
                    position,
                    labels == 0
                        ? $"expected {type} {{ … }}"
                        : $"expected {type} with {labels} label(s): {type} \"…\" {{ … }}"
                );
                break;
        }
    }
}
