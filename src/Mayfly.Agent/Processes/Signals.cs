using System.Globalization;
using System.Runtime.InteropServices;

namespace Mayfly.Agent.Processes;

/// <summary>Signals by name, as configurations have them, and sending them.</summary>
internal static partial class Signals
{
    public const int HangUp = 1;
    public const int Interrupt = 2;
    public const int Quit = 3;
    public const int Kill = 9;
    public const int Terminate = 15;

    // Linux's numbers, which x86 and ARM share.
    private static readonly Dictionary<string, int> Numbers = new(StringComparer.OrdinalIgnoreCase)
    {
        ["SIGHUP"] = 1,
        ["SIGINT"] = 2,
        ["SIGQUIT"] = 3,
        ["SIGABRT"] = 6,
        ["SIGKILL"] = Kill,
        ["SIGUSR1"] = 10,
        ["SIGUSR2"] = 12,
        ["SIGALRM"] = 14,
        ["SIGTERM"] = Terminate,
        ["SIGCONT"] = 18,
        ["SIGSTOP"] = 19,
        ["SIGWINCH"] = 28,
    };

    /// <summary>The number of a signal: <c>SIGHUP</c> or <c>HUP</c>. Null when there is none of that name.</summary>
    public static int? Number(string name) =>
        Numbers.TryGetValue(name, out var number) || Numbers.TryGetValue("SIG" + name, out number) ? number : null;

    /// <summary>Whether a key of the terminal probably sent it, which sends it to every program in the foreground.</summary>
    public static bool IsFromTerminal(int signal) => signal is Interrupt or Quit && !Console.IsInputRedirected;

    /// <summary>Sends a signal. False when there is no such process, or it is somebody else's.</summary>
    public static bool Send(int process, int signal) => process > 0 && kill(process, signal) == 0;

    /// <summary>Sends a signal to the process whose number is in <paramref name="pidFile"/>.</summary>
    /// <exception cref="IOException">There is no such file, no number in it, or no such process.</exception>
    public static void Send(string pidFile, int signal)
    {
        var text = File.ReadAllText(pidFile).Trim();
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var process) || process <= 1)
        {
            throw new IOException($"{pidFile} does not hold the number of a process");
        }

        if (kill(process, signal) != 0)
        {
            throw new IOException(
                $"process {process} of {pidFile} cannot be signalled: {Marshal.GetLastPInvokeErrorMessage()}"
            );
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int kill(int process, int signal);
}
