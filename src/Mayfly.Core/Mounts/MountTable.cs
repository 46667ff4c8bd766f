using System.Collections.Frozen;

namespace Mayfly.Core.Mounts;

/// <summary>All mounts by path: what routes a request. Immutable, and swapped whole; reading takes no lock.</summary>
internal sealed class MountTable
{
    private readonly FrozenDictionary<string, MountedEngine> _byPath;
    private readonly FrozenDictionary<string, MountedEngine>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly FrozenDictionary<string, MountedEngine> _byAccessor;
    private readonly FrozenDictionary<string, MountedEngine> _byUuid;
    private readonly int _deepest;

    public MountTable(IEnumerable<MountedEngine> mounts)
    {
        _byPath = mounts.ToFrozenDictionary(mounted => mounted.Mount.Path, StringComparer.Ordinal);
        _byAccessor = _byPath
            .Values.DistinctBy(mounted => mounted.Mount.Accessor)
            .ToFrozenDictionary(mounted => mounted.Mount.Accessor, StringComparer.Ordinal);
        _lookup = _byPath.GetAlternateLookup<ReadOnlySpan<char>>();
        _byUuid = _byPath.Values.ToFrozenDictionary(mounted => mounted.Mount.Uuid, StringComparer.Ordinal);
        _deepest = _byPath.Keys.Select(path => path.Count(c => c == '/')).DefaultIfEmpty(0).Max();
        All = [.. _byPath.Values.OrderBy(mounted => mounted.Mount.Path, StringComparer.Ordinal)];
    }

    /// <summary>Every mount, by path.</summary>
    public IReadOnlyList<MountedEngine> All { get; }

    /// <summary>The mount with the longest path that <paramref name="path"/> starts with, or null.</summary>
    public MountedEngine? Route(string path)
    {
        MountedEngine? found = null;
        var end = 0;
        for (var depth = 0; depth < _deepest; depth++)
        {
            var slash = path.AsSpan(end).IndexOf('/');
            if (slash < 0)
            {
                break;
            }

            end += slash + 1;
            if (_lookup.TryGetValue(path.AsSpan(0, end), out var mounted))
            {
                found = mounted;
            }
        }

        return found;
    }

    /// <summary>The mount at exactly that path (which ends with a slash), or null.</summary>
    public MountedEngine? At(string path) => _byPath.GetValueOrDefault(path);

    /// <summary>The mount of that UUID, or null.</summary>
    public MountedEngine? Of(string uuid) => _byUuid.GetValueOrDefault(uuid);

    /// <summary>The mount with that accessor, wherever it is now, or null.</summary>
    public MountedEngine? ByAccessor(string accessor) => _byAccessor.GetValueOrDefault(accessor);

    /// <summary>The mount whose path a new one at <paramref name="path"/> would shadow or be shadowed by, or null.</summary>
    public MountedEngine? Clash(string path) =>
        All.FirstOrDefault(mounted =>
            mounted.Mount.Path.StartsWith(path, StringComparison.Ordinal)
            || path.StartsWith(mounted.Mount.Path, StringComparison.Ordinal)
        );
}
