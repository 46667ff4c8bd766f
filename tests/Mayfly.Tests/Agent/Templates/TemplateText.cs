using Mayfly.Agent.Templates;
using Mayfly.Agent.Templates.Functions;
using Mayfly.Agent.Templates.Values;

namespace Mayfly.Tests.Agent.Templates;

/// <summary>Templates of tests, executed in one step.</summary>
internal static class TemplateText
{
    /// <summary>The output over the JSON document that <c>secret "data"</c> gives.</summary>
    public static string Render(string template, string json = "{}", bool strict = false) =>
        Execute(template, json, strict).Output;

    public static TemplateResult Execute(string template, string json = "{}", bool strict = false)
    {
        var data = new MapData { [Dependency.Secret("data")] = GoJson.Parse(json) };
        return Template
            .Parse("test", template, FunctionTable.Default)
            .Execute(
                new ExecutionSettings
                {
                    Data = data,
                    ErrorOnMissingKey = strict,
                    Environment = _ => null,
                    Time = new ManualTime(DateTimeOffset.UnixEpoch),
                    Destination = "/tmp/out",
                },
                TestContext.Current.CancellationToken
            );
    }

    /// <summary>What it says when it fails.</summary>
    public static string Failure(string template, string json = "{}", bool strict = false) =>
        Assert.Throws<TemplateException>(() => Render(template, json, strict)).Message;
}
