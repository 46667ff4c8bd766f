using System.Collections.Concurrent;
using System.Text.Json;
using Mayfly.Client;

namespace Mayfly.Agent.Proxy;

/// <summary>Which paths hold values of the KV engine, of whose changes events tell. Asks the server once for each mount.</summary>
internal sealed class KvMounts(MayflyClient client)
{
    // Prefixes of paths with values: "secret/data/" of a versioned mount, "kv/" of another.
    private readonly ConcurrentDictionary<string, bool> _known = new(StringComparer.Ordinal);

    /// <summary>Whether a secret's values are read at that path.</summary>
    public async Task<bool> IsDataAsync(string path, string ns, CancellationToken cancellation)
    {
        foreach (var (prefix, isData) in _known)
        {
            if (path.StartsWith(prefix, StringComparison.Ordinal))
            {
                return isData;
            }
        }

        try
        {
            var request = new MayflyRequest(HttpMethod.Get, "sys/internal/ui/mounts/" + path) { Namespace = ns };
            var answer = await client.SendAsync(request, cancellation);
            if (
                !answer.IsSuccess
                || Text(answer.Data, "path") is not { Length: > 0 } mount
                || !path.StartsWith(mount, StringComparison.Ordinal)
            )
            {
                return false;
            }

            var isKv = Text(answer.Data, "type") is "kv" or "generic";
            var isVersioned =
                answer.Data.TryGetProperty("options", out var options)
                && options.ValueKind == JsonValueKind.Object
                && Text(options, "version") == "2";
            var data = isVersioned ? mount + "data/" : mount;
            if (isKv)
            {
                _known[data] = true;
            }

            return isKv && path.StartsWith(data, StringComparison.Ordinal);
        }
        catch (MayflyException)
        {
            return false;
        }
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object
        && element.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
