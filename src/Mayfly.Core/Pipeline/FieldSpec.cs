using Mayfly.Hcl;

namespace Mayfly.Core.Pipeline;

/// <summary>The type of a field, with the spellings that Vault's clients use for it.</summary>
public enum FieldType
{
    /// <summary>A string; numbers and booleans are taken as their text.</summary>
    String,

    /// <summary>A boolean, also as <c>"true"</c> or <c>1</c>.</summary>
    Bool,

    /// <summary>A 64-bit integer, also as a string.</summary>
    Int,

    /// <summary>A duration; see <see cref="Durations"/>.</summary>
    Duration,

    /// <summary>An array of strings, or one string with commas.</summary>
    StringList,

    /// <summary>An array of strings, or one string, which is not split: SQL has commas of its own.</summary>
    Texts,

    /// <summary>An array of integers, or one string with commas.</summary>
    IntList,

    /// <summary>An object whose values are strings, an array of <c>key=value</c>, or either as text.</summary>
    StringMap,

    /// <summary>Any JSON object.</summary>
    Object,

    /// <summary>Any JSON value.</summary>
    Any,
}

/// <summary>A field that a path takes: from the path itself, the body, or the query string. Immutable.</summary>
/// <param name="Name">As on the wire.</param>
/// <param name="Type">What it must be; anything else is refused before the engine sees the request.</param>
/// <param name="Description">For help, OpenAPI and the docs.</param>
public sealed record FieldSpec(string Name, FieldType Type, string Description = "")
{
    /// <summary>The name of its type in help, as Vault's has it.</summary>
    public string TypeName =>
        Type switch
        {
            FieldType.Bool => "bool",
            FieldType.Int => "int",
            FieldType.Duration => "duration (sec)",
            FieldType.StringList or FieldType.Texts or FieldType.IntList => "slice",
            FieldType.StringMap => "keypair",
            FieldType.Object => "map",
            FieldType.Any => "any",
            _ => "string",
        };

    /// <summary>A write is refused without it; the row's reads, lists and deletes are not.</summary>
    public bool Required { get; init; }

    /// <summary>Accepted because Vault's clients send it; it has no effect here, and the reply warns when it is set.</summary>
    public bool Ignored { get; init; }
}
