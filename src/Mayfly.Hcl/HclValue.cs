namespace Mayfly.Hcl;

/// <summary>A value of a document. Immutable.</summary>
public abstract record HclValue(HclPosition Position)
{
    /// <summary>What it is, for messages: "a string".</summary>
    public abstract string Kind { get; }
}

/// <summary>A string, with its escapes resolved; here-documents too.</summary>
public sealed record HclString(string Text, HclPosition Position) : HclValue(Position)
{
    public override string Kind => "a string";
}

/// <summary>A number. <paramref name="Integer"/> is null when it has a fraction or does not fit 64 bits.</summary>
/// <param name="Text">As it was written.</param>
/// <param name="Value">The nearest double.</param>
/// <param name="Integer">The exact value of an integer.</param>
/// <param name="Position">Where it stands.</param>
public sealed record HclNumber(string Text, double Value, long? Integer, HclPosition Position) : HclValue(Position)
{
    public override string Kind => "a number";
}

/// <summary><c>true</c> or <c>false</c>.</summary>
public sealed record HclBool(bool Value, HclPosition Position) : HclValue(Position)
{
    public override string Kind => Value ? "true" : "false";
}

/// <summary>JSON's <c>null</c>; the other notation has none.</summary>
public sealed record HclNull(HclPosition Position) : HclValue(Position)
{
    public override string Kind => "null";
}

/// <summary>A list.</summary>
public sealed record HclList(IReadOnlyList<HclValue> Items, HclPosition Position) : HclValue(Position)
{
    public override string Kind => "a list";
}

/// <summary>An object: <c>{ … }</c>.</summary>
public sealed record HclObject(HclBody Body, HclPosition Position) : HclValue(Position)
{
    public override string Kind => "an object";
}

/// <summary>One entry of a body: <c>key = value</c>, or <c>key "label" { … }</c> (then the value is an object).</summary>
public sealed record HclItem(string Key, IReadOnlyList<string> Labels, HclValue Value, HclPosition Position);

/// <summary>The entries between braces, or of a whole document, in the order they were written. Keys may repeat.</summary>
public sealed record HclBody(IReadOnlyList<HclItem> Items, HclPosition Position)
{
    /// <summary>The first entry of that key, or null.</summary>
    public HclItem? Find(string key) => Items.FirstOrDefault(item => item.Key == key);
}

/// <summary>A block with its labels: <c>listener "tcp" { … }</c>.</summary>
public sealed record HclBlock(string Type, IReadOnlyList<string> Labels, HclBody Body, HclPosition Position)
{
    /// <summary>The first label.</summary>
    public string Label => Labels[0];
}
