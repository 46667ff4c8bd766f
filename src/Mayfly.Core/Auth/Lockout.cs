using Mayfly.Core.Mounts;

namespace Mayfly.Core.Auth;

/// <summary>
/// Counts failed logins by name, and locks a name for a while after too many in a row. Kept in memory only, and bounded:
/// when full, the name that failed longest ago is forgotten. Safe for concurrent use.
/// </summary>
internal sealed class Lockout(TimeProvider time, int capacity, LockoutLimits limits)
{
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

    /// <summary>The names that are locked now.</summary>
    public IReadOnlyList<string> Locked
    {
        get
        {
            lock (_gate)
            {
                return [.. _byAge.Where(IsLocked).Select(failures => failures.Name)];
            }
        }
    }

    public bool IsLocked(string name)
    {
        lock (_gate)
        {
            return _byName.TryGetValue(name, out var node) && IsLocked(node.Value);
        }
    }

    public void Failed(string name)
    {
        if (limits.Disabled)
        {
            return;
        }

        lock (_gate)
        {
            var before = 0L;
            if (_byName.Remove(name, out var node))
            {
                _byAge.Remove(node);
                before = IsOver(node.Value) ? 0 : node.Value.Count;
            }
            else if (_byName.Count >= capacity)
            {
                _byName.Remove(_byAge.First!.Value.Name);
                _byAge.RemoveFirst();
            }

            _byName[name] = _byAge.AddLast(new Failures(name, before + 1, time.GetTimestamp()));
            while (IsOver(_byAge.First!.Value))
            {
                _byName.Remove(_byAge.First!.Value.Name);
                _byAge.RemoveFirst();
            }
        }
    }

    /// <summary>Forgets the failures of <paramref name="name"/>: it logged in, got a new password, or was unlocked.</summary>
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

    private bool IsLocked(Failures failures) => failures.Count >= limits.Threshold && !IsOver(failures);

    /// <summary>By the clock that only goes forward: a wrong time of day neither unlocks a name nor keeps it locked.</summary>
    private bool IsOver(Failures failures) =>
        time.GetElapsedTime(failures.Last)
        >= (failures.Count >= limits.Threshold ? limits.Duration : limits.CounterReset);

    private sealed record Failures(string Name, long Count, long Last);
}

/// <summary>An auth method that locks names after failed logins; for <c>sys/locked-users</c>.</summary>
internal interface ILocksLogins
{
    /// <summary>The names that are locked now.</summary>
    IReadOnlyList<string> LockedNames { get; }

    /// <summary>Forgets the failures of a name, locked or not.</summary>
    void Unlock(string name);
}
