using System.Globalization;
using Mayfly.Agent.Configuration;

namespace Mayfly.Agent.Logging;

/// <summary>
/// Where log lines go: standard error, or a file that is replaced by a new one when it is large or old enough. Safe for concurrent
/// use: a signal may reopen the file while a line is written.
/// </summary>
internal sealed class LogOutput(LogStanza settings, TimeProvider time) : IDisposable
{
    private readonly Lock _gate = new();
    private Stream? _stream;
    private string _path = "";
    private long _length;
    private long _opened;

    /// <summary>Writes one whole line. What cannot be written is lost: the agent goes on.</summary>
    public void Write(byte[] line)
    {
        lock (_gate)
        {
            try
            {
                if (_stream is not null && IsDue(line.Length))
                {
                    TryRotate();
                }

                _stream ??= Open();
                _stream.Write(line);
                _stream.Flush();
                _length += line.Length;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Nobody reads the log any more, or the disk is full.
            }
        }
    }

    /// <summary>Opens the file anew at the next line, for those who move it away.</summary>
    public void Reopen()
    {
        lock (_gate)
        {
            if (settings.File.Length > 0)
            {
                _stream?.Dispose();
                _stream = null;
            }
        }
    }

    public void Dispose() => _stream?.Dispose();

    private bool IsDue(int more) =>
        settings.File.Length > 0
        && (
            (settings.RotateBytes > 0 && _length + more > settings.RotateBytes && _length > 0)
            || (settings.RotateAfter > TimeSpan.Zero && time.GetElapsedTime(_opened) >= settings.RotateAfter)
        );

    private Stream Open()
    {
        if (settings.File.Length == 0)
        {
            return Console.OpenStandardError();
        }

        // A folder gets agent.log; a name without an ending gets .log.
        _path =
            settings.File.EndsWith('/') || Directory.Exists(settings.File) ? Path.Combine(settings.File, "agent.log")
            : Path.HasExtension(settings.File) ? settings.File
            : settings.File + ".log";
        var options = new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        var stream = new FileStream(_path, options);
        _length = stream.Length;
        _opened = time.GetTimestamp();
        return stream;
    }

    private void TryRotate()
    {
        try
        {
            Rotate();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The folder is not the agent's to change: the file goes on, since a log that is too long is better than lost lines.
        }
    }

    private void Rotate()
    {
        Reopen();
        if (settings.RotateKeep < 0)
        {
            File.Delete(_path);
            return;
        }

        var folder = Path.GetDirectoryName(Path.GetFullPath(_path))!;
        var stem = Path.GetFileNameWithoutExtension(_path) + "-";
        var ending = Path.GetExtension(_path);
        var stamp = time.GetUtcNow().Ticks.ToString(CultureInfo.InvariantCulture);
        File.Move(_path, Path.Combine(folder, stem + stamp + ending), overwrite: true);
        if (settings.RotateKeep > 0)
        {
            // Other programs' logs may begin with the same word: ours have a stamp there and nothing else.
            var old = Directory
                .GetFiles(folder)
                .Where(path =>
                    Path.GetFileName(path) is var name
                    && name.Length == stem.Length + stamp.Length + ending.Length
                    && name.StartsWith(stem, StringComparison.Ordinal)
                    && name.EndsWith(ending, StringComparison.Ordinal)
                    && !name.AsSpan(stem.Length, stamp.Length).ContainsAnyExceptInRange('0', '9')
                )
                .Order(StringComparer.Ordinal)
                .SkipLast(settings.RotateKeep);
            foreach (var file in old)
            {
                File.Delete(file);
            }
        }
    }
}
