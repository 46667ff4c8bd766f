using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mayfly.Agent.Kubernetes;

/// <summary>What became of a review, for logs and metrics.</summary>
internal enum AdmissionOutcome
{
    /// <summary>The request was no review.</summary>
    Malformed,

    /// <summary>Nothing was asked for, or it had been done before.</summary>
    Passed,

    /// <summary>The agent was put in.</summary>
    Injected,

    /// <summary>The annotations are wrong, and the pod may not start.</summary>
    Refused,

    /// <summary>The annotations are wrong, and the pod starts without an agent.</summary>
    AdmittedInvalid,
}

/// <summary>The answer to one review.</summary>
/// <param name="Status">HTTP's status.</param>
/// <param name="Body">JSON.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Pod">Which pod, as <c>namespace/name</c>.</param>
/// <param name="Reasons">Why it was refused, or what was passed over.</param>
internal sealed record AdmissionAnswer(
    int Status,
    byte[] Body,
    AdmissionOutcome Outcome,
    string Pod = "",
    IReadOnlyList<string>? Reasons = null
);

/// <summary>Answers <c>AdmissionReview</c> documents. Pure: it asks nobody, and one may serve any number at once.</summary>
internal sealed class Admission(InjectorDefaults defaults)
{
    /// <summary>JSON without comments, and without names that stand twice, which readers take differently.</summary>
    public static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    // What Kubernetes' own components run with. An injector that stands in their way stands in its own.
    private static readonly string[] SystemNamespaces = ["kube-system", "kube-public", "kube-node-lease"];
    private static readonly string[] Versions = ["admission.k8s.io/v1", "admission.k8s.io/v1beta1"];

    // Kubernetes cuts longer ones.
    private const int LongestWarning = 256;
    private const int MostWarnings = 12;

    public AdmissionAnswer Answer(ReadOnlyMemory<byte> body)
    {
        JsonNode? document;
        try
        {
            document = JsonNode.Parse(body.Span, documentOptions: Strict);
        }
        catch (JsonException)
        {
            return Malformed("the body must be JSON");
        }

        if (document is not JsonObject review || PodView.Text(review, "kind") != "AdmissionReview")
        {
            return Malformed("the body must be an AdmissionReview");
        }

        var version = PodView.Text(review, "apiVersion") ?? "";
        if (!Versions.Contains(version))
        {
            return Malformed($"apiVersion must be {string.Join(" or ", Versions)}");
        }

        if (review["request"] is not JsonObject request || PodView.Text(request, "uid") is not { Length: > 0 } id)
        {
            return Malformed("the review has no request with a uid");
        }

        return Decide(version, id, request);
    }

    private AdmissionAnswer Decide(string version, string id, JsonObject request)
    {
        var resource = request["resource"] as JsonObject;
        var isPod = PodView.Text(resource, "resource") == "pods" && PodView.Text(resource, "group") is "" or null;
        if (
            !isPod
            || PodView.Text(request, "operation") != "CREATE"
            || PodView.Text(request, "subResource") is { Length: > 0 }
        )
        {
            return Pass();
        }

        if (request["object"] is not JsonObject pod)
        {
            return Malformed("the request has no object");
        }

        var view = new PodView(pod);
        var name = NameOf(request, pod);
        var annotations = PodAnnotations.Of(view.Annotations);
        if (annotations.Text(Endings.Status) == PodPatch.Injected || view.IsMirror)
        {
            return Pass(name);
        }

        if (annotations.AskedBy() is not { } dialect)
        {
            return annotations.Problems.Count > 0 ? Wrong(name, annotations) : Pass(name);
        }

        if (SystemNamespaces.Contains(PodView.Text(request, "namespace")))
        {
            annotations.Problem("pods of Kubernetes' own namespaces get no agent");
            return Wrong(name, annotations);
        }

        var injection = Injection.Read(view, annotations, dialect, defaults);
        var patch = PodPatch.Of(injection);
        if (annotations.Problems.Count > 0)
        {
            return Wrong(name, annotations);
        }

        return new AdmissionAnswer(
            200,
            Review(version, id, allowed: true, message: null, annotations.Warnings, patch),
            AdmissionOutcome.Injected,
            name,
            annotations.Warnings
        );

        AdmissionAnswer Pass(string passed = "") =>
            new(
                200,
                Review(version, id, allowed: true, message: null, [], patch: null),
                AdmissionOutcome.Passed,
                passed
            );

        AdmissionAnswer Wrong(string refused, PodAnnotations wrong)
        {
            var message = "mayfly injector: " + string.Join("; ", wrong.Problems);
            return defaults.AdmitInvalid
                ? new AdmissionAnswer(
                    200,
                    Review(
                        version,
                        id,
                        allowed: true,
                        message: null,
                        [.. wrong.Problems.Select(problem => "no agent was injected: " + problem), .. wrong.Warnings],
                        patch: null
                    ),
                    AdmissionOutcome.AdmittedInvalid,
                    refused,
                    wrong.Problems
                )
                : new AdmissionAnswer(
                    200,
                    Review(version, id, allowed: false, message, wrong.Warnings, patch: null),
                    AdmissionOutcome.Refused,
                    refused,
                    wrong.Problems
                );
        }
    }

    // Pods of a controller have no name yet when they are reviewed.
    private static string NameOf(JsonObject request, JsonObject pod)
    {
        var metadata = pod["metadata"] as JsonObject;
        var name =
            PodView.Text(metadata, "name") is { Length: > 0 } own ? own
            : PodView.Text(metadata, "generateName") is { Length: > 0 } generated ? generated + "*"
            : "?";
        return $"{PodView.Text(request, "namespace") ?? "?"}/{name}";
    }

    private static AdmissionAnswer Malformed(string why)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("error", why);
            json.WriteEndObject();
        }

        return new AdmissionAnswer(400, buffer.WrittenSpan.ToArray(), AdmissionOutcome.Malformed, Reasons: [why]);
    }

    private static byte[] Review(
        string version,
        string id,
        bool allowed,
        string? message,
        IReadOnlyList<string> warnings,
        JsonArray? patch
    )
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("apiVersion", version);
            json.WriteString("kind", "AdmissionReview");
            json.WriteStartObject("response");
            json.WriteString("uid", id);
            json.WriteBoolean("allowed", allowed);
            if (message is not null)
            {
                json.WriteStartObject("status");
                json.WriteString("status", "Failure");
                json.WriteString("reason", "Invalid");
                json.WriteNumber("code", 422);
                json.WriteString("message", message);
                json.WriteEndObject();
            }

            if (warnings.Count > 0)
            {
                json.WriteStartArray("warnings");
                foreach (var warning in warnings.Take(MostWarnings))
                {
                    json.WriteStringValue(warning.Length > LongestWarning ? warning[..LongestWarning] : warning);
                }

                json.WriteEndArray();
            }

            if (patch is not null)
            {
                json.WriteString("patchType", "JSONPatch");
                json.WriteBase64String("patch", Bytes(patch));
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static ReadOnlySpan<byte> Bytes(JsonNode node)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer))
        {
            node.WriteTo(json);
        }

        return buffer.WrittenSpan;
    }
}
