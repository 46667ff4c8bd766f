using System.Collections.Concurrent;
using System.Text.Json;
using Mayfly.Client;

namespace Mayfly.Agent.Rendering;

/// <summary>
/// Paths as people write them, <c>secret/app</c>, made the API's: <c>secret/data/app</c> where the mount is of KV version 2.
/// Asks the server once for each mount. Safe for concurrent use.
/// </summary>
#pragma warning disable CA1001 // A semaphore whose handle is never asked for holds none.
internal sealed class KvPaths(MayflyClient client)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _asking = new(1, 1);

    private readonly ConcurrentDictionary<string, bool> _isVersioned = new(StringComparer.Ordinal);

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
        var (mount, isVersioned) = await MountAsync(bare, cancellation);
        if (!isVersioned)
        {
            return (path, false);
        }

        var rest = (bare + "/")[mount.Length..].TrimEnd('/');
        var isWhole = rest == part || rest.StartsWith(part + "/", StringComparison.Ordinal);
        return ((isWhole ? bare : $"{mount}{part}/{rest}".TrimEnd('/')) + query, true);
    }

    /// <summary>Forgets what is known: a mount may have become another one.</summary>
    public void Forget() => _isVersioned.Clear();

    private async Task<(string Mount, bool IsVersioned)> MountAsync(string path, CancellationToken cancellation)
    {
        if (Known(path) is { } known)
        {
            return known;
        }

        // One after the other: what the first learns, the others know when it is their turn.
        await _asking.WaitAsync(cancellation);
        try
        {
            return Known(path) ?? await AskAsync(path, cancellation);
        }
        finally
        {
            _asking.Release();
        }
    }

    private (string Mount, bool IsVersioned)? Known(string path)
    {
        foreach (var (mount, isVersioned) in _isVersioned)
        {
            if ((path + "/").StartsWith(mount, StringComparison.Ordinal))
            {
                return (mount, isVersioned);
            }
        }

        return null;
    }

    private async Task<(string Mount, bool IsVersioned)> AskAsync(string path, CancellationToken cancellation)
    {
        var answer = await client.ReadAsync("sys/internal/ui/mounts/" + path, cancellation);
        var mount = Text(answer.Data, "path");
        if (!answer.IsSuccess || mount.Length == 0 || !(path + "/").StartsWith(mount, StringComparison.Ordinal))
        {
            // The request itself will be told why; nothing is remembered of a server that is sealed, or a policy that will change.
            return ("", false);
        }

        var isOfVersion2 = answer.Data.TryGetProperty("options", out var options) && Text(options, "version") == "2";
        _isVersioned[mount] = isOfVersion2;
        return (mount, isOfVersion2);
    }

    private static string Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object
        && element.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : "";
}
