using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.Json;
using Mayfly.Client;

namespace Mayfly.Agent.Kv;

/// <summary>
/// Where the KV engine is mounted: paths as people write them, <c>secret/app</c>, made the API's, <c>secret/data/app</c> where the
/// mount is of KV version 2. Asks the server once for each mount. Safe for concurrent use.
/// </summary>
#pragma warning disable CA1001 // A semaphore whose handle is never asked for holds none.
internal sealed class KvMounts(MayflyClient client)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _asking = new(1, 1);

    private readonly ConcurrentDictionary<(string? Namespace, string Path), Mount> _known = new();

    /// <summary>Whether a secret's values are read at that path of the API; not, when the server says nothing.</summary>
    public async Task<bool> IsDataAsync(string path, string ns, CancellationToken cancellation)
    {
        try
        {
            return await FindAsync(path, ns, cancellation) is { IsKv: true } mount
                && path.StartsWith(mount.IsVersioned ? mount.Path + "data/" : mount.Path, StringComparison.Ordinal);
        }
        catch (MayflyException)
        {
            return false;
        }
    }

    /// <summary>The path of the API at which a secret is read; as it was given, when the server says nothing.</summary>
    public async Task<string> ReadPathAsync(string path, CancellationToken cancellation)
    {
        try
        {
            return (await ResolveAsync(path, "data", cancellation)).Path;
        }
        catch (MayflyException)
        {
            // The read itself will be told why.
            return path;
        }
    }

    /// <summary>The path below a mount of KV version 2 with <paramref name="part"/> (<c>data</c> or <c>metadata</c>) put in; any other as it is.</summary>
    /// <returns>The path, and whether it is one of KV version 2.</returns>
    /// <exception cref="MayflyConnectionException">The server does not answer.</exception>
    /// <exception cref="Client.Logins.LoginException">There is no token.</exception>
    public async Task<(string Path, bool IsVersioned)> ResolveAsync(
        string path,
        string part,
        CancellationToken cancellation
    )
    {
        var question = path.IndexOf('?', StringComparison.Ordinal);
        var query = question < 0 ? "" : path[question..];
        var bare = question < 0 ? path : path[..question];
        if (await FindAsync(bare, ns: null, cancellation) is not { IsVersioned: true } mount)
        {
            return (path, false);
        }

        var rest = (bare + "/")[mount.Path.Length..].TrimEnd('/');
        var isWhole = rest == part || rest.StartsWith(part + "/", StringComparison.Ordinal);
        return ((isWhole ? bare : $"{mount.Path}{part}/{rest}".TrimEnd('/')) + query, true);
    }

    /// <summary>Forgets what is known: a mount may have become another one.</summary>
    public void Forget() => _known.Clear();

    /// <summary>The mount that a path is in, or null when the server will not tell.</summary>
    /// <param name="path">Without a query.</param>
    /// <param name="ns">The namespace that it is in; null for the client's own.</param>
    /// <param name="cancellation">Gives up.</param>
    private async Task<Mount?> FindAsync(string path, string? ns, CancellationToken cancellation)
    {
        if (Known(path, ns) is { } known)
        {
            return known;
        }

        // One after the other: what the first learns, the others know when it is their turn.
        await _asking.WaitAsync(cancellation);
        try
        {
            return Known(path, ns) ?? await AskAsync(path, ns, cancellation);
        }
        finally
        {
            _asking.Release();
        }
    }

    private Mount? Known(string path, string? ns)
    {
        foreach (var (at, mount) in _known)
        {
            if (at.Namespace == ns && mount.Holds(path))
            {
                return mount;
            }
        }

        return null;
    }

    private async Task<Mount?> AskAsync(string path, string? ns, CancellationToken cancellation)
    {
        var request = new MayflyRequest(HttpMethod.Get, "sys/internal/ui/mounts/" + path) { Namespace = ns };
        var answer = await client.SendAsync(request, cancellation);
        var isKv = Text(answer.Data, "type") is "kv" or "generic";
        var isOfVersion2 =
            isKv && answer.Data.TryGetProperty("options", out var options) && Text(options, "version") == "2";
        var mount = new Mount(Text(answer.Data, "path"), isKv, isOfVersion2);
        if (!answer.IsSuccess || mount.Path.Length == 0 || !mount.Holds(path))
        {
            // The request itself will be told why; nothing is remembered of a server that is sealed, or a policy that will change.
            return null;
        }

        return _known[(ns, mount.Path)] = mount;
    }

    private static string Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object
        && element.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : "";

    /// <param name="Path">Ends with a slash.</param>
    /// <param name="IsKv">The engine is a KV one.</param>
    /// <param name="IsVersioned">It is KV of version 2.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Mount(string Path, bool IsKv, bool IsVersioned)
    {
        public bool Holds(string path) => (path + "/").StartsWith(Path, StringComparison.Ordinal);
    }
}
