using System.Runtime.InteropServices;

namespace Mayfly.Agent.Processes;

/// <summary>Takes signals instead of what they would do to this process, until it is disposed of.</summary>
internal sealed class SignalHandlers : IDisposable
{
    private static readonly (PosixSignal Signal, int Number)[] Always =
    [
        (PosixSignal.SIGHUP, Signals.HangUp),
        (PosixSignal.SIGINT, Signals.Interrupt),
        (PosixSignal.SIGTERM, Signals.Terminate),
    ];

    // SIGUSR1 and SIGUSR2 have no name in .NET, which takes numbers for them.
    private static readonly (PosixSignal Signal, int Number)[] Further =
    [
        (PosixSignal.SIGQUIT, Signals.Quit),
        ((PosixSignal)10, 10),
        ((PosixSignal)12, 12),
    ];

    private readonly List<PosixSignalRegistration> _registrations = [];

    /// <param name="handle">Gets the number. Called on a thread of the runtime's.</param>
    /// <param name="all">Take SIGQUIT, SIGUSR1 and SIGUSR2 too, for a program that they are passed on to.</param>
    public SignalHandlers(Action<int> handle, bool all)
    {
        foreach (var (signal, number) in all ? [.. Always, .. Further] : Always)
        {
            _registrations.Add(
                PosixSignalRegistration.Create(
                    signal,
                    context =>
                    {
                        context.Cancel = true;
                        handle(number);
                    }
                )
            );
        }
    }

    public void Dispose() => _registrations.ForEach(registration => registration.Dispose());
}
