using FsCheck;
using FsCheck.Fluent;
using Mayfly.Agent.Templates;
using Mayfly.Agent.Templates.Functions;
using Mayfly.Agent.Templates.Values;

namespace Mayfly.Tests.Agent.Templates;

/// <summary>No template brings the agent down, or keeps it busy for ever.</summary>
public sealed class TemplateLimitTests
{
    private static readonly string[] Pieces =
    [
        "{{",
        "}}",
        "{{-",
        "-}}",
        " ",
        "\n",
        "if",
        "else",
        "end",
        "range",
        "with",
        "define",
        "template",
        "block",
        "break",
        "continue",
        "nil",
        "true",
        "$x",
        "$",
        ":=",
        "=",
        "|",
        "(",
        ")",
        ",",
        ".",
        ".a",
        ".a.b",
        "\"s\"",
        "\"",
        "`r`",
        "`",
        "'c'",
        "'",
        "1",
        "-1",
        "1.5",
        "0x",
        "1e9",
        "print",
        "printf",
        "\"%*d\"",
        "index",
        "slice",
        "len",
        "eq",
        "secret",
        "\"data\"",
        "loop",
        "scratch.Set",
        "toJSON",
        "parseYAML",
        "split",
        "nope",
        "/*",
        "*/",
        "text",
        "é",
        "🚀",
        "\\",
        "\u0000",
    ];

    [Fact]
    public void No_text_makes_the_parser_or_an_execution_fail_in_another_way_than_its_own()
    {
        var text = Gen.Elements(Pieces).ListOf().Select(pieces => string.Join(' ', pieces));
        var glued = Gen.Elements(Pieces).ListOf().Select(pieces => string.Concat(pieces));
        var any = ArbMap.Default.GeneratorFor<string>().Where(value => value is not null);
        var action = text.Select(inner => "{{ " + inner + " }}{{ end }}");
        Prop.ForAll(Arb.From(Gen.OneOf(text, glued, any, action)), Runs)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    private static bool Runs(string text)
    {
        try
        {
            TemplateText.Render(text, """{"a":{"b":[1,"x",null]}}""");
        }
        catch (TemplateException failure)
        {
            return failure.Line > 0 && failure.Column > 0;
        }

        return true;
    }

    [Fact]
    public void Every_text_survives_being_bytes()
    {
        Prop.ForAll(
                ArbMap.Default.ArbFor<byte[]>(),
                bytes => GoText.Encode(GoText.Decode(bytes)).AsSpan().SequenceCompareTo(bytes) == 0
            )
            .Check(Config.QuickThrowOnFailure);
        Assert.Equal([0xF0, 0x9F], GoText.Encode(TemplateText.Render("{{ base64Decode \"8J8=\" }}")));
    }

    [Theory]
    [InlineData("{{ range loop 1000000000000 }}{{ end }}", "gave up after")]
    [InlineData(
        "{{ $x := \"xxxxxxxxxxxxxxxx\" }}{{ range loop 40 }}{{ $x = print $x $x }}{{ end }}{{ $x }}",
        "would be larger than"
    )]
    [InlineData("{{ range loop 1000000 }}{{ printf \"%1000d\" 1 }}{{ end }}", "would be larger than")]
    [InlineData("{{ sprig_repeat 1000000000 \"abcdefgh\" }}", "would be larger than")]
    [InlineData("{{ define \"t\" }}{{ template \"t\" }}{{ end }}{{ template \"t\" }}", "more than 100 levels deep")]
    [InlineData(
        "{{ define \"t\" }}{{ executeTemplate \"t\" }}{{ end }}{{ executeTemplate \"t\" }}",
        "more than 100 levels deep"
    )]
    [InlineData(
        "{{ scratch.MapSet \"a\" \"b\" 1 }}{{ scratch.MapSet \"a\" \"self\" (scratch.Get \"a\") }}{{ scratch.Get \"a\" }}",
        "nested deeper than 100 levels"
    )]
    [InlineData(
        "{{ scratch.MapSet \"a\" \"self\" (scratch.Get \"a\") }}{{ scratch.MapSet \"a\" \"self\" (scratch.Get \"a\") }}{{ toJSON (scratch.Get \"a\") }}",
        "nested deeper than 100 levels"
    )]
    public void What_grows_without_end_is_given_up(string template, string message) =>
        Assert.Contains(message, TemplateText.Failure(template), StringComparison.Ordinal);

    [Fact]
    public void Nesting_has_a_limit()
    {
        var actions = string.Concat(Enumerable.Repeat("{{ if true }}", 10_000));
        Assert.Contains("nested deeper than 200 levels", TemplateText.Failure(actions), StringComparison.Ordinal);
        var parentheses = "{{ " + new string('(', 10_000) + "1" + new string(')', 10_000) + " }}";
        Assert.Contains("nested deeper than 200 levels", TemplateText.Failure(parentheses), StringComparison.Ordinal);
        var lists = new string('[', 100_000);
        Assert.Contains("YAML", TemplateText.Failure($"{{{{ parseYAML `{lists}` }}}}"), StringComparison.Ordinal);
    }

    [Fact]
    public void An_execution_can_be_given_up()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        var template = Template.Parse("test", "{{ range loop 10000000 }}x{{ end }}", FunctionTable.Default);
        Assert.Throws<OperationCanceledException>(() =>
            template.Execute(new ExecutionSettings { Data = new MapData() }, stop.Token)
        );
    }

    [Fact]
    public void A_hostile_pattern_takes_no_longer_than_its_text()
    {
        var text = new string('a', 50_000);
        Assert.Equal("false", TemplateText.Render($"{{{{ `{text}!` | regexMatch \"^(a+)+$\" }}}}"));
    }

    [Fact]
    public void The_sandbox_holds_against_links_and_dots()
    {
        using var folder = new Storage.TempFolder();
        var inside = Directory.CreateDirectory(Path.Combine(folder.Path, "in")).FullName;
        File.WriteAllText(Path.Combine(folder.Path, "outside"), "o");
        File.WriteAllText(Path.Combine(inside, "file"), "i");
        File.CreateSymbolicLink(Path.Combine(inside, "link"), Path.Combine(folder.Path, "outside"));
        Sandbox.Check(inside, Path.Combine(inside, "file"));
        Assert.Throws<FunctionException>(() => Sandbox.Check(inside, Path.Combine(inside, "link")));
        Assert.Throws<FunctionException>(() => Sandbox.Check(inside, Path.Combine(inside, "..", "outside")));
        Assert.Throws<FunctionException>(() => Sandbox.Check(inside, inside + "-beside"));
    }
}
