using System.Collections.Concurrent;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Engines.Database;

/// <summary>
/// The databases that are configured, each opened when it is needed first, and again when its configuration has changed.
/// Safe for concurrent use.
/// </summary>
internal sealed class OpenConnections(View view, string mount, MountMemory memory, TimeProvider time) : IAsyncDisposable
{
    public const string Folder = "config/";

    private readonly ConcurrentDictionary<string, OpenConnection> _open = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _changing = new(1);
    private bool _disposed;

    /// <summary>Finds out which password is right when a change of it was interrupted.</summary>
    public Func<string, CancellationToken, ValueTask<Fault?>> Settle { get; set; } = (_, _) => default;

    /// <summary>The configuration and its version, or null when there is none of that name.</summary>
    public async ValueTask<(ConnectionConfig Config, long Version)?> FindAsync(
        string name,
        CancellationToken cancellation
    )
    {
        using var entry = await view.GetAsync(Folder + name, cancellation);
        return entry is null ? null : (ConnectionConfig.Read(entry.Value.Memory), entry.Version);
    }

    /// <summary>The database of that configuration, with the configuration as it is now.</summary>
    public async ValueTask<(OpenConnection? Connection, Fault? Fault)> GetAsync(
        string name,
        CancellationToken cancellation
    )
    {
        if (await FindAsync(name, cancellation) is not { } found)
        {
            return (null, Fault.Invalid($"failed to find entry for connection with name: \"{name}\""));
        }

        if (_open.TryGetValue(name, out var open) && open.Version == found.Version)
        {
            return (open, null);
        }

        if (found.Config.PendingPassword.Length > 0)
        {
            if (await Settle(name, cancellation) is { } unsettled)
            {
                return (null, unsettled);
            }

            return await GetAsync(name, cancellation);
        }

        await _changing.WaitAsync(cancellation);
        try
        {
            if (_open.TryGetValue(name, out open) && open.Version >= found.Version)
            {
                return (open, null);
            }

            if (_disposed)
            {
                // A request that came in before the mount was tuned or disabled.
                return (null, Fault.Unavailable("the mount is being changed; try again") with { NothingMade = true });
            }

            var (made, fault) = Make(name, found.Config, found.Version);
            if (made is null)
            {
                return (null, fault);
            }

            _open[name] = made;
            if (open is not null)
            {
                await open.CloseAsync();
            }

            return (made, null);
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>A database with settings that are not stored (yet). Dispose it.</summary>
    public (OpenConnection? Connection, Fault? Fault) Make(string name, ConnectionConfig config, long version = 0)
    {
        if (DatabaseKind.Find(config.PluginName) is not { } kind)
        {
            var known = string.Join(", ", DatabaseKind.All.SelectMany(each => each.PluginNames));
            return (null, Fault.Invalid($"unknown plugin_name; there are: {known}"));
        }

        // A tuned mount has a new engine: it must not take the sessions of the old one for those of an earlier run.
        var sessions = memory.Keep($"sessions of {name}", () => new Sessions(mount, name));
        var (database, fault) = kind.Open(config, sessions);
        return database is null
            ? (null, fault)
            : (new OpenConnection(name, kind, config, version, database, new Turns(config.MaxOpen, time)), null);
    }

    /// <summary>Ends the connections of a configuration; the next request opens them anew.</summary>
    public async ValueTask CloseAsync(string name)
    {
        if (_open.TryRemove(name, out var open))
        {
            await open.CloseAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _changing.WaitAsync();
        try
        {
            _disposed = true;
            foreach (var name in _open.Keys)
            {
                await CloseAsync(name);
            }
        }
        finally
        {
            _changing.Release();
        }
    }
}
