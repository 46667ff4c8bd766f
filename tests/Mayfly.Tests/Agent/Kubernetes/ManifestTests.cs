using System.Text.Json.Nodes;
using Mayfly.Agent.Kubernetes;
using YamlDotNet.RepresentationModel;

namespace Mayfly.Tests.Agent.Kubernetes;

/// <summary>The manifests of deploy/kubernetes: that they are whole, and fit together and to the programs.</summary>
public sealed class ManifestTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "deploy", "kubernetes");

    private static readonly IReadOnlyList<JsonObject> All =
    [
        .. Directory.GetFiles(Folder, "*.yaml", SearchOption.AllDirectories).SelectMany(Read),
    ];

    [Fact]
    public void Every_manifest_says_what_it_is_and_its_name()
    {
        Assert.True(All.Count > 12);
        Assert.All(
            All.Where(manifest => Kind(manifest) != "Kustomization"),
            manifest =>
            {
                Assert.NotEmpty(manifest["apiVersion"]!.GetValue<string>());
                Assert.Matches("^[a-z][a-z-]+$", manifest["metadata"]!["name"]!.GetValue<string>());
            }
        );
        var listed = Assert.Single(All, manifest => Kind(manifest) == "Kustomization")["resources"]!
            .AsArray()
            .Select(name => name!.GetValue<string>());
        Assert.Equal(
            Directory
                .GetFiles(Folder, "*.yaml")
                .Select(Path.GetFileName)
                .Where(name => name != "kustomization.yaml")
                .Order(StringComparer.Ordinal),
            listed.Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void The_webhook_calls_the_service_that_selects_the_deployment()
    {
        var webhook = One("MutatingWebhookConfiguration")["webhooks"]![0]!;
        var service = One("Service");
        var client = webhook["clientConfig"]!["service"]!;
        Assert.Equal(Name(service), client["name"]!.GetValue<string>());
        Assert.Equal(service["metadata"]!["namespace"]!.GetValue<string>(), client["namespace"]!.GetValue<string>());
        Assert.Equal(service["spec"]!["ports"]![0]!["port"]!.GetValue<int>(), client["port"]!.GetValue<int>());
        Assert.Equal("/mutate", client["path"]!.GetValue<string>());

        var deployment = Deployment();
        var labels = deployment["spec"]!["template"]!["metadata"]!["labels"]!;
        Assert.True(JsonNode.DeepEquals(service["spec"]!["selector"], labels));
        Assert.True(JsonNode.DeepEquals(deployment["spec"]!["selector"]!["matchLabels"], labels));
        Assert.True(JsonNode.DeepEquals(One("PodDisruptionBudget")["spec"]!["selector"]!["matchLabels"], labels));
        var container = deployment["spec"]!["template"]!["spec"]!["containers"]![0]!;
        var port = Assert.Single(container["ports"]!.AsArray())!;
        Assert.Equal(
            service["spec"]!["ports"]![0]!["targetPort"]!.GetValue<string>(),
            port["name"]!.GetValue<string>()
        );
        Assert.Contains($"-listen=:{port["containerPort"]!.GetValue<int>()}", Review.Texts(container["args"]));
        foreach (var probe in new[] { "startupProbe", "readinessProbe", "livenessProbe" })
        {
            var request = container[probe]!["httpGet"]!;
            Assert.Equal("/health/ready", request["path"]!.GetValue<string>());
            Assert.Equal("HTTPS", request["scheme"]!.GetValue<string>());
            Assert.Equal(port["name"]!.GetValue<string>(), request["port"]!.GetValue<string>());
        }
    }

    [Fact]
    public void The_webhook_is_asked_for_new_pods_that_ask_for_the_agent_alone()
    {
        var webhook = One("MutatingWebhookConfiguration")["webhooks"]![0]!;
        Assert.Equal("None", webhook["sideEffects"]!.GetValue<string>());
        Assert.Equal("Fail", webhook["failurePolicy"]!.GetValue<string>());
        Assert.Equal("Never", webhook["reinvocationPolicy"]!.GetValue<string>());
        Assert.InRange(webhook["timeoutSeconds"]!.GetValue<int>(), 1, 30);
        Assert.Equal(["CREATE"], Review.Texts(webhook["rules"]![0]!["operations"]));
        Assert.Equal(["pods"], Review.Texts(webhook["rules"]![0]!["resources"]));
        var condition = webhook["matchConditions"]![0]!["expression"]!.GetValue<string>();
        Assert.Contains(Dialect.Mayfly.Prefix + Endings.Inject, condition, StringComparison.Ordinal);
        Assert.Contains(Dialect.Vault.Prefix + Endings.Inject, condition, StringComparison.Ordinal);
        // An injector that waits for itself never starts.
        var excluded = webhook["objectSelector"]!["matchExpressions"]![0]!;
        Assert.Equal("NotIn", excluded["operator"]!.GetValue<string>());
        Assert.Contains(
            Deployment()["spec"]!["template"]!["metadata"]!["labels"]![
                excluded["key"]!.GetValue<string>()
            ]!.GetValue<string>(),
            Review.Texts(excluded["values"])
        );
    }

    [Fact]
    public void The_rights_are_those_of_the_automatic_certificate_and_no_more()
    {
        var arguments = Review.Texts(Deployment()["spec"]!["template"]!["spec"]!["containers"]![0]!["args"]);
        var webhook = Name(One("MutatingWebhookConfiguration"));
        Assert.Contains($"-tls-auto={webhook}", arguments);
        var cluster = Assert.Single(One("ClusterRole")["rules"]!.AsArray())!;
        Assert.Equal([webhook!], Review.Texts(cluster["resourceNames"]));
        Assert.Equal(["get", "patch"], Review.Texts(cluster["verbs"]));
        var rules = One("Role")["rules"]!.AsArray();
        Assert.Equal([new InjectorOptions().TlsAutoSecret], Review.Texts(rules[0]!["resourceNames"]));
        Assert.Equal(["get", "update"], Review.Texts(rules[0]!["verbs"]));
        Assert.Equal(["create"], Review.Texts(rules[1]!["verbs"]));
        foreach (var binding in new[] { One("RoleBinding"), One("ClusterRoleBinding") })
        {
            Assert.Equal(Name(One("ServiceAccount")), binding["subjects"]![0]!["name"]!.GetValue<string>());
        }
    }

    [Fact]
    public void The_injector_takes_the_options_of_its_deployment()
    {
        var flags = new Mayfly.Cli.Commands.Injector.InjectorFlags();
        var arguments = Review.Texts(Deployment()["spec"]!["template"]!["spec"]!["containers"]![0]!["args"]);
        Assert.Equal("injector", arguments[0]);
        var (rest, error) = Mayfly.Cli.Flags.FlagParser.Parse([.. arguments.Skip(1)], flags.All);
        Assert.Null(error);
        Assert.Empty(rest);
        var (options, wrong) = flags.Read(_ => null);
        Assert.Null(wrong);
        Assert.Equal("https://mayfly.mayfly.svc:8200", options.Defaults.Address);
    }

    [Theory]
    [InlineData("app.yaml")]
    [InlineData("job.yaml")]
    public void The_examples_are_injected(string file)
    {
        var manifest = Assert.Single(Read(Path.Combine(Folder, "examples", file)));
        var template = manifest["spec"]!["template"]!.DeepClone().AsObject();
        var review = Review.Of(template);
        Assert.Empty(review.Warnings);
        var pod = review.Patched();
        Assert.Equal(["mayfly-agent"], Review.Names(pod["spec"]!["initContainers"]));
        // Nothing but the author's own container has to end for a Job to end.
        Assert.Single(pod["spec"]!["containers"]!.AsArray());
        var command = Review.Texts(pod["spec"]!["containers"]![0]!["command"])[2];
        var written = Review.AgentSettings(pod, "mayfly-agent")["template"]![0]!["destination"]!.GetValue<string>();
        Assert.Contains(written, command, StringComparison.Ordinal);
    }

    private static JsonObject Deployment() =>
        Assert.Single(All, manifest => Name(manifest) == "mayfly-injector" && Kind(manifest) == "Deployment");

    private static JsonObject One(string kind) => Assert.Single(All, manifest => Kind(manifest) == kind);

    private static string Kind(JsonObject manifest) => manifest["kind"]!.GetValue<string>();

    private static string? Name(JsonObject manifest) => manifest["metadata"]?["name"]?.GetValue<string>();

    private static IEnumerable<JsonObject> Read(string file)
    {
        using var reader = new StreamReader(file);
        var stream = new YamlStream();
        stream.Load(reader);
        return [.. stream.Documents.Select(document => Json(document.RootNode)!.AsObject())];
    }

    private static JsonNode? Json(YamlNode node) =>
        node switch
        {
            YamlMappingNode map => new JsonObject(
                map.Children.Select(child => KeyValuePair.Create(((YamlScalarNode)child.Key).Value!, Json(child.Value)))
            ),
            YamlSequenceNode list => new JsonArray([.. list.Children.Select(Json)]),
            YamlScalarNode { Style: YamlDotNet.Core.ScalarStyle.Plain } scalar => scalar.Value switch
            {
                "true" => true,
                "false" => false,
                var text when int.TryParse(text, out var number) => number,
                var text => text,
            },
            YamlScalarNode scalar => scalar.Value,
            _ => null,
        };
}
