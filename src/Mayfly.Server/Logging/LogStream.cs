namespace Mayfly.Server.Logging;

/// <summary>Where the server's log lines go: standard error outside tests.</summary>
internal sealed class LogStream(Stream stream)
{
    /// <summary>Writes one whole line. What cannot be written is lost: the server goes on.</summary>
    public void Write(byte[] line)
    {
        try
        {
            stream.Write(line);
            stream.Flush();
        }
        catch (IOException)
        {
            // Nobody reads the log any more.
        }
    }
}
