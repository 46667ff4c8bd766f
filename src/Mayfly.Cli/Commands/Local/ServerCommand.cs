using System.Runtime.InteropServices;
using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Local;

/// <summary>Becomes mayflyd: the same process, so signals and exit codes are the server's.</summary>
internal sealed class ServerCommand() : Command("server", "Start the server (mayflyd)"), IPassThrough
{
    public override string Usage => "[options of mayflyd]";

    public override string Details =>
        """
            Starts mayflyd, which must be installed beside this program or on the PATH, with the same options.
            $ mayfly server -dev
            $ mayfly server -config=/etc/mayfly/mayfly.hcl
            """;

    public int Run(Session session, IReadOnlyList<string> words)
    {
        if (Locate(session) is not { } program)
        {
            session.Error.Write("mayflyd was found neither beside mayfly nor on the PATH.\n");
            return Exit.Local;
        }

        // execv returns only when it failed. Its vector ends with a null.
        string?[] vector = [program, .. words, null];
        session.Out.Flush();
        _ = Execv(program, vector);
        session.Error.Write($"{program} could not be started (errno {Marshal.GetLastPInvokeError()}).\n");
        return Exit.Local;
    }

    public override Task<int> RunAsync(Invocation call) => Task.FromResult(Run(call.Session, call.Arguments));

    private static string? Locate(Session session)
    {
        var beside = Path.Combine(AppContext.BaseDirectory, "mayflyd");
        if (File.Exists(beside))
        {
            return beside;
        }

        foreach (var folder in (session.Environment("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            var candidate = Path.Combine(folder, "mayflyd");
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }

#pragma warning disable SYSLIB1054, CA2101 // The generated marshalling needs unsafe code; one call does not.
    [DllImport("libc", EntryPoint = "execv", SetLastError = true, CharSet = CharSet.Ansi)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Execv(string path, string?[] arguments);
#pragma warning restore SYSLIB1054, CA2101
}
