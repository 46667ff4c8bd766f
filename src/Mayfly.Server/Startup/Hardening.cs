using System.Runtime.InteropServices;

namespace Mayfly.Server.Startup;

/// <summary>What the process does to itself so that its memory and files stay its own.</summary>
internal static partial class Hardening
{
    private const int CoreLimit = 4; // RLIMIT_CORE
    private const int SetDumpable = 4; // PR_SET_DUMPABLE

    /// <summary>
    /// No core dumps, no reading of its memory or environment by processes of the same user, and new files for the owner
    /// alone. A system that refuses one of these has it refused already, so failure is not reported.
    /// </summary>
    public static void Apply()
    {
        var none = default(Limit);
        _ = setrlimit(CoreLimit, in none);
        _ = prctl(SetDumpable, 0, 0, 0, 0);
        _ = umask(0x3F); // 0077
        CloseDiagnosticPorts();
    }

    /// <summary>
    /// The runtime listens for debuggers and profilers of the same user before any of our code runs, and gives them the
    /// environment and the memory. Whoever wants them sets its variable.
    /// </summary>
    private static void CloseDiagnosticPorts()
    {
        if (Environment.GetEnvironmentVariable("DOTNET_EnableDiagnostics") == "1")
        {
            return;
        }

        try
        {
            foreach (var file in Directory.EnumerateFiles(Path.GetTempPath(), $"*-{Environment.ProcessId}-*"))
            {
                if (
                    Path.GetFileName(file) is var name
                    && (
                        name.StartsWith("dotnet-diagnostic-", StringComparison.Ordinal)
                        || name.StartsWith("clr-debug-pipe-", StringComparison.Ordinal)
                    )
                )
                {
                    File.Delete(file);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Then nobody else finds them there either.
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Limit
    {
        private readonly nuint _soft;
        private readonly nuint _hard;
    }

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int setrlimit(int resource, in Limit limit);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint umask(uint mask);
}
