using System.Text.Json.Nodes;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Contracts;

/// <summary>
/// Input of the kind that finds the places where nobody looked. Dialects see to it that bodies are JSON objects whose text is
/// valid Unicode, and that paths and their parts have a limit; anything else may come.
/// </summary>
internal static class HostileInput
{
    /// <summary>Variable parts of paths. Literal slashes spread over the segments that follow.</summary>
    public static IReadOnlyList<string> Captures { get; } =
    [
        "",
        "/",
        "//",
        "a//b",
        "a/",
        "/a",
        ".",
        "..",
        "../x",
        "a/../../b",
        "%2e%2e%2f",
        " ",
        "a b",
        "\0",
        "a\0b",
        "\n",
        "\u007f",
        "*",
        "+",
        "{path}",
        "é\u0301漢字🔑",
        "\ud800",
        "\u202e",
        new string('x', 300),
        new string('x', 512),
        string.Join('/', Enumerable.Repeat("d", 2_000)),
    ];

    private static readonly string[] Values =
    [
        "null",
        "true",
        "-1",
        "0",
        "1.5",
        "1e308",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "\"\"",
        "\" \"",
        "\"x\"",
        "\"-1\"",
        "\"9999999999h\"",
        "\"\\u0000\"",
        "\"\\ud83d\\ude00\"",
        "\"{{\"",
        "[]",
        "[null]",
        "[\"\"]",
        "[\"a\",\"a\"]",
        "[1,-1,99999999999]",
        "[{}]",
        "{}",
        "{\"\":\"\"}",
        "{\"a\":null}",
        "{\"a\":{\"b\":[1,2,{}]}}",
    ];

    /// <summary>Bodies: each field with each kind of value, all at once, none, too much.</summary>
    public static IEnumerable<string?> Bodies(IReadOnlyList<FieldSpec> fields)
    {
        yield return null;
        yield return "{}";
        yield return """{"":""}""";
        yield return $$"""{"x":{{Deep(Json.MaxDepth - 3)}}}""";
        foreach (var value in Values)
        {
            yield return $"{{{string.Join(',', fields.Select(field => $"{Quoted(field.Name)}:{value}"))}}}";
            foreach (var field in fields)
            {
                yield return $"{{{Quoted(field.Name)}:{value}}}";
            }
        }

        foreach (var field in fields)
        {
            var name = Quoted(field.Name);
            yield return $"{{{name}:{Quoted(new string('x', 100_000))}}}";
            yield return $"{{{name}:{Deep(Json.MaxDepth - 3)}}}";
            yield return $"{{{name}:[{string.Join(',', Enumerable.Range(0, 5_000))}]}}";
            yield return $"{{{name}:{{{string.Join(',', Enumerable.Range(0, 2_000).Select(i => $"\"k{i}\":\"v\""))}}}}}";
            yield return $"{{{name}:\"twice\",{name}:\"twice\"}}";
        }
    }

    /// <summary>Query strings: each field with each kind of text.</summary>
    public static IEnumerable<IReadOnlyDictionary<string, string>> Queries(IReadOnlyList<FieldSpec> fields)
    {
        foreach (var text in new[] { "", "-1", "0", "x", "9223372036854775808", "\0", new string('9', 5_000) })
        {
            yield return fields.ToDictionary(field => field.Name, _ => text, StringComparer.Ordinal);
        }
    }

    private static string Deep(int levels) =>
        string.Concat(Enumerable.Repeat("{\"a\":", levels)) + "1" + new string('}', levels);

    private static string Quoted(string text) => JsonValue.Create(text).ToJsonString();
}
