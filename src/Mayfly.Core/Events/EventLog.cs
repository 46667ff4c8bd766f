namespace Mayfly.Core.Events;

/// <summary>
/// The latest events, bounded in number and in bytes: the queue of every subscriber at once, each of which only knows how
/// far it has read. One that is too slow finds that what it has not read is gone. One writer at a time; any number of
/// readers, without a lock.
/// </summary>
internal sealed class EventLog(int capacity, long maxBytes)
{
    private readonly ChangeEvent?[] _slots = new ChangeEvent?[capacity];
    private long _head;
    private long _tail;
    private long _bytes;

    /// <summary>The sequence number that the next event will get.</summary>
    public long Head => Volatile.Read(ref _head);

    /// <summary>The sequence number of the oldest event that is kept.</summary>
    public long Tail => Volatile.Read(ref _tail);

    /// <summary>Gives the event its number and keeps it.</summary>
    public void Append(ChangeEvent change)
    {
        if (_head - _tail == capacity)
        {
            DropOldest();
        }

        change.Sequence = _head;
        Volatile.Write(ref _slots[(int)(_head % capacity)], change);
        _bytes += change.Json.Length;
        while (_bytes > maxBytes && _tail < _head)
        {
            DropOldest();
        }

        Volatile.Write(ref _head, _head + 1);
    }

    /// <summary>The event of that number, or null when it is kept no more.</summary>
    public ChangeEvent? At(long sequence)
    {
        var found = Volatile.Read(ref _slots[(int)(sequence % capacity)]);
        return found is not null && found.Sequence == sequence ? found : null;
    }

    /// <summary>The number of the event with that id, or null when it is not kept.</summary>
    public long? Find(string id)
    {
        for (var sequence = Head - 1; sequence >= Tail; sequence--)
        {
            if (At(sequence)?.Id == id)
            {
                return sequence;
            }
        }

        return null;
    }

    /// <summary>Forgets every event; numbers go on.</summary>
    public void Clear()
    {
        while (_tail < _head)
        {
            DropOldest();
        }
    }

    private void DropOldest()
    {
        ref var slot = ref _slots[(int)(_tail % capacity)];
        _bytes -= slot!.Json.Length;
        Volatile.Write(ref slot, null);
        Volatile.Write(ref _tail, _tail + 1);
    }
}
