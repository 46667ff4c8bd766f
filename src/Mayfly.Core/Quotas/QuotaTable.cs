using System.Collections.Frozen;

namespace Mayfly.Core.Quotas;

/// <summary>
/// Finds the one quota that holds for a request, the most specific: role, then exact path, then the longest path with a
/// <c>*</c>, then mount, then everything. Immutable; finding takes no lock and allocates nothing.
/// </summary>
/// <typeparam name="T">What stands for a quota.</typeparam>
internal sealed class QuotaTable<T>
    where T : class
{
    private readonly T? _everything;
    private readonly FrozenDictionary<string, OfMount> _byMount;

    public QuotaTable(IEnumerable<(QuotaScope Scope, T Quota)> quotas)
    {
        var all = quotas.ToList();
        _everything = all.Find(quota => quota.Scope.Mount.Length == 0).Quota;
        _byMount = all.Where(quota => quota.Scope.Mount.Length > 0)
            .GroupBy(quota => quota.Scope.Mount, StringComparer.Ordinal)
            .ToFrozenDictionary(group => group.Key, group => new OfMount(group), StringComparer.Ordinal);
    }

    /// <summary>Whether it may depend on the role of a login which quota holds there.</summary>
    public bool LooksAtRoles(string mount) => _byMount.TryGetValue(mount, out var quotas) && quotas.HasRoles;

    /// <param name="mount">Accessor of the mount; "" when the request goes to none.</param>
    /// <param name="path">The path below the mount.</param>
    /// <param name="role">The role of a login, or null.</param>
    public T? Find(string mount, ReadOnlySpan<char> path, string? role) =>
        _byMount.TryGetValue(mount, out var quotas) && quotas.Find(path.TrimEnd('/'), role) is { } found
            ? found
            : _everything;

    private sealed class OfMount
    {
        private readonly T? _whole;
        private readonly FrozenDictionary<string, T> _byRole;
        private readonly FrozenDictionary<string, T>.AlternateLookup<ReadOnlySpan<char>> _byPath;
        private readonly (string Start, T Quota)[] _globs;

        public OfMount(IEnumerable<(QuotaScope Scope, T Quota)> quotas)
        {
            var all = quotas.ToList();
            _byRole = all.Where(quota => quota.Scope.Role.Length > 0)
                .ToFrozenDictionary(quota => quota.Scope.Role, quota => quota.Quota, StringComparer.Ordinal);
            var paths = all.Where(quota => quota.Scope.Role.Length == 0).ToLookup(quota => quota.Scope.Path);
            _whole = paths[""].FirstOrDefault().Quota;
            _byPath = paths
                .Where(group => group.Key.Length > 0 && !group.Key.EndsWith('*'))
                .ToFrozenDictionary(group => group.Key, group => group.First().Quota, StringComparer.Ordinal)
                .GetAlternateLookup<ReadOnlySpan<char>>();
            _globs =
            [
                .. paths
                    .Where(group => group.Key.EndsWith('*'))
                    .Select(group => (group.Key[..^1], group.First().Quota))
                    .OrderByDescending(glob => glob.Item1.Length),
            ];
        }

        public bool HasRoles => _byRole.Count > 0;

        public T? Find(ReadOnlySpan<char> path, string? role)
        {
            if (role is not null && _byRole.TryGetValue(role, out var quota) || _byPath.TryGetValue(path, out quota))
            {
                return quota;
            }

            foreach (var (start, glob) in _globs)
            {
                if (path.StartsWith(start, StringComparison.Ordinal))
                {
                    return glob;
                }
            }

            return _whole;
        }
    }
}
