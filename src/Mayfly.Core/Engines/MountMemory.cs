using System.Collections.Concurrent;

namespace Mayfly.Core.Engines;

/// <summary>
/// What an engine keeps in memory for as long as the vault is unsealed: tuning or moving a mount starts its engine anew, while
/// requests are still under way in the old one. Safe for concurrent use.
/// </summary>
public sealed class MountMemory
{
    private readonly ConcurrentDictionary<string, object> _kept = new(StringComparer.Ordinal);

    /// <summary>What is kept under <paramref name="name"/>; made by <paramref name="make"/> the first time.</summary>
    public T Keep<T>(string name, Func<T> make)
        where T : class => (T)_kept.GetOrAdd(name, static (_, make) => make(), make);
}
