using Mayfly.Core.Storage;

namespace Mayfly.Core.Quotas;

/// <summary>Where a lease or token comes from, as far as it matters which quota it counts for.</summary>
/// <param name="Mount">Accessor of the mount.</param>
/// <param name="Path">The path below the mount that issued it.</param>
/// <param name="Role">The role of a login, or null.</param>
internal readonly record struct LeaseOrigin(string Mount, string Path, string? Role);

/// <summary>A folder of records of which each stands for a lease (or token). Immutable.</summary>
/// <param name="View">Where the folder is.</param>
/// <param name="Folder">Its path in the view; "" for all of it.</param>
/// <param name="OriginOf">
/// What a record, given by its path in the view and its contents, comes from; null when it does not count.
/// </param>
internal sealed record LeaseSource(View View, string Folder, Func<string, Entry, LeaseOrigin?> OriginOf)
{
    /// <summary>What the keys of all its records start with.</summary>
    public StoreKey Root { get; } = View.KeyOf(Folder);
}
