namespace Mayfly.Crypto;

/// <summary>
/// Lends objects that only one thread at a time may use, such as <see cref="System.Security.Cryptography.AesGcm"/>, without a lock:
/// each processor has one slot, and whoever finds it empty makes an object of its own. Safe for concurrent use.
/// </summary>
internal sealed class StripedPool<T>(Func<T> create) : IDisposable
    where T : class, IDisposable
{
    private const int Stride = 16; // references: 128 bytes, so that no two processors share a cache line

    private static readonly int Stripes = Math.Clamp(Environment.ProcessorCount, 1, 64);

    private readonly T?[] _slots = new T?[Stripes * Stride];
    private volatile bool _closed;

    /// <summary>An object that nobody else uses until <see cref="Return"/>.</summary>
    /// <exception cref="ObjectDisposedException">The pool, and so the key, is gone.</exception>
    public T Rent()
    {
        var item = Interlocked.Exchange(ref Slot(), null) ?? create();

        // Asked only now: the key that create() read is cleared after the pool has closed, so an object made before that is
        // sound, and one made of a key that was being cleared is never handed out.
        Interlocked.MemoryBarrier();
        if (_closed)
        {
            item.Dispose();
            throw new ObjectDisposedException(nameof(Keyring), "The keyring has been sealed.");
        }

        return item;
    }

    public void Return(T item)
    {
        if (Interlocked.CompareExchange(ref Slot(), item, null) is not null)
        {
            item.Dispose();
        }

        if (_closed)
        {
            Empty();
        }
    }

    /// <summary>After this, nothing is lent any more. Whoever clears the key does so afterwards.</summary>
    public void Dispose()
    {
        _closed = true;
        Interlocked.MemoryBarrier();
        Empty();
    }

    private ref T? Slot() => ref _slots[(uint)Thread.GetCurrentProcessorId() % (uint)Stripes * Stride];

    private void Empty()
    {
        for (var i = 0; i < _slots.Length; i += Stride)
        {
            Interlocked.Exchange(ref _slots[i], null)?.Dispose();
        }
    }
}
