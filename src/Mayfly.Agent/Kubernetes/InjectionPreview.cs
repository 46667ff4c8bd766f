using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mayfly.Agent.Kubernetes;

/// <summary>What an injector would make of a pod, without a cluster.</summary>
/// <param name="Pod">The pod as JSON; null when it would be refused.</param>
/// <param name="Problem">Why it would be refused.</param>
/// <param name="Warnings">What was passed over.</param>
internal sealed record InjectionPreview(string? Pod, string? Problem, IReadOnlyList<string> Warnings)
{
    private static readonly JsonWriterOptions Readable = new() { Indented = true };

    /// <param name="json">A pod, or what makes pods by a template: a Deployment, a Job and so on.</param>
    /// <param name="defaults">The injector's.</param>
    public static InjectionPreview Of(ReadOnlyMemory<byte> json, InjectorDefaults defaults)
    {
        JsonObject? given;
        try
        {
            given = JsonNode.Parse(json.Span, documentOptions: Admission.Strict) as JsonObject;
        }
        catch (JsonException)
        {
            given = null;
        }

        if (given is null || PodOf(given) is not { } pod)
        {
            return new InjectionPreview(null, "The file must be a pod, or have a template of one, in JSON.", []);
        }

        var review = new JsonObject
        {
            ["apiVersion"] = "admission.k8s.io/v1",
            ["kind"] = "AdmissionReview",
            ["request"] = new JsonObject
            {
                ["uid"] = "preview",
                ["operation"] = "CREATE",
                ["resource"] = new JsonObject
                {
                    ["group"] = "",
                    ["version"] = "v1",
                    ["resource"] = "pods",
                },
                ["object"] = pod.DeepClone(),
            },
        };
        var answer = JsonNode.Parse(new Admission(defaults).Answer(Bytes(review, default)).Body)!["response"]!;
        IReadOnlyList<string> warnings =
        [
            .. (answer["warnings"] as JsonArray ?? []).Select(warning => warning!.GetValue<string>()),
        ];
        if (!answer["allowed"]!.GetValue<bool>())
        {
            return new InjectionPreview(null, answer["status"]!["message"]!.GetValue<string>(), warnings);
        }

        var patched = answer["patch"] is { } patch
            ? JsonPatch.Apply(pod, JsonNode.Parse(Convert.FromBase64String(patch.GetValue<string>()))!.AsArray())!
            : pod;
        return new InjectionPreview(Encoding.UTF8.GetString(Bytes(patched, Readable)) + "\n", null, warnings);
    }

    // A CronJob has a template of a Job, which has a template of a pod.
    private static JsonObject? PodOf(JsonObject given)
    {
        var spec = given["spec"] as JsonObject;
        return spec?["containers"] is JsonArray ? given
            : spec?["template"] is JsonObject template ? PodOf(template)
            : spec?["jobTemplate"] is JsonObject job ? PodOf(job)
            : null;
    }

    private static byte[] Bytes(JsonNode node, JsonWriterOptions options)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, options))
        {
            node.WriteTo(json);
        }

        return buffer.ToArray();
    }
}
