using System.Globalization;
using System.Text.Json.Nodes;

namespace Mayfly.Agent.Kubernetes;

/// <summary>From what a pod gets to the JSON Patch that gives it.</summary>
internal static class PodPatch
{
    /// <summary>The value of the annotation that keeps a pod from being injected twice.</summary>
    public const string Injected = "injected";

    public static JsonArray Of(Injection injection)
    {
        var patch = new JsonArray();
        Volumes(patch, injection);
        // Mounts of the author's init containers before ours move their places.
        Mounts(patch, injection);
        Containers(patch, injection);
        if (injection.Annotations.FlagOrNull(Endings.ShareProcesses) is { } share)
        {
            patch.Add((JsonNode)JsonPatch.Add("/spec/shareProcessNamespace", share));
        }

        patch.Add(
            (JsonNode)
                JsonPatch.Add(
                    "/metadata/annotations/" + JsonPatch.Escape(injection.Dialect.Prefix + Endings.Status),
                    Injected
                )
        );
        return patch;
    }

    private static void Volumes(JsonArray patch, Injection injection)
    {
        var dialect = injection.Dialect;
        var volumes = new List<JsonObject>();
        if (injection.HasInit)
        {
            volumes.Add(Memory(AgentContainers.InitHome));
        }

        if (injection.HasSidecar)
        {
            volumes.Add(Memory(AgentContainers.SidecarHome));
        }

        for (var i = 0; i < injection.Secrets.Folders.Count; i++)
        {
            volumes.Add(Memory(AgentContainers.SecretVolume(dialect, i)));
        }

        if (injection.TokenFolder is not null && injection.TokenVolume is null)
        {
            volumes.Add(ServiceAccountToken(injection));
        }

        if (injection.ConfigMap is { } map)
        {
            volumes.Add(
                new JsonObject
                {
                    ["name"] = dialect.ConfigVolume,
                    ["configMap"] = new JsonObject { ["name"] = map },
                }
            );
        }

        if (injection.ExtraSecret is { } extra)
        {
            volumes.Add(Secret(dialect.ExtraSecretVolume, extra));
        }

        if (injection.TlsSecret is { } tls)
        {
            volumes.Add(Secret(dialect.TlsVolume, tls));
        }

        var own = injection
            .Pod.Volumes.Select(volume => PodView.Text(volume, "name"))
            .ToHashSet(StringComparer.Ordinal);
        foreach (var volume in volumes)
        {
            var name = volume["name"]!.GetValue<string>();
            if (own.Contains(name))
            {
                injection.Annotations.Problem($"the pod already has a volume named {name}");
            }
        }

        Append(patch, "/spec/volumes", injection.Pod.HasVolumes, volumes);
    }

    private static JsonObject Memory(string name) =>
        new()
        {
            ["name"] = name,
            ["emptyDir"] = new JsonObject { ["medium"] = "Memory" },
        };

    private static JsonObject Secret(string volume, string secret) =>
        new()
        {
            ["name"] = volume,
            ["secret"] = new JsonObject { ["secretName"] = secret },
        };

    // Bound to the pod and renewed by the kubelet; the agent reads it anew at each login.
    private static JsonObject ServiceAccountToken(Injection injection)
    {
        var token = new JsonObject { ["path"] = "token", ["expirationSeconds"] = 3600 };
        if (injection.TokenAudience.Length > 0)
        {
            token["audience"] = injection.TokenAudience;
        }

        return new JsonObject
        {
            ["name"] = injection.Dialect.TokenVolume,
            ["projected"] = new JsonObject
            {
                ["sources"] = new JsonArray(new JsonObject { ["serviceAccountToken"] = token }),
            },
        };
    }

    private static void Mounts(JsonArray patch, Injection injection)
    {
        var chosen = injection.ChosenContainers;
        var pod = injection.Pod;
        for (var i = 0; i < pod.Containers.Count; i++)
        {
            if (chosen is null || chosen.Contains(PodView.Text(pod.Containers[i], "name")))
            {
                Mount(patch, injection, "containers", i, pod.Containers[i]);
            }
        }

        // Before the application starts, files are there only when something renders them first.
        if (!injection.HasInit && !injection.IsNative)
        {
            return;
        }

        for (var i = 0; i < pod.InitContainers.Count; i++)
        {
            // Vault's list chooses among the application's containers alone.
            if (
                chosen is null
                || injection.Dialect == Dialect.Vault
                || chosen.Contains(PodView.Text(pod.InitContainers[i], "name"))
            )
            {
                Mount(patch, injection, "initContainers", i, pod.InitContainers[i]);
            }
        }
    }

    private static void Mount(JsonArray patch, Injection injection, string list, int index, JsonObject container)
    {
        var taken = PodView
            .List(container, "volumeMounts")
            .Select(mount => PodView.Text(mount, "mountPath")?.TrimEnd('/'))
            .ToHashSet(StringComparer.Ordinal);
        var mounts = new List<JsonObject>();
        foreach (var mount in AgentContainers.SecretMounts(injection, readOnly: injection.Dialect == Dialect.Mayfly))
        {
            var path = mount["mountPath"]!.GetValue<string>();
            if (taken.Contains(path))
            {
                injection.Annotations.Problem(
                    $"the container {PodView.Text(container, "name")} already has a volume at {path}"
                );
            }

            mounts.Add(mount);
        }

        Append(
            patch,
            string.Create(CultureInfo.InvariantCulture, $"/spec/{list}/{index}/volumeMounts"),
            container["volumeMounts"] is JsonArray,
            mounts
        );
    }

    private static void Containers(JsonArray patch, Injection injection)
    {
        var first = new List<JsonObject>();
        if (injection.HasInit)
        {
            first.Add(AgentContainers.Init(injection));
        }
        else if (injection.Annotations.Has(Endings.InitJsonPatch))
        {
            injection.Annotations.Warn(
                $"{injection.Annotations.KeyOf(Endings.InitJsonPatch)} has no init container to change"
            );
        }

        if (injection.HasSidecar)
        {
            var sidecar = AgentContainers.Sidecar(injection);
            if (injection.IsNative)
            {
                first.Add(sidecar);
            }
            else
            {
                Append(patch, "/spec/containers", exists: true, [sidecar]);
            }
        }

        if (injection.IsFirst && injection.Pod.InitContainers.Count > 0)
        {
            for (var i = 0; i < first.Count; i++)
            {
                patch.Add(
                    (JsonNode)
                        JsonPatch.Add(
                            string.Create(CultureInfo.InvariantCulture, $"/spec/initContainers/{i}"),
                            first[i]
                        )
                );
            }
        }
        else
        {
            Append(patch, "/spec/initContainers", injection.Pod.HasInitContainers, first);
        }
    }

    // A list that is not there is added whole; one that is grows at its end.
    private static void Append(JsonArray patch, string path, bool exists, List<JsonObject> values)
    {
        if (values.Count == 0)
        {
            return;
        }

        if (!exists)
        {
            patch.Add((JsonNode)JsonPatch.Add(path, new JsonArray([.. values])));
            return;
        }

        foreach (var value in values)
        {
            patch.Add((JsonNode)JsonPatch.Add(path + "/-", value));
        }
    }
}
