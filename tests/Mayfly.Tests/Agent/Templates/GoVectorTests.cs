using System.Text.Json;
using Mayfly.Agent.Templates;
using Mayfly.Agent.Templates.Functions;
using Mayfly.Agent.Templates.Values;

namespace Mayfly.Tests.Agent.Templates;

/// <summary>
/// Two thousand generated templates, and what Go 1.19's own <c>text/template</c> made of them: the output, or that it could not
/// be parsed or executed. The file was made by running Go; its templates print, compare, nest and go wrong in every way that the
/// generator knew.
/// </summary>
public sealed class GoVectorTests
{
    private const string Data =
        """{"a":1,"b":{"c":"deep"},"list":["x","y","z"],"empty":[],"text":"hello","yes":true,"no":false,"nothing":null}""";

    [Fact]
    public void Templates_come_out_as_gos_own_engine_lets_them_come_out()
    {
        var file = Path.Combine(Repository.Root, "tests", "Mayfly.Tests", "Agent", "Templates", "go-templates.json");
        using var document = JsonDocument.Parse(File.ReadAllBytes(file));
        Assert.All(
            document.RootElement.EnumerateArray(),
            vector =>
            {
                var (outcome, output) = Run(vector.GetProperty("template").GetString()!);
                Assert.Equal(vector.GetProperty("outcome").GetString(), outcome);
                if (vector.TryGetProperty("output", out var text))
                {
                    Assert.Equal(text.GetString(), GoText.Decode(output));
                }
                else if (vector.TryGetProperty("bytes", out var bytes))
                {
                    Assert.Equal(bytes.GetString(), Convert.ToHexStringLower(output));
                }
            }
        );
    }

    private static (string Outcome, byte[] Output) Run(string text)
    {
        Template template;
        try
        {
            template = Template.Parse("test", text, FunctionTable.Default);
        }
        catch (TemplateException)
        {
            return ("parse", []);
        }

        try
        {
            var settings = new ExecutionSettings
            {
                Data = new MapData { [Dependency.Secret("data")] = GoJson.Parse(Data) },
            };
            var result = template.Execute(settings, TestContext.Current.CancellationToken);
            return ("ok", GoText.Encode(result.Output));
        }
        catch (TemplateException)
        {
            return ("exec", []);
        }
    }
}
