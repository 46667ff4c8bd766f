using System.Text.Json;
using Mayfly.Agent.Templates;
using Mayfly.Agent.Templates.Functions;
using Mayfly.Agent.Templates.Values;

namespace Mayfly.Tests.Agent.Templates;

/// <summary>The cases that consul-template's project has for the execution of a template.</summary>
public sealed class ConsulTemplateTests
{
    private static readonly ManualTime Epoch = new(DateTimeOffset.UnixEpoch);

    [Fact]
    public void Every_published_case_without_outside_data_comes_out_as_it_is_published()
    {
        var cases = Cases().Where(item => item.GetProperty("needs_data").ValueKind == JsonValueKind.Null).ToList();
        Assert.All(cases, item => Check(item, new MapData()));
        TestContext.Current.TestOutputHelper?.WriteLine($"{cases.Count} cases");
    }

    [Fact]
    public void Every_published_case_about_secrets_comes_out_as_it_is_published()
    {
        var data = new MapData
        {
            [Dependency.Secret("secret/foo")] = Secret("zip", "zap"),
            [Dependency.Secret("secret/foo?version=1")] = Secret("zip", "zed"),
            [Dependency.Write("transit/encrypt/foo", [new("plaintext", "a")])] = Secret("ciphertext", "encrypted"),
            [Dependency.Write("transit/encrypt/foo", [])] = Secret("ciphertext", "encrypted"),
            [Dependency.Secrets("secret/")] = GoSlice.Of(["bar", "foo"]),
        };
        var cases = Cases()
            .Where(item => item.GetProperty("needs_data").ValueKind != JsonValueKind.Null)
            .Where(item => item.GetProperty("name").GetString()!.StartsWith("func_secret", StringComparison.Ordinal))
            .ToList();
        Assert.All(cases, item => Check(item, data));
    }

    private static GoMap Secret(string name, string value) => new() { ["Data"] = new GoMap { [name] = value } };

    private static void Check(JsonElement item, MapData data)
    {
        var name = item.GetProperty("name").GetString()!;
        var expected = item.GetProperty("expected").GetString()!;
        var input = item.GetProperty("input");
        var settings = new ExecutionSettings
        {
            Data = data,
            Functions = Functions(input),
            ErrorOnMissingKey = input.TryGetProperty("ErrMissingKey", out var strict) && strict.GetBoolean(),
            Environment = variable => Environment(name, variable),
            Time = Epoch,
        };
        try
        {
            var template = Template.Parse(name, item.GetProperty("template").GetString()!, settings.Functions);
            var result = template.Execute(settings, TestContext.Current.CancellationToken);
            Assert.False(
                item.GetProperty("error").ValueKind is JsonValueKind.True or JsonValueKind.Object,
                name + " should fail"
            );
            Assert.Equal((name, expected), (name, result.Output));
        }
        catch (TemplateException failure)
        {
            var wanted = item.GetProperty("error");
            Assert.True(wanted.ValueKind is JsonValueKind.True or JsonValueKind.Object, $"{name}: {failure.Message}");
            if (wanted.ValueKind == JsonValueKind.Object)
            {
                Assert.Contains(
                    wanted.GetProperty("containsText").GetString()!,
                    failure.Message,
                    StringComparison.Ordinal
                );
            }
        }
    }

    /// <summary>The functions that a case brings are Go; these do what they do.</summary>
    private static FunctionTable Functions(JsonElement input)
    {
        var table = FunctionTable.Default;
        if (input.TryGetProperty("ExtFuncMap", out var more))
        {
            table = table.With(
                more.EnumerateObject()
                    .Select(function =>
                        Define.Text(
                            function.Name,
                            text =>
                                function.Name switch
                                {
                                    "toUpTest" => text.ToUpperInvariant(),
                                    "toLower" => "opaqued",
                                    _ => "BAD",
                                }
                        )
                    )
            );
        }

        return input.TryGetProperty("FunctionDenylist", out var denied)
            ? table.Without([.. denied.EnumerateArray().Select(pattern => pattern.GetString()!)])
            : table;
    }

    private static string? Environment(string test, string variable) =>
        variable switch
        {
            "CT_TEST" => test == "helper_env__override" ? "2" : "1",
            "SET_VAR" => "400",
            "EMPTY_VAR" => "",
            _ => null,
        };

    private static IReadOnlyList<JsonElement> Cases()
    {
        var root = System.Environment.GetEnvironmentVariable("MAYFLY_CONFORMANCE") is { Length: > 0 } named
            ? named
            : Path.Combine(Repository.Root, "..", "shared", "conformance");
        var file = Path.Combine(root, "templates", "consul-template-execute.json");
        if (!File.Exists(file))
        {
            TestContext.Current.TestOutputHelper?.WriteLine("Left out: the published cases are not here.");
            return [];
        }

        using var document = JsonDocument.Parse(File.ReadAllBytes(file));
        return [.. document.RootElement.Clone().EnumerateArray()];
    }
}
