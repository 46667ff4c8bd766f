using System.Globalization;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Engines.Kv;

/// <summary>Walks through the secrets of a versioned mount, page by page.</summary>
internal static class KvSecrets
{
    private const int PerPage = 256;

    /// <inheritdoc cref="IHoldsSecrets.VisitAsync"/>
    public static async ValueTask VisitAsync(KvStore store, SecretVisitor visitor, CancellationToken cancellation)
    {
        string? after = null;
        while (true)
        {
            var page = await store.KeysAsync(after, PerPage, cancellation);
            foreach (var (path, entry) in page)
            {
                // Disposed also where a visit before it has failed.
                using (entry)
                {
                    foreach (var held in Live(entry, path, store.Now, visitor))
                    {
                        using var value = await store.ValueAsync(path, held.Number, cancellation);
                        if (value is not null)
                        {
                            visitor(Held(path, held.Number, held.IsCurrent), value.Value.Span);
                        }
                    }
                }

                after = path;
            }

            if (page.Count < PerPage)
            {
                return;
            }
        }
    }

    /// <summary>Visits the value that rides in the key's record, and gives the other live versions.</summary>
    private static List<(long Number, bool IsCurrent)> Live(Entry entry, string path, long now, SecretVisitor visitor)
    {
        var key = new StoredKey(entry.Value.Span);
        var others = new List<(long, bool)>();
        for (var number = key.CurrentVersion - key.VersionCount + 1; number <= key.CurrentVersion; number++)
        {
            if (!key.TryVersion(number, out var state) || !state.IsLive(now))
            {
                continue;
            }

            if (key.HasValue && number == key.CurrentVersion)
            {
                visitor(Held(path, number, isCurrent: true), key.Value);
            }
            else
            {
                others.Add((number, number == key.CurrentVersion));
            }
        }

        return others;
    }

    private static HeldSecret Held(string path, long number, bool isCurrent) =>
        new("data/", "metadata/", path, number.ToString(CultureInfo.InvariantCulture), isCurrent);
}
