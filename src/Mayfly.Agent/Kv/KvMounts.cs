using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.Json;
using Mayfly.Client;

namespace Mayfly.Agent.Kv;

/// <summary>Where the KV engine is mounted. Asks the server once for each mount. Safe for concurrent use.</summary>
internal sealed class KvMounts(MayflyClient client)
{
    private readonly ConcurrentDictionary<string, KvMount> _known = new(StringComparer.Ordinal);

    /// <summary>Whether a secret's values are read at that path of the API.</summary>
    public async Task<bool> IsDataAsync(string path, string ns, CancellationToken cancellation) =>
        await FindAsync(path, ns, cancellation) is { } mount
        && path.StartsWith(mount.DataPrefix, StringComparison.Ordinal);

    /// <summary>
    /// The path of the API at which a secret is read: in a versioned mount <c>secret/app</c> is read at <c>secret/data/app</c>. As it
    /// was given when it is no KV mount, or the server says nothing.
    /// </summary>
    public async Task<string> ReadPathAsync(string path, CancellationToken cancellation) =>
        await FindAsync(path, "", cancellation) is { IsVersioned: true } mount
        && !path.StartsWith(mount.DataPrefix, StringComparison.Ordinal)
            ? string.Concat(mount.DataPrefix, path.AsSpan(mount.Path.Length))
            : path;

    /// <summary>The mount that a path is in, or null when that is none of KV, or is not to be had.</summary>
    private async Task<KvMount?> FindAsync(string path, string ns, CancellationToken cancellation)
    {
        foreach (var (prefix, mount) in _known)
        {
            if (path.StartsWith(prefix, StringComparison.Ordinal))
            {
                return mount;
            }
        }

        try
        {
            var request = new MayflyRequest(HttpMethod.Get, "sys/internal/ui/mounts/" + path) { Namespace = ns };
            var answer = await client.SendAsync(request, cancellation);
            if (
                !answer.IsSuccess
                || Text(answer.Data, "path") is not { Length: > 0 } found
                || !path.StartsWith(found, StringComparison.Ordinal)
                || Text(answer.Data, "type") is not ("kv" or "generic")
            )
            {
                return null;
            }

            var isVersioned = answer.Data.TryGetProperty("options", out var options) && Text(options, "version") == "2";
            return _known[found] = new KvMount(found, isVersioned);
        }
        catch (MayflyException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object
        && element.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct KvMount(string Path, bool IsVersioned)
    {
        public string DataPrefix => IsVersioned ? Path + "data/" : Path;
    }
}
