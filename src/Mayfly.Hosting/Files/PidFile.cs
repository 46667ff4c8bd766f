using System.Globalization;

namespace Mayfly.Hosting.Files;

/// <summary>The file that tells service managers the process's id; it goes when the process stops.</summary>
internal sealed class PidFile : IDisposable
{
    private static string Text => Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n";

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

        File.WriteAllText(path, Text);
        return new PidFile(path);
    }

    public void Dispose()
    {
        // Another process that was given the same file has written its own number since: that one goes on running.
        try
        {
            if (File.ReadAllText(_path) == Text)
            {
                File.Delete(_path);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is gone already, or nobody's any more; this process ends either way.
        }
    }
}
