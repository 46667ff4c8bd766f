using System.Globalization;
using Mayfly.Hcl;

namespace Mayfly.Agent.Configuration;

/// <summary>
/// The entries of one stanza while it is read. What is wrong is collected in <see cref="ConfigurationNotes"/>, with its place.
/// Finish with <see cref="Finish"/>, which tells of keys that nobody asked for. Not safe for concurrent use.
/// </summary>
internal sealed class Stanza(string name, HclBody body, ConfigurationNotes notes)
{
    private readonly HclFields _fields = new(body);

    public string Name => name;

    public HclPosition Position => body.Position;

    public string? String(string key) => Empty(key) ? null : _fields.String(key);

    /// <summary>A text that must be there.</summary>
    public string Required(string key)
    {
        var value = String(key);
        if (string.IsNullOrEmpty(value))
        {
            Problem($"{key} is needed");
        }

        return value ?? "";
    }

    public bool? Bool(string key) => Empty(key) ? null : _fields.Bool(key);

    /// <summary>A duration; null when absent, or an empty text, which Vault takes for absent.</summary>
    public TimeSpan? Duration(string key) =>
        Empty(key) || _fields.Items(key) is [{ Value: HclString { Text.Length: 0 } }] ? null : _fields.Duration(key);

    /// <summary>An integer within bounds.</summary>
    public long? Int(string key, long least, long most)
    {
        if (Empty(key) || _fields.Int(key) is not { } number)
        {
            return null;
        }

        if (number < least || number > most)
        {
            Problem($"{key} must be from {least} to {most}");
        }

        return Math.Clamp(number, least, most);
    }

    /// <summary>A list of texts, or texts in one with commas between.</summary>
    public IReadOnlyList<string>? Strings(string key)
    {
        if (Empty(key))
        {
            return null;
        }

        return _fields.Value(key) is HclString one
            ? one.Text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            : _fields.Strings(key);
    }

