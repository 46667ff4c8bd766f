using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Local;

internal sealed class VersionCommand() : Command("version", "Print the version")
{
    public override string Usage => "";

    public override string Details =>
        "Prints the version of this program, and called as vault first that of the API. Asks no server.";

    public override bool UsesServer => false;

    public override Task<int> RunAsync(Invocation call)
    {
        call.Print.Line(
            CalledVault() ? $"Vault v1.17.0 (Mayfly v{BuildConstants.Version})" : $"Mayfly v{BuildConstants.Version}"
        );
        return Task.FromResult(Exit.Ok);
    }

    /// <summary>
    /// Whether somebody linked the program as <c>vault</c>. Scripts and client libraries' test suites then look for the
    /// version of the API in the second word, and switch off what it does not have.
    /// </summary>
    private static bool CalledVault()
    {
        try
        {
            // .NET tells the program's own file; only the operating system knows the name that was typed.
            var typed = File.ReadAllText("/proc/self/cmdline").Split('\0')[0];
            return Path.GetFileName(typed) == "vault";
        }
        catch (IOException)
        {
            return false;
        }
    }
}
