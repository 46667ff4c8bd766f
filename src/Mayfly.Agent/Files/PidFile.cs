using System.Globalization;

namespace Mayfly.Agent.Files;

/// <summary>The file that tells service managers the agent's process id; it goes when the agent stops.</summary>
internal sealed class PidFile : IDisposable
{
    private readonly string _path;

    private PidFile(string path) => _path = path;

    /// <summary>Writes it, or does nothing when <paramref name="path"/> is empty.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing is not permitted.</exception>
    public static PidFile? Write(string path)
    {
        if (path.Length == 0)
        {
            return null;
        }

        File.WriteAllText(path, Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n");
        return new PidFile(path);
    }

    public void Dispose() => File.Delete(_path);
}
