using System.Collections.Concurrent;
using Mayfly.Core.Engines;
using Mayfly.Core.Events;
using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Microsoft.Extensions.Logging;
using Barrier = Mayfly.Core.Storage.Barrier;

namespace Mayfly.Core.Mounts;

/// <summary>
/// Makes, changes and removes mounts, and runs their engines. Changes are made one at a time; requests route through
/// <see cref="Table"/> without a lock. A mount that goes away takes its data and tokens along, also when the server stops
/// in between.
/// </summary>
internal sealed class MountRegistry(
    Barrier barrier,
    View view,
    PasswordSource passwords,
    VaultOptions options,
    Func<string, IRotations> rotationsOf,
    EventBus events,
    TimeProvider time,
    ILoggerFactory logs
) : IAsyncDisposable
{
    /// <summary>How long a removal has before somebody else looks after it.</summary>
    private static readonly TimeSpan RemovalPause = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, MountMemory> _memories = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _changing = new(1, 1);
    private readonly ILogger _log = logs.CreateLogger("mayfly.mounts");
    private volatile MountTable _table = new([]);
    private volatile MountedEngine? _leaving;
    private IReadOnlyList<MountedEngine> _builtIn = [];

    public MountTable Table => _table;

    /// <summary>
    /// Called before a mount goes away or moves, when no request reaches it any more: what it has issued is ended there. With
    /// a fault it stays.
    /// </summary>
    public Func<MountedEngine, CancellationToken, ValueTask<Fault?>>? Leaving { get; set; }

    /// <summary>Every mount, and the one that is leaving.</summary>
    public IEnumerable<MountedEngine> AllAndLeaving =>
        _leaving is { } leaving && _table.Of(leaving.Mount.Uuid) is null ? _table.All.Append(leaving) : _table.All;

    /// <summary>The mount of that UUID, also while it is leaving, or null.</summary>
    public MountedEngine? ByUuid(string uuid) =>
        _table.Of(uuid) ?? (_leaving is { } leaving && leaving.Mount.Uuid == uuid ? leaving : null);

    /// <summary>Called when a mount goes away, before its data does; what belonged to it alone is removed there. Idempotent.</summary>
    public Func<Mount, CancellationToken, ValueTask<Fault?>>? Ended { get; set; }

    /// <summary>Where each mount keeps its records, by UUID.</summary>
    public static StoreKey DataRoot { get; } = StoreKey.Root.Append("mount");

    /// <summary>Starts every stored mount, and the server's own <paramref name="builtIn"/> ones; finishes interrupted removals.</summary>
    public async ValueTask StartAsync(IReadOnlyList<MountedEngine> builtIn, CancellationToken cancellation)
    {
        _builtIn = builtIn;
        var running = new List<MountedEngine>(builtIn);
        foreach (var uuid in await view.ListAsync("", cancellation))
        {
            using var entry = await view.GetAsync(uuid, cancellation);
            if (entry is null)
            {
                continue;
            }

            var record = MountCodec.Decode(entry.Value);
            if (record.Removing)
            {
                await EraseAsync(record.Mount, cancellation);
            }
            else
            {
                running.Add(await RunAsync(record.Mount, cancellation));
            }
        }

        _table = new MountTable(running);
    }

    /// <summary>Adds a mount at a free path.</summary>
    public async ValueTask<Fault?> EnableAsync(Mount mount, CancellationToken cancellation)
    {
        if (PathProblem(mount) is { } problem)
        {
            return problem;
        }

        await _changing.WaitAsync(cancellation);
        try
        {
            if (_table.Clash(mount.Path) is { } other)
            {
                return Fault.Invalid($"path is already in use at {other.Mount.Path}");
            }

            // It starts before it is stored: an engine that cannot start must not be there again after the next unseal.
            var running = await RunAsync(mount, cancellation);
            var result = await SaveAsync(new MountRecord(mount, Removing: false), cancellation);
            if (!result.Succeeded)
            {
                await running.Engine.DisposeAsync();
                return Fault.From(result);
            }

            _table = new MountTable([.. _table.All, running]);
            return null;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>
    /// Removes a mount with its data and the tokens that it gave. A path that has no mount is fine; a removal that failed
    /// halfway there goes on.
    /// </summary>
    public async ValueTask<Fault?> DisableAsync(string path, CancellationToken cancellation)
    {
        await _changing.WaitAsync(cancellation);
        try
        {
            if (_table.At(path) is not { } mounted)
            {
                return await FinishRemovalsAsync(path, cancellation);
            }

            if (IsBuiltIn(mounted))
            {
                return Fault.Invalid($"cannot disable {path}: it belongs to the server");
            }

            if (await LeaveAsync(mounted, cancellation) is { } stays)
            {
                return stays;
            }

            // Due, so that a removal that fails halfway is tried again until it is done.
            var batch = new Batch();
            var removing = MountCodec.Encode(new MountRecord(mounted.Mount, Removing: true));
            view.Put(batch, mounted.Mount.Uuid, removing, (time.GetUtcNow() + RemovalPause).ToUnixTimeMilliseconds());
            var result = await view.CommitAsync(batch, cancellation);
            if (!result.Succeeded)
            {
                _table = new MountTable([.. _table.All, mounted]);
                return Fault.From(result);
            }

            await mounted.Engine.DisposeAsync();
            return await EraseAsync(mounted.Mount, cancellation);
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Replaces a mount's settings or path; its data, UUID and accessor stay.</summary>
    public async ValueTask<Fault?> ChangeAsync(string path, Func<Mount, Mount> change, CancellationToken cancellation)
    {
        await _changing.WaitAsync(cancellation);
        try
        {
            if (_table.At(path) is not { } mounted)
            {
                return Fault.Invalid($"no matching mount at \"{path}\"");
            }

            var changed = change(mounted.Mount);
            if (changed.Path != path)
            {
                if (IsBuiltIn(mounted))
                {
                    return Fault.Invalid($"cannot remount {path}: it belongs to the server");
                }

                if (PathProblem(changed) is { } problem)
                {
                    return problem;
                }

                var others = new MountTable(_table.All.Where(other => other != mounted));
                if (others.Clash(changed.Path) is { } clash)
                {
                    return Fault.Invalid($"path is already in use at {clash.Mount.Path}");
                }
            }

            if (IsBuiltIn(mounted))
            {
                return Fault.Invalid($"cannot tune {path}: it belongs to the server");
            }

            if (changed.Path != path && await LeaveAsync(mounted, cancellation) is { } stays)
            {
                return stays;
            }

            var result = await SaveAsync(new MountRecord(changed, Removing: false), cancellation);
            if (!result.Succeeded)
            {
                _table = new MountTable([.. _table.All.Where(other => other != mounted), mounted]);
                return Fault.From(result);
            }

            // The new engine runs before the old one goes, so that no request finds the path empty. What is stored must come
            // into effect, also when the caller has gone away meanwhile.
            var running = await RunAsync(changed, CancellationToken.None);
            _table = new MountTable([.. _table.All.Where(other => other != mounted), running]);
            await mounted.Engine.DisposeAsync();
            return null;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Tells every engine that a token has ended.</summary>
    public async ValueTask TokenEndedAsync(string accessor, CancellationToken cancellation)
    {
        foreach (var mounted in _table.All)
        {
            await mounted.Engine.OnTokenEndedAsync(accessor, cancellation);
        }
    }

    /// <summary>Hands a due record to the engine that it belongs to; a record of a mount that is gone is nobody's.</summary>
    public async ValueTask DueAsync(StoreKey key, CancellationToken cancellation)
    {
        var uuid = System.Text.Encoding.UTF8.GetString(key.ChildOf(DataRoot, out _));
        if (_table.Of(uuid) is { } owner)
        {
            var path = ViewOf(owner.Mount).PathOf(key);
            if (path is not null)
            {
                await owner.Engine.OnDueAsync(path, cancellation);
            }
        }
    }

    /// <summary>Where the mounts themselves are stored.</summary>
    public StoreKey Root => view.Root;

    /// <summary>Goes on with the removal of a mount whose record has come due.</summary>
    public async ValueTask FinishRemovalAsync(StoreKey key, CancellationToken cancellation)
    {
        await _changing.WaitAsync(cancellation);
        try
        {
            using var entry = view.PathOf(key) is { } uuid ? await view.GetAsync(uuid, cancellation) : null;
            if (
                entry is not null
                && MountCodec.Decode(entry.Value) is { Removing: true, Mount: var mount }
                && await EraseAsync(mount, cancellation) is { } fault
            )
            {
                _log.LogWarning(
                    "mount {Path} could not be removed wholly yet, and is tried again: {Reason}",
                    mount.Path,
                    string.Join("; ", fault.Messages)
                );
            }
        }
        finally
        {
            _changing.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var mounted in _table.All)
        {
            await mounted.Engine.DisposeAsync();
        }

        _changing.Dispose();
    }

    /// <summary>What <paramref name="mount"/> gives its engine.</summary>
    public MountContext ContextOf(Mount mount) =>
        new(
            mount,
            ViewOf(mount),
            time,
            logs.CreateLogger($"mayfly.engine.{mount.Type}"),
            passwords,
            rotationsOf(mount.Uuid)
        )
        {
            Events = events.SourceOf(mount),
            Memory = _memories.GetOrAdd(mount.Uuid, static _ => new MountMemory()),
            Lockout = LockoutLimits.Of(mount, options.UserLockout),
        };

    private View ViewOf(Mount mount) => new(barrier, DataRoot.Append(mount.Uuid));

    private async ValueTask<MountedEngine> RunAsync(Mount mount, CancellationToken cancellation)
    {
        if (options.Engines.Find(mount.Kind, mount.Type) is not { } type)
        {
            _log.LogError("mount {Path} has the type {Type}, which this server lacks", mount.Path, mount.Type);
            return new MountedEngine(mount, new MissingEngine(mount));
        }

        var engine = type.Create(ContextOf(mount));
        await engine.StartAsync(cancellation);
        return new MountedEngine(mount, engine);
    }

    /// <summary>
    /// Takes a mount out of the table, and ends what it has issued: its engine runs on until that is done. With a fault it is
    /// in the table again.
    /// </summary>
    private async ValueTask<Fault?> LeaveAsync(MountedEngine mounted, CancellationToken cancellation)
    {
        var before = _table;
        _leaving = mounted;
        _table = new MountTable(before.All.Where(other => other != mounted));
        Fault? fault = null;
        var left = false;
        try
        {
            fault = Leaving is { } leaving ? await leaving(mounted, cancellation) : null;
            left = fault is null;
        }
        finally
        {
            _table = left ? _table : before;
            _leaving = null;
        }

        return fault;
    }

    private async ValueTask<Fault?> FinishRemovalsAsync(string path, CancellationToken cancellation)
    {
        foreach (var uuid in await view.ListAsync("", cancellation))
        {
            using var entry = await view.GetAsync(uuid, cancellation);
            if (
                entry is not null
                && MountCodec.Decode(entry.Value) is { Removing: true, Mount: var mount }
                && mount.Path == path
                && await EraseAsync(mount, cancellation) is { } fault
            )
            {
                return fault;
            }
        }

        return null;
    }

    private async ValueTask<Fault?> EraseAsync(Mount mount, CancellationToken cancellation)
    {
        if (Ended is not null && await Ended(mount, cancellation) is { } kept)
        {
            return kept;
        }

        var erased = await ViewOf(mount).DeleteTreeAsync("", cancellation);
        if (!erased.Succeeded)
        {
            return Fault.From(erased);
        }

        var result = await view.DeleteAsync(mount.Uuid, cancellation);
        if (!result.Succeeded)
        {
            return Fault.From(result);
        }

        _memories.TryRemove(mount.Uuid, out _);
        _log.LogInformation("removed mount {Path} of type {Type}", mount.Path, mount.Type);
        return null;
    }

    private ValueTask<CommitResult> SaveAsync(MountRecord record, CancellationToken cancellation) =>
        view.PutAsync(record.Mount.Uuid, MountCodec.Encode(record), cancellation);

    private bool IsBuiltIn(MountedEngine mounted) => _builtIn.Contains(mounted);

    private static Fault? PathProblem(Mount mount)
    {
        var below = mount.Kind == EngineKind.Auth ? mount.Path["auth/".Length..] : mount.Path;
        if (below.Length <= 1 || below.StartsWith('/') || below.Contains("//", StringComparison.Ordinal))
        {
            return Fault.Invalid("a mount needs a path, such as \"secret\" or \"team/kv\"");
        }

        if (
            below.Length > 256
            || below.Any(c => char.IsControl(c) || char.IsWhiteSpace(c) || c is '*' or '+' or '?' or '#' or '%')
        )
        {
            return Fault.Invalid(
                "a mount's path has at most 256 characters, without white space and without * + ? # %"
            );
        }

        if (below.Split('/').Any(segment => segment is "." or ".."))
        {
            return Fault.Invalid("a mount's path cannot contain . or ..");
        }

        var first = below[..below.IndexOf('/', StringComparison.Ordinal)];
        return mount.Kind == EngineKind.Secrets && first is "sys" or "auth" or "cubbyhole" or "identity" or "audit"
            ? Fault.Invalid($"paths below {first}/ are reserved")
            : null;
    }
}
