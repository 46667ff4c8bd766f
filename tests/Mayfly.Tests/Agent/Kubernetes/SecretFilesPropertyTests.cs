using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Agent.Kubernetes;
using Mayfly.Agent.Templates;
using Mayfly.Agent.Templates.Functions;

namespace Mayfly.Tests.Agent.Kubernetes;

/// <summary>Whatever annotations say, it stays where it belongs.</summary>
public sealed class SecretFilesPropertyTests
{
    private static readonly Arbitrary<string> Text = Gen.Elements(
            "\"",
            "\\",
            "{{",
            "}}",
            "`",
            "'",
            "/",
            "..",
            ".",
            "-",
            " ",
            "\n",
            "\0",
            "\u001b",
            "x",
            "é",
            "😀",
            "%s",
            "$v",
            ":",
            "end"
        )
        .ListOf()
        .Select(parts => string.Concat(parts))
        .ToArbitrary();

    [Fact]
    public void A_template_made_for_a_path_asks_for_that_path_and_nothing_else() =>
        Prop.ForAll(
                Text,
                path =>
                {
                    foreach (var dialect in new[] { Dialect.Mayfly, Dialect.Vault })
                    {
                        foreach (var form in new[] { "map", "json" })
                        {
                            var annotations = Read(("agent-inject-secret-a", path));
                            var files = SecretFiles.Read(annotations, dialect, form, "0644").Files;
                            if (annotations.Problems.Count > 0)
                            {
                                continue;
                            }

                            var asked = new Asked();
                            var template = Template.Parse("a", files[0].Contents!, FunctionTable.Default);
                            var result = template.Execute(
                                new ExecutionSettings { Data = asked },
                                TestContext.Current.CancellationToken
                            );
                            Assert.Equal("", result.Output);
                            var use = Assert.Single(result.Uses);
                            Assert.Equal(DependencyKind.Read, use.Dependency.Kind);
                            Assert.Equal(path.Trim().Trim('/'), use.Dependency.Path);
                        }
                    }
                }
            )
            .QuickCheckThrowOnFailure();

    [Fact]
    public void A_file_lies_in_a_folder_that_is_mounted_for_it() =>
        Prop.ForAll(
                Text,
                Text,
                (folder, file) =>
                {
                    var annotations = Read(
                        ("agent-inject-secret-a", "s"),
                        ("secret-volume-path", "/" + folder),
                        ("agent-inject-file-a", file)
                    );
                    var read = SecretFiles.Read(annotations, Dialect.Mayfly, "map", "0644");
                    if (annotations.Problems.Count > 0)
                    {
                        return;
                    }

                    var destination = Assert.Single(read.Files).Destination;
                    Assert.Equal(Path.GetFullPath(destination), destination);
                    Assert.Contains(
                        read.Folders,
                        mounted => destination.StartsWith(mounted + "/", StringComparison.Ordinal)
                    );
                    Assert.All(read.Folders, mounted => Assert.Equal(Path.GetFullPath(mounted), mounted));
                }
            )
            .QuickCheckThrowOnFailure();

    private static PodAnnotations Read(params (string Name, string Value)[] annotations)
    {
        var map = new JsonObject();
        foreach (var (name, value) in annotations)
        {
            map[Dialect.Mayfly.Prefix + name] = value;
        }

        return PodAnnotations.Of(map);
    }

    private sealed class Asked : ITemplateData
    {
        public bool TryGet(Dependency dependency, out object? value)
        {
            value = null;
            return true;
        }
    }
}
