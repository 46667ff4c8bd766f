using System.Threading.Tasks.Sources;
using Microsoft.Extensions.ObjectPool;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>
/// A batch that waits for the writer, and the task of its caller. Pooled: used again once the caller has its result.
/// </summary>
internal sealed class PendingCommit : IValueTaskSource<CommitResult>
{
    private static readonly DefaultObjectPool<PendingCommit> Pool = new(new Policy(), maximumRetained: 1024);

    private ManualResetValueTaskSourceCore<CommitResult> _core = new() { RunContinuationsAsynchronously = true };

    public Batch Batch { get; private set; } = null!;

    /// <summary>Set by the writer, and told to the caller once the group is durable.</summary>
    public CommitResult Result { get; set; }

    public ValueTask<CommitResult> Task => new(this, _core.Version);

    public static PendingCommit Rent(Batch batch)
    {
        var pending = Pool.Get();
        pending.Batch = batch;
        return pending;
    }

    public void Complete() => _core.SetResult(Result);

    public CommitResult GetResult(short token)
    {
        var result = _core.GetResult(token);
        Pool.Return(this);
        return result;
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(
        Action<object?> continuation,
        object? state,
        short token,
        ValueTaskSourceOnCompletedFlags flags
    ) => _core.OnCompleted(continuation, state, token, flags);

    private sealed class Policy : PooledObjectPolicy<PendingCommit>
    {
        public override PendingCommit Create() => new();

        public override bool Return(PendingCommit pending)
        {
            pending._core.Reset();
            pending.Batch = null!;
            pending.Result = default;
            return true;
        }
    }
}