    /// <summary>Texts or numbers in a list, as texts.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        switch (_fields.Value(key))
        {
            case null or HclNull:
                return [];
            case HclList list:
                return [.. list.Items.Select(item => Plain(item) ?? "?")];
            case var one:
                return (Plain(one) ?? "?").Split(
                    ',',
                    StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries
                );
        }
    }

    /// <summary>A text, number or boolean as text; null when absent.</summary>
    public string? Text(string key) => _fields.Value(key) is { } value and not HclNull ? Plain(value) ?? "?" : null;

    /// <summary>A number with or without a fraction, also written as a text.</summary>
    public double? Number(string key)
    {
        if (Text(key) is not { } text)
        {
            return null;
        }

        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        Problem($"{key} must be a number");
        return null;
    }

    /// <summary>The value is a plain one, not a stanza.</summary>
    public bool IsText(string key) => _fields.Items(key) is [{ Value: HclString or HclNumber }];

    /// <summary>A command: a list of arguments, or one text, which is the shell's.</summary>
    public IReadOnlyList<string>? Command(string key) =>
        Empty(key) ? null
        : _fields.Value(key) is HclString line
            ? line.Text.Length == 0 ? []
                : ["/bin/sh", "-c", line.Text]
        : _fields.Strings(key);

    /// <summary>
    /// Permissions in octal: <c>"0640"</c>, or a number that begins with 0. Any other number is a decimal one, as in Vault: JSON has no
    /// other way to say it. Null when absent, or "0000": as the file has them.
    /// </summary>
    public UnixFileMode? Mode(string key, UnixFileMode? absent)
    {
        var text = _fields.Value(key) switch
        {
            null or HclNull => null,
            HclString value => value.Text,
            // HCL reads 0640 as octal; YAML gives the digits.
            HclNumber { Text: ['0', ..] } number => number.Text,
            // 416 is 0640, and would open a token to everybody if it were read as octal. 640 is meant to be octal by whoever writes
            // it, and is not: it is refused.
            HclNumber { Integer: >= 0 and <= 0x1FF and { } bits } => Convert.ToString(bits, 8),
            _ => "?",
        };
        if (string.IsNullOrEmpty(text))
        {
            return absent;
        }

        try
        {
            var digits = text.StartsWith("0o", StringComparison.Ordinal) ? text[2..] : text;
            var bits = Convert.ToInt32(digits, 8);
            if (bits is >= 0 and <= 0xFFF)
            {
                return bits == 0 ? null : (UnixFileMode)bits;
            }
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
        {
            // Said below.
        }

        Problem($"{key} must be permissions in octal, such as \"0640\"");
        return absent;
    }

    /// <summary>A name or number, as text.</summary>
    public string Account(params string[] keys)
    {
        foreach (var key in keys)
        {
            var value = _fields.Value(key);
            if (value is HclNumber { Integer: { } number })
            {
                // -1 is Vault's word for "leave it".
                return number < 0 ? "" : number.ToString(CultureInfo.InvariantCulture);
            }

            if (value is not (null or HclNull) && _fields.String(key) is { Length: > 0 } text)
            {
                return text;
            }
        }

        return "";
    }

    /// <summary>The one stanza of that name inside of this one; null when there is none.</summary>
    public Stanza? Single(string key)
    {
        Stanza? found = null;
        foreach (var item in _fields.Items(key))
        {
            foreach (var (labels, inner) in Bodies(item.Labels, item.Value, key))
            {
                if (labels.Count > 0)
                {
                    notes.Problem(item.Position, $"{Within}{key} takes no label");
                }
                else if (found is not null)
                {
                    notes.Problem(
                        item.Position,
                        $"{Within}{key} is given twice; it is already on line {found.Position.Line}"
                    );
                }

                found ??= new Stanza(key, inner, notes);
            }
        }

        return found;
    }

    /// <summary>All stanzas of that name, which have no label.</summary>
    public IReadOnlyList<Stanza> Many(string key)
    {
        var found = new List<Stanza>();
        foreach (var item in _fields.Items(key))
        {
            foreach (var (labels, inner) in Bodies(item.Labels, item.Value, key))
            {
                if (labels.Count > 0)
                {
                    notes.Problem(item.Position, $"{Within}{key} takes no label");
                }

                found.Add(new Stanza(key, inner, notes));
            }
        }

        return found;
    }

    /// <summary>
    /// All stanzas of that name with their label or type: <c>sink "file" { … }</c>, <c>sink { type = "file" … }</c>, and in
    /// JSON and YAML <c>sink: {file: {…}}</c> or a list of either.
    /// </summary>
    public IReadOnlyList<LabelledStanza> Labelled(string key, bool hasType = true)
    {
        var found = new List<LabelledStanza>();
        foreach (var item in _fields.Items(key))
        {
            foreach (var (labels, inner) in Bodies(item.Labels, item.Value, key))
            {
                Label(key, labels, inner, hasType, found);
            }
        }

        return found;
    }

    /// <summary>All stanzas of that name in this one, which holds nothing else: <c>sinks { sink "file" { … } … }</c>.</summary>
    public IReadOnlyList<LabelledStanza> Inner(string key)
    {
        var found = Labelled(key);
        Finish();
        return found;
    }

    /// <summary>Says that these keys have no effect here, and why, when they are used.</summary>
    public void NoEffect(params ReadOnlySpan<(string Key, string Why)> keys)
    {
        foreach (var (key, why) in keys)
        {
            foreach (var item in _fields.Items(key))
            {
                notes.Warn(item.Position, $"{Within}{key} has no effect: {why}");
            }
        }
    }

    /// <summary>Keys of Vault's that tune what does not exist here; nothing is lost by passing over them.</summary>
    public void Meaningless(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            _ = _fields.Items(key);
        }
    }

    /// <summary>Refuses keys that would mislead if they were passed over.</summary>
    public void Refuse(params ReadOnlySpan<(string Key, string Why)> keys)
    {
        foreach (var (key, why) in keys)
        {
            foreach (var item in _fields.Items(key))
            {
                notes.Problem(item.Position, $"{Within}{key} is not supported: {why}");
            }
        }
    }

    public void Problem(string message) => notes.Problem(body.Position, Within + message);

    public void Warn(string message) => notes.Warn(body.Position, Within + message);

    /// <summary>Notes what was wrong with what has been read, and keys that nobody asked for.</summary>
    public void Finish()
    {
        if (_fields.Finish() is { } error)
        {
            notes.Problem(error.Position, Within + error.Message);
        }
    }

    private static string? Plain(HclValue value) =>
        value switch
        {
            HclString text => text.Text,
            HclNumber number => number.Text,
            HclBool flag => flag.Value ? "true" : "false",
            _ => null,
        };

    private string Within => name.Length == 0 ? "" : name + ": ";

    private bool Empty(string key) => _fields.Items(key) is [{ Value: HclNull }];

    private void Label(
        string key,
        IReadOnlyList<string> labels,
        HclBody inner,
        bool hasType,
        List<LabelledStanza> found
    )
    {
        if (labels.Count == 1)
        {
            var stanza = new Stanza($"{key} \"{labels[0]}\"", inner, notes);
            if (hasType)
            {
                stanza.Meaningless("type");
            }

            found.Add(new LabelledStanza(labels[0], stanza));
        }
        else if (labels.Count == 0 && hasType && inner.Find("type")?.Value is HclString type)
        {
            Label(key, [type.Text], inner, hasType, found);
        }
        else if (labels.Count == 0 && inner.Items.Count > 0 && inner.Items.All(item => IsBlock(item.Value)))
        {
            foreach (var item in inner.Items)
            {
                foreach (var (more, body) in Bodies([item.Key, .. item.Labels], item.Value, key))
                {
                    Label(key, more, body, hasType, found);
                }
            }
        }
        else
        {
            var example = hasType ? $"{key} \"…\" {{ … }}, or type = \"…\" in it" : $"{key} \"NAME\" {{ … }}";
            notes.Problem(inner.Position, $"{Within}{key} needs one label: {example}");
        }
    }

    private static bool IsBlock(HclValue value) =>
        value is HclObject or HclNull || (value is HclList list && list.Items.All(IsBlock));

    private IEnumerable<(IReadOnlyList<string> Labels, HclBody Body)> Bodies(
        IReadOnlyList<string> labels,
        HclValue value,
        string key
    )
    {
        switch (value)
        {
            case HclObject found:
                yield return (labels, found.Body);
                break;
            case HclNull:
                yield return (labels, new HclBody([], value.Position));
                break;
            case HclList list:
                foreach (var item in list.Items)
                {
                    foreach (var inner in Bodies(labels, item, key))
                    {
                        yield return inner;
                    }
                }

                break;
            default:
                notes.Problem(value.Position, $"{Within}expected {key} {{ … }}, found {value.Kind}");
                break;
        }
    }
}

/// <summary>A stanza with its label or type.</summary>
internal sealed record LabelledStanza(string Label, Stanza Stanza);

/// <summary>What is wrong with configuration files, and what has less effect than it says. Holds no values of theirs.</summary>
internal sealed class ConfigurationNotes
{
    private string _file = "";

    public List<string> Problems { get; } = [];

    public List<string> Warnings { get; } = [];

    /// <summary>What is noted from now on is about that file.</summary>
    public void Begin(string file) => _file = file;

    public string Place(HclPosition position) => $"{_file}:{position.Line}";

    public void Problem(HclPosition position, string message) =>
        Problems.Add($"{_file}: line {position.Line}, column {position.Column}: {message}");

    public void Warn(HclPosition position, string message) => Warnings.Add($"{_file}: line {position.Line}: {message}");
}
