namespace Mayfly.Scanner.Toml;

/// <summary>What a <see cref="TomlValue"/> is.</summary>
public enum TomlKind
{
    /// <summary>Text.</summary>
    String,

    /// <summary>A 64-bit number.</summary>
    Integer,

    /// <summary>A double, infinity or not a number.</summary>
    Float,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>A moment, with its offset from UTC.</summary>
    OffsetDateTime,

    /// <summary>A date and a time of day that say not where.</summary>
    LocalDateTime,

    /// <summary>A day.</summary>
    LocalDate,

    /// <summary>A time of day.</summary>
    LocalTime,

    /// <summary>Values in order.</summary>
    Array,

    /// <summary>Values by name.</summary>
    Table,
}

/// <summary>A value of a TOML document, with the line where it stands. Immutable once its document has been read.</summary>
public abstract class TomlValue
{
    private protected TomlValue(TomlKind kind, int line)
    {
        Kind = kind;
        Line = line;
    }

    /// <summary>What it is.</summary>
    public TomlKind Kind { get; }

    /// <summary>The line where it begins, from 1.</summary>
    public int Line { get; }
}

/// <summary>A value that holds no others.</summary>
public sealed class TomlScalar : TomlValue
{
    internal TomlScalar(TomlKind kind, int line, object value)
        : base(kind, line) => Value = value;

    /// <summary>
    /// A string, long, double or bool; dates and times as a string in the form of RFC 3339 that the document has, with a
    /// capital T and Z.
    /// </summary>
    public object Value { get; }
}

/// <summary>Values in order.</summary>
public sealed class TomlArray : TomlValue
{
    internal TomlArray(int line, bool ofTables)
        : base(TomlKind.Array, line) => OfTables = ofTables;

    /// <summary>The values.</summary>
    public IReadOnlyList<TomlValue> Items => Values;

    internal List<TomlValue> Values { get; } = [];

    /// <summary>It was made by <c>[[name]]</c>, and another such header adds to it.</summary>
    internal bool OfTables { get; }
}

/// <summary>Values by name, in the order of the document.</summary>
public sealed class TomlTable : TomlValue
{
    private readonly Dictionary<string, TomlValue> _members = new(StringComparer.Ordinal);

    internal TomlTable(int line, TableOrigin origin)
        : base(TomlKind.Table, line) => Origin = origin;

    /// <summary>The names and their values.</summary>
    public IReadOnlyDictionary<string, TomlValue> Members => _members;

    /// <summary>How it came to be, which decides what may still be added to it.</summary>
    internal TableOrigin Origin { get; set; }

    /// <summary>The value called <paramref name="name"/>, or null.</summary>
    public TomlValue? this[string name] => _members.GetValueOrDefault(name);

    internal void Add(string name, TomlValue value) => _members.Add(name, value);
}

/// <summary>How a table came to be.</summary>
internal enum TableOrigin
{
    /// <summary>A header of one below it named it: it may still get a header of its own.</summary>
    Implied,

    /// <summary>It has had its header, or is the document.</summary>
    Header,

    /// <summary>A dotted key made it: further dotted keys of the same section add to it.</summary>
    DottedKey,

    /// <summary>It stands in braces: nothing can be added.</summary>
    Inline,
}
