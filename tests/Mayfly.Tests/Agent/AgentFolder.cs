using System.Diagnostics;

namespace Mayfly.Tests.Agent;

/// <summary>A folder for an agent's files, which is gone when the test is.</summary>
internal sealed class AgentFolder : IDisposable
{
    /// <summary>A user who is not the agent's.</summary>
    public const string Somebody = "65534";

    public string Path { get; } = Directory.CreateTempSubdirectory("mayfly-agent-").FullName;

    public string At(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file, and tells its path.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(At(name), text);
        return At(name);
    }

    public string Read(string name) => File.ReadAllText(At(name));

    public bool Has(string name) => File.Exists(At(name));

    /// <summary>Makes <see cref="Somebody"/> the owner, which takes root; otherwise the test is left out.</summary>
    public static bool TryGive(string path)
    {
        if (Environment.UserName == "root")
        {
            using var process = Process.Start(new ProcessStartInfo("chown", ["-h", Somebody, path]))!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }

        TestContext.Current.TestOutputHelper?.WriteLine("Left out: giving files to others needs root.");
        return false;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
