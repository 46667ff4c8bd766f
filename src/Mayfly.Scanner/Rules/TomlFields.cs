using System.Globalization;
using Mayfly.Scanner.Matching;
using Mayfly.Scanner.Toml;

namespace Mayfly.Scanner.Rules;

/// <summary>
/// The members of a table as the types that a configuration wants. The first that is of another type is remembered as
/// <see cref="Problem"/>; names are the same in capitals and in small letters, as for gitleaks. One owner.
/// </summary>
internal sealed class TomlFields
{
    private readonly TomlTable _table;
    private readonly TomlFields _root;
    private readonly bool _trusted;
    private string? _problem;

    /// <param name="file">For messages.</param>
    /// <param name="table">The document.</param>
    /// <param name="trusted">It is the program's own: its patterns are compiled at their first use.</param>
    public TomlFields(string file, TomlTable table, bool trusted)
    {
        _trusted = trusted;
        File = file;
        _table = table;
        _root = this;
    }

    private TomlFields(TomlFields parent, TomlTable table)
    {
        _trusted = parent._trusted;
        File = parent.File;
        _table = table;
        _root = parent._root;
    }

    public string File { get; }

    public int Line => _table.Line;

    /// <summary>Where the table stands.</summary>
    public string Place => $"{File}:{Line}";

    /// <summary>What is wrong in the document, or null.</summary>
    public string? Problem => _root._problem;

    public bool Has(string name) => Find(name) is not null;

    public string String(string name) => Find(name) is { } value ? Text(value, name) : "";

    public bool Bool(string name)
    {
        switch (Find(name))
        {
            case null:
                return false;
            case TomlScalar { Value: bool value }:
                return value;
            case { } other:
                Fail(other.Line, $"\"{name}\" must be true or false");
                return false;
        }
    }

    public double? Number(string name)
    {
        switch (Find(name))
        {
            case null:
                return null;
            case TomlScalar { Value: double value }:
                return value;
            case TomlScalar { Value: long value }:
                return value;
            case TomlScalar { Value: string text }
                when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value):
                return value;
            case { } other:
                Fail(other.Line, $"\"{name}\" must be a number");
                return null;
        }
    }

    public int? Count(string name)
    {
        if (Number(name) is not { } number)
        {
            return null;
        }

        if (number is < 0 or > int.MaxValue || number != Math.Floor(number))
        {
            Fail(Find(name)!.Line, $"\"{name}\" must be a whole number that is not negative");
            return null;
        }

        return (int)number;
    }

    public IReadOnlyList<string> Strings(string name)
    {
        switch (Find(name))
        {
            case null:
                return [];
            case TomlArray array:
                return [.. array.Items.Select(item => Text(item, name))];
            case { } one:
                return [Text(one, name)];
        }
    }

    public IReadOnlyList<LinearRegex> Regexes(string name)
    {
        var line = Find(name)?.Line ?? Line;
        var result = new List<LinearRegex>();
        foreach (var pattern in Strings(name))
        {
            var (regex, problem) = _trusted ? (LinearRegex.Trusted(pattern), null) : LinearRegex.Compile(pattern);
            if (regex is null)
            {
                Fail(line, $"\"{name}\": {problem}: {pattern}");
                return result;
            }

            result.Add(regex);
        }

        return result;
    }

    public LinearRegex? Regex(string name) =>
        String(name).Length > 0 && Regexes(name) is [var regex, ..] ? regex : null;

    public TomlFields? Table(string name)
    {
        switch (Find(name))
        {
            case null:
                return null;
            case TomlTable table:
                return new TomlFields(this, table);
            case { } other:
                Fail(other.Line, $"\"{name}\" must be a table");
                return null;
        }
    }

    public IReadOnlyList<TomlFields> Tables(string name)
    {
        switch (Find(name))
        {
            case null:
                return [];
            case TomlArray array when array.Items.All(item => item is TomlTable):
                return [.. array.Items.Select(item => new TomlFields(this, (TomlTable)item))];
            case { } other:
                Fail(other.Line, $"\"{name}\" must be an array of tables ([[{name}]])");
                return [];
        }
    }

    public void Fail(int line, string message) => _root._problem ??= $"{File}:{line}: {message}";

    private string Text(TomlValue value, string name)
    {
        if (value is TomlScalar { Value: string text })
        {
            return text;
        }

        Fail(value.Line, $"\"{name}\" must be text");
        return "";
    }

    private TomlValue? Find(string name) =>
        _table[name]
        ?? _table
            .Members.FirstOrDefault(member => string.Equals(member.Key, name, StringComparison.OrdinalIgnoreCase))
            .Value;
}
