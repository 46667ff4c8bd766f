using System.Text.RegularExpressions;
using Mayfly.Agent.Templates.Functions;

namespace Mayfly.Tests.Agent.Templates;

/// <summary>The page about templates says what is so.</summary>
public sealed partial class TemplatePageTests
{
    private static readonly string Page = File.ReadAllText(
        Path.Combine(Repository.Root, "docs", "agent", "templates.md")
    );

    [Fact]
    public void Every_example_gives_what_the_page_says()
    {
        var examples = Blocks()
            .Matches(Page)
            .SelectMany(block => block.Groups["lines"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            .Select(line => line.Split(" → ", 2))
            .ToList();
        Assert.NotEmpty(examples);
        Assert.All(examples, example => Assert.Equal(example[1], TemplateText.Render(example[0])));
    }

    [Fact]
    public void Every_function_is_on_the_page() =>
        Assert.All(FunctionTable.Default.Names, name => Assert.Matches($@"(?<![\w.]){Regex.Escape(name)}(?!\w)", Page));

    [GeneratedRegex(
        "```template\n(?<lines>.*?)```",
        RegexOptions.Singleline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000
    )]
    private static partial Regex Blocks();
}
