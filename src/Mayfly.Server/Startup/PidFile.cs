using System.Globalization;

namespace Mayfly.Server.Startup;

/// <summary>The file that tells service managers the server's process id; it goes when the server stops.</summary>
internal sealed class PidFile : IDisposable
{
    private readonly string _path;

    private PidFile(string path) => _path = path;

    /// <summary>Writes it, or does nothing when <paramref name="path"/> is empty.</summary>
    /// <exception cref="StartupException">It cannot be written.</exception>
    public static PidFile? Write(string path)
    {
        if (path.Length == 0)
        {
            return null;
        }

        try
        {
            File.WriteAllText(path, Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n");
            return new PidFile(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"cannot write the pid_file {path}: {e.Message}", e);
        }
    }

    public void Dispose() => File.Delete(_path);
}
