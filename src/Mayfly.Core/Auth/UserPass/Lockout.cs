namespace Mayfly.Core.Auth.UserPass;

/// <summary>
/// Counts failed logins by name, and locks a name for a while after too many in a row. Kept in memory only, and bounded:
/// when full, the name that failed longest ago is forgotten. Safe for concurrent use.
/// </summary>
internal sealed class Lockout(TimeProvider time, int capacity)
{
    /// <summary>Failures in a row that lock; Vault's default.</summary>
    public const int Threshold = 5;

    /// <summary>How long a name stays locked; Vault's default.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromMinutes(15);

    /// <summary>Failures that lie further apart are not in a row; Vault's default.</summary>
    public static readonly TimeSpan CounterReset = TimeSpan.FromMinutes(15);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<Failures>> _byName = new(StringComparer.Ordinal);
    private readonly LinkedList<Failures> _byAge = new();

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _byName.Count;
            }
        }
    }

    public bool IsLocked(string name)
    {
        lock (_gate)
        {
            return _byName.TryGetValue(name, out var node)
                && node.Value.Count >= Threshold
                && time.GetUtcNow() - node.Value.Last < Duration;
        }
    }

    public void Failed(string name)
    {
        var now = time.GetUtcNow();
        lock (_gate)
        {
            var before = 0;
            if (_byName.Remove(name, out var node))
            {
                _byAge.Remove(node);
                before = IsOver(node.Value, now) ? 0 : node.Value.Count;
            }
            else if (_byName.Count >= capacity)
            {
                _byName.Remove(_byAge.First!.Value.Name);
                _byAge.RemoveFirst();
            }

            _byName[name] = _byAge.AddLast(new Failures(name, before + 1, now));
            while (IsOver(_byAge.First!.Value, now))
            {
                _byName.Remove(_byAge.First!.Value.Name);
                _byAge.RemoveFirst();
            }
        }
    }

    /// <summary>Forgets the failures of <paramref name="name"/>: it logged in, or got a new password.</summary>
    public void Clear(string name)
    {
        lock (_gate)
        {
            if (_byName.Remove(name, out var node))
            {
                _byAge.Remove(node);
            }
        }
    }

    private static bool IsOver(Failures failures, DateTimeOffset now) =>
        now - failures.Last >= (failures.Count >= Threshold ? Duration : CounterReset);

    private sealed record Failures(string Name, int Count, DateTimeOffset Last);
}
