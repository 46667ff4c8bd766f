using System.Runtime.InteropServices;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>
/// What the connections of this process share about one database: locks, the WAL index, and the checksums of the WAL's
/// frames. All of it is in memory because a database belongs to one process (see <see cref="FolderLock"/>): no system
/// call per lock, and no file to go stale. Safe for concurrent use.
/// </summary>
internal sealed unsafe class DatabaseFiles(string path) : IDisposable
{
    public const int LockSlots = 8;

    private const int Exclusive = -1;

    private readonly Lock _gate = new();
    private readonly int[] _slots = new int[LockSlots];
    private readonly List<nint> _regions = [];
    private readonly List<MainFile> _open = [];
    private ulong[] _frames = new ulong[4096];
    private long _walBytes;

    [ThreadStatic]
    private static string? s_damage;

    public string Path => path;

    /// <summary>How much of the WAL is in use, in bytes, whatever the size of the file.</summary>
    public long WalBytes
    {
        get => Volatile.Read(ref _walBytes);
        set => Volatile.Write(ref _walBytes, value);
    }

    /// <summary>What the last failed read on this thread found, once.</summary>
    public static string? TakeDamage()
    {
        var damage = s_damage;
        s_damage = null;
        return damage;
    }

    public static void ReportDamage(string damage) => s_damage = damage;

    /// <summary>The checksum of a WAL frame's page, or 0 when the frame was neither written nor recovered.</summary>
    public ulong FrameChecksum(int frame)
    {
        var frames = Volatile.Read(ref _frames);
        return frame < frames.Length ? Volatile.Read(ref frames[frame]) : 0;
    }

    /// <summary>Called by the one connection that writes or recovers the WAL.</summary>
    public void SetFrameChecksum(int frame, ulong checksum)
    {
        var frames = _frames;
        if (frame >= frames.Length)
        {
            Array.Resize(ref frames, Math.Max(frame + 1, frames.Length * 2));
            Volatile.Write(ref _frames, frames);
        }

        Volatile.Write(ref frames[frame], checksum);
    }

    public void Opened(MainFile file)
    {
        lock (_gate)
        {
            _open.Add(file);
        }
    }

    public void Closed(MainFile file)
    {
        lock (_gate)
        {
            _open.Remove(file);
            if (_open.Count == 0)
            {
                FreeRegions();
            }
        }
    }

    /// <summary>SQLite's lock of the main file: 1 shared, 2 reserved, 3 pending, 4 exclusive.</summary>
    public bool TryLock(MainFile file, int level)
    {
        const int Shared = 1;
        lock (_gate)
        {
            foreach (var other in _open)
            {
                if (other == file)
                {
                    continue;
                }

                var conflict = level switch
                {
                    Shared => other.Level > 2,
                    2 => other.Level >= 2,
                    _ => other.Level >= Shared,
                };
                if (conflict)
                {
                    return false;
                }
            }

            file.Level = Math.Max(file.Level, level);
            return true;
        }
    }

    public void Unlock(MainFile file, int level)
    {
        lock (_gate)
        {
            file.Level = Math.Min(file.Level, level);
        }
    }

    public bool IsReserved()
    {
        lock (_gate)
        {
            return _open.Exists(file => file.Level >= 2);
        }
    }

    /// <summary>A lock of the WAL index: shared or exclusive, on some of its eight slots.</summary>
    public bool TryLockIndex(MainFile file, int first, int count, bool exclusive)
    {
        var mask = Mask(first, count);
        lock (_gate)
        {
            var held = exclusive ? file.ExclusiveSlots : file.SharedSlots;
            if ((held & mask) == mask)
            {
                return true;
            }

            for (var slot = first; slot < first + count; slot++)
            {
                if (exclusive ? _slots[slot] != 0 : _slots[slot] == Exclusive)
                {
                    return false;
                }
            }

            for (var slot = first; slot < first + count; slot++)
            {
                _slots[slot] = exclusive ? Exclusive : _slots[slot] + 1;
            }

            if (exclusive)
            {
                file.ExclusiveSlots |= mask;
            }
            else
            {
                file.SharedSlots |= mask;
            }

            return true;
        }
    }

    public void UnlockIndex(MainFile file, int first, int count)
    {
        lock (_gate)
        {
            for (var slot = first; slot < first + count; slot++)
            {
                var bit = 1 << slot;
                if ((file.ExclusiveSlots & bit) != 0)
                {
                    _slots[slot] = 0;
                }
                else if ((file.SharedSlots & bit) != 0)
                {
                    _slots[slot]--;
                }
            }

            file.ExclusiveSlots &= ~Mask(first, count);
            file.SharedSlots &= ~Mask(first, count);
        }
    }

    /// <summary>A region of the WAL index, or 0 when it does not exist and shall not be made.</summary>
    public nint Region(int number, int size, bool extend)
    {
        lock (_gate)
        {
            while (number >= _regions.Count)
            {
                if (!extend)
                {
                    return 0;
                }

                _regions.Add((nint)NativeMemory.AllocZeroed((nuint)size));
            }

            return _regions[number];
        }
    }

    /// <summary>Forgets the WAL index; the next connection recovers it from the WAL. No connection may be using it.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            FreeRegions();
        }
    }

    private void FreeRegions()
    {
        foreach (var region in _regions)
        {
            NativeMemory.Free((void*)region);
        }

        _regions.Clear();
    }

    private static int Mask(int first, int count) => ((1 << count) - 1) << first;
}
