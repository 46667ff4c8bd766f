using Microsoft.Extensions.Primitives;

namespace Mayfly.Client.Secrets;

/// <summary>A change as .NET's configuration and options wait for it.</summary>
internal sealed class ChangeToken(Task change) : IChangeToken
{
    public bool HasChanged => change.IsCompleted;

    public bool ActiveChangeCallbacks => true;

    public IDisposable RegisterChangeCallback(Action<object?> callback, object? state)
    {
        var registration = new Registration(callback, state);
        _ = change.ContinueWith(
            static (_, registration) => ((Registration)registration!).Call(),
            registration,
            CancellationToken.None,
            TaskContinuationOptions.None,
            TaskScheduler.Default
        );
        return registration;
    }

    private sealed class Registration(Action<object?> callback, object? state) : IDisposable
    {
        private Action<object?>? _callback = callback;

        public void Call() => Interlocked.Exchange(ref _callback, null)?.Invoke(state);

        public void Dispose() => Volatile.Write(ref _callback, null);
    }
}
