using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mayfly.Agent.Kubernetes;

namespace Mayfly.Tests.Agent.Kubernetes;

/// <summary>AdmissionReview documents, as API servers send them, and what comes back.</summary>
internal sealed class Review
{
    private const string Uid = "705ab4f5-6393-11e8-b7cc-42010a800002";

    private static readonly InjectorDefaults Defaults = new()
    {
        Address = "https://mayfly.mayfly.svc:8200",
        Image = "registry.example/mayfly:1",
    };

    private Review(AdmissionAnswer answer, JsonObject pod)
    {
        Answer = answer;
        Sent = pod;
        Body = JsonNode.Parse(answer.Body)!.AsObject();
    }

    public AdmissionAnswer Answer { get; }

    public JsonObject Sent { get; }

    public JsonObject Body { get; }

    public JsonNode Response => Body["response"]!;

    public bool Allowed => Response["allowed"]!.GetValue<bool>();

    public string Message => Response["status"]!["message"]!.GetValue<string>();

    public IReadOnlyList<string> Warnings =>
        [.. (Response["warnings"] as JsonArray ?? []).Select(warning => warning!.GetValue<string>())];

    /// <summary>A pod as a Deployment makes it, with these annotations.</summary>
    public static JsonObject Pod(params (string Name, string Value)[] annotations)
    {
        var pod = JsonNode
            .Parse(
                """
                {
                  "apiVersion": "v1",
                  "kind": "Pod",
                  "metadata": { "generateName": "web-5d4f-", "labels": { "app": "web" } },
                  "spec": {
                    "serviceAccountName": "web",
                    "containers": [ { "name": "web", "image": "registry.example/web:1" } ]
                  }
                }
                """
            )!
            .AsObject();
        if (annotations.Length > 0)
        {
            var map = new JsonObject();
            foreach (var (name, value) in annotations)
            {
                map[name] = value;
            }

            pod["metadata"]!["annotations"] = map;
        }

        return pod;
    }

    /// <summary>A pod that our annotations ask the agent for, with more annotations of ours.</summary>
    public static JsonObject Ours(params (string Name, string Value)[] annotations) =>
        Asking("mayfly.dev/", annotations);

    /// <summary>The same with Vault's.</summary>
    public static JsonObject Vaults(params (string Name, string Value)[] annotations) =>
        Asking("vault.hashicorp.com/", annotations);

    public static byte[] Document(
        JsonObject pod,
        string version = "admission.k8s.io/v1",
        string space = "shop",
        string operation = "CREATE",
        string resource = "pods"
    ) =>
        Encoding.UTF8.GetBytes(
            new JsonObject
            {
                ["apiVersion"] = version,
                ["kind"] = "AdmissionReview",
                ["request"] = new JsonObject
                {
                    ["uid"] = Uid,
                    ["kind"] = new JsonObject
                    {
                        ["group"] = "",
                        ["version"] = "v1",
                        ["kind"] = "Pod",
                    },
                    ["resource"] = new JsonObject
                    {
                        ["group"] = "",
                        ["version"] = "v1",
                        ["resource"] = resource,
                    },
                    ["namespace"] = space,
                    ["operation"] = operation,
                    ["userInfo"] = new JsonObject { ["username"] = "system:serviceaccount:kube-system:replicaset" },
                    ["object"] = pod.DeepClone(),
                    ["oldObject"] = null,
                    ["dryRun"] = false,
                },
            }.ToJsonString()
        );

    public static Review Of(
        JsonObject pod,
        InjectorDefaults? defaults = null,
        string version = "admission.k8s.io/v1",
        string space = "shop",
        string operation = "CREATE",
        string resource = "pods"
    )
    {
        var answer = new Admission(defaults ?? Defaults).Answer(Document(pod, version, space, operation, resource));
        var review = new Review(answer, pod);
        Assert.Equal(200, answer.Status);
        Assert.Equal(version, review.Body["apiVersion"]!.GetValue<string>());
        Assert.Equal("AdmissionReview", review.Body["kind"]!.GetValue<string>());
        Assert.Equal(Uid, review.Response["uid"]!.GetValue<string>());
        return review;
    }

    /// <summary>The pod as it is after the patch, of a form that API servers take.</summary>
    public static JsonObject Injected(JsonObject pod, InjectorDefaults? defaults = null) => Of(pod, defaults).Patched();

    public JsonObject Patched()
    {
        Assert.True(Allowed, Allowed ? "" : Message);
        Assert.Equal("JSONPatch", Response["patchType"]!.GetValue<string>());
        var patch = JsonNode.Parse(Convert.FromBase64String(Response["patch"]!.GetValue<string>()))!.AsArray();
        var pod = JsonPatch.Apply(Sent, patch)!.AsObject();
        PodForm.Check(pod);
        return pod;
    }

    public static JsonObject Container(JsonObject pod, string name) =>
        Assert
            .Single(
                ((pod["spec"]!["initContainers"] as JsonArray ?? []).Concat(pod["spec"]!["containers"]!.AsArray())),
                container => container!["name"]!.GetValue<string>() == name
            )!
            .AsObject();

    /// <summary>The configuration of a container's agent.</summary>
    public static JsonObject AgentSettings(JsonObject pod, string container)
    {
        var found = Container(pod, container);
        Assert.Contains("-config=env:MAYFLY_AGENT_CONFIG", Texts(found["args"]));
        return JsonNode.Parse(Convert.FromBase64String(Variable(found, "MAYFLY_AGENT_CONFIG")!))!.AsObject();
    }

    public static string? Variable(JsonObject container, string name) =>
        container["env"]!
            .AsArray()
            .FirstOrDefault(variable => variable!["name"]!.GetValue<string>() == name)
            ?["value"]?.GetValue<string>();

    public static IReadOnlyList<string> Texts(JsonNode? list) =>
        [.. (list as JsonArray ?? []).Select(item => item!.GetValue<string>())];

    public static IReadOnlyList<string> Names(JsonNode? list) =>
        [.. (list as JsonArray ?? []).Select(item => item!["name"]!.GetValue<string>())];

    private static JsonObject Asking(string prefix, (string Name, string Value)[] annotations) =>
        Pod([
            (prefix + "agent-inject", "true"),
            (prefix + "role", "web"),
            .. annotations.Select(annotation => (prefix + annotation.Name, annotation.Value)),
        ]);
}
