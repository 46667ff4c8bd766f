using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mayfly.Agent.Kubernetes;

/// <summary>What the injector looks at in a pod. Nothing in it is changed.</summary>
/// <remarks>The API server has checked the pod's form after other webhooks only; so a wrong kind of value is taken for none.</remarks>
internal sealed class PodView(JsonObject pod)
{
    public JsonObject? Annotations => Object(pod, "metadata") is { } metadata ? Object(metadata, "annotations") : null;

    public JsonObject? Spec => Object(pod, "spec");

    public IReadOnlyList<JsonObject> Containers => List(Spec, "containers");

    public IReadOnlyList<JsonObject> InitContainers => List(Spec, "initContainers");

    public IReadOnlyList<JsonObject> Volumes => List(Spec, "volumes");

    public bool HasInitContainers => Spec?["initContainers"] is JsonArray;

    public bool HasVolumes => Spec?["volumes"] is JsonArray;

    /// <summary>A pod that a kubelet reads from a file; the API server shows it and changes nothing.</summary>
    public bool IsMirror => Annotations?.ContainsKey("kubernetes.io/config.mirror") == true;

    public bool IsWindows =>
        Text(Object(Spec, "os"), "name") == "windows"
        || Text(Object(Spec, "nodeSelector"), "kubernetes.io/os") == "windows";

    public bool UsesHostNetwork => Boolean(Spec, "hostNetwork") == true;

    /// <summary>The group that owns the pod's volumes.</summary>
    public bool HasVolumeGroup => Object(Spec, "securityContext")?["fsGroup"] is JsonValue;

    /// <summary>The user of the first container: its own, or else the pod's.</summary>
    public long? FirstUser =>
        Containers.Count == 0
            ? null
            : Number(Object(Containers[0], "securityContext"), "runAsUser")
                ?? Number(Object(Spec, "securityContext"), "runAsUser");

    public static string? Text(JsonObject? parent, string name) =>
        parent?[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    public static IReadOnlyList<JsonObject> List(JsonObject? parent, string name) =>
        parent?[name] is JsonArray list ? [.. list.OfType<JsonObject>()] : [];

    private static JsonObject? Object(JsonObject? parent, string name) => parent?[name] as JsonObject;

    private static bool? Boolean(JsonObject? parent, string name) =>
        parent?[name] is JsonValue value && value.GetValueKind() is JsonValueKind.True or JsonValueKind.False
            ? parent[name]!.GetValueKind() == JsonValueKind.True
            : null;

    private static long? Number(JsonObject? parent, string name) =>
        parent?[name] is JsonValue value && value.TryGetValue<long>(out var number) ? number : null;
}
