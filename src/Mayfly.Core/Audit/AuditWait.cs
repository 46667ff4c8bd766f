using System.Collections.Concurrent;
using System.Threading.Tasks.Sources;
using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Audit;

/// <summary>
/// Somebody waits until devices have recorded something. It ends with the first success, except that devices which make
/// entries durable are waited for before others count: whoever asked for fsync gets it. Pooled: it goes back when the
/// waiter and every device are through with it.
/// </summary>
internal sealed class AuditWait : IValueTaskSource<Fault?>
{
    private const int PoolLimit = 4_096;

    /// <summary>Says nothing of why: that is for the operator, who finds it in the log and in <c>sys/audit</c>.</summary>
    public static readonly Fault NotRecorded = Fault.Unavailable(
        "no audit device could record the request, so it was refused"
    );

    private static readonly ConcurrentQueue<AuditWait> Pool = new();

    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<Fault?> _core = new() { RunContinuationsAsynchronously = true };
    private int _references;
    private int _durableLeft;
    private int _othersLeft;
    private bool _durableDone;
    private bool _otherDone;
    private bool _ended;
    private Func<bool>? _isOff;

    /// <param name="durable">How many devices that make entries durable will complete it.</param>
    /// <param name="others">How many other devices will.</param>
    /// <param name="isOff">Asked when nothing was recorded: whether nothing has to be any more.</param>
    public static AuditWait Rent(int durable, int others, Func<bool>? isOff = null)
    {
        if (!Pool.TryDequeue(out var wait))
        {
            wait = new AuditWait();
        }

        wait._core.Reset();
        wait._references = durable + others + 1;
        wait._durableLeft = durable;
        wait._othersLeft = others;
        wait._durableDone = wait._otherDone = wait._ended = false;
        wait._isOff = isOff;
        return wait;
    }

    public ValueTask<Fault?> Task => new(this, _core.Version);

    /// <summary>A device has recorded what it was given, or will not. Once per device.</summary>
    public void Complete(bool durable, bool recorded)
    {
        bool ends;
        lock (_gate)
        {
            if (durable)
            {
                _durableLeft--;
                _durableDone |= recorded;
            }
            else
            {
                _othersLeft--;
                _otherDone |= recorded;
            }

            ends = !_ended && (_durableDone || (_durableLeft == 0 && (_otherDone || _othersLeft == 0)));
            _ended |= ends;
        }

        if (ends)
        {
            var fault = _durableDone || _otherDone || _isOff?.Invoke() == true ? null : NotRecorded;
            if (fault is not null)
            {
                AuditMetrics.Refused.Add(1);
            }

            // Whoever writes its own entry has not begun to wait yet, and goes on without a change of threads.
            _core.SetResult(fault);
        }

        Release();
    }

    public Fault? GetResult(short token)
    {
        var result = _core.GetResult(token);
        Release();
        return result;
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(
        Action<object?> continuation,
        object? state,
        short token,
        ValueTaskSourceOnCompletedFlags flags
    ) => _core.OnCompleted(continuation, state, token, flags);

    private void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0 && Pool.Count < PoolLimit)
        {
            Pool.Enqueue(this);
        }
    }
}
