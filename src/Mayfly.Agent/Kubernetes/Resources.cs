using System.Text.Json.Nodes;

namespace Mayfly.Agent.Kubernetes;

/// <summary>What the agent's containers may take, and what is kept for them.</summary>
internal static class Resources
{
    /// <summary>A container's <c>resources</c>; what is empty is left out.</summary>
    public static JsonObject Read(PodAnnotations annotations, InjectorDefaults defaults)
    {
        var limits = new JsonObject();
        var requests = new JsonObject();
        Add("cpu", Endings.LimitCpu, defaults.CpuLimit, Endings.RequestCpu, defaults.CpuRequest);
        Add("memory", Endings.LimitMemory, defaults.MemoryLimit, Endings.RequestMemory, defaults.MemoryRequest);
        Add(
            "ephemeral-storage",
            Endings.LimitEphemeral,
            defaults.EphemeralLimit,
            Endings.RequestEphemeral,
            defaults.EphemeralRequest
        );
        var resources = new JsonObject();
        if (limits.Count > 0)
        {
            resources["limits"] = limits;
        }

        if (requests.Count > 0)
        {
            resources["requests"] = requests;
        }

        return resources;

        void Add(string resource, string limitEnding, string limitDefault, string requestEnding, string requestDefault)
        {
            var limit = Amount(annotations, limitEnding, limitDefault, out var most);
            var request = Amount(annotations, requestEnding, requestDefault, out var least);
            if (limit is not null && request is not null && least > most)
            {
                if (annotations.Has(requestEnding))
                {
                    annotations.Problem(requestEnding, $"must not be more than the limit {limit}");
                    return;
                }

                // A limit below what is kept by default means less is kept.
                request = limit;
            }

            if (limit is not null)
            {
                limits[resource] = limit;
            }

            if (request is not null)
            {
                requests[resource] = request;
            }
        }
    }

    // An annotation without text takes the default away.
    private static string? Amount(PodAnnotations annotations, string ending, string fallback, out double amount)
    {
        var text = (annotations.Text(ending) ?? fallback).Trim();
        amount = 0;
        if (text.Length == 0)
        {
            return null;
        }

        if (Quantity.TryParse(text, out amount))
        {
            return text;
        }

        annotations.Problem(
            ending,
            $"must be a quantity of Kubernetes such as 250m or 64Mi, not {PodAnnotations.Quote(text)}"
        );
        return null;
    }
}
