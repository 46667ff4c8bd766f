using System.Collections.Concurrent;
using Mayfly.Agent.Files;
using Mayfly.Agent.Templates.Values;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Rendering;

/// <summary>
/// Files that templates read, looked at every two seconds. A file that goes away or cannot be read keeps its last content here.
/// Safe for concurrent use.
/// </summary>
internal sealed class LocalFiles(ILogger log, TimeProvider time)
{
    private const int MaxSize = 16 * 1024 * 1024;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, Known> _files = new(StringComparer.Ordinal);

    /// <summary>A file has other content than before.</summary>
    public Action<string>? Changed { get; set; }

    /// <summary>The content, when the file could be read so far. The first question reads it.</summary>
    public bool TryGet(string path, out string content)
    {
        var known = _files.GetOrAdd(path, _ => new Known());
        lock (known)
        {
            if (known.Content is null)
            {
                Read(path, known);
            }

            content = known.Content ?? "";
            return known.Content is not null;
        }
    }

    /// <summary>Looks at the files until it is stopped.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Pause, time);
        while (await timer.WaitForNextTickAsync(stop))
        {
            foreach (var (path, known) in _files)
            {
                bool isOther;
                lock (known)
                {
                    isOther = Stamp(path) != known.Stamp && Read(path, known);
                }

                if (isOther)
                {
                    Changed?.Invoke(path);
                }
            }
        }
    }

    /// <summary>True when the content is another. Holds the lock of the file.</summary>
    private bool Read(string path, Known known)
    {
        try
        {
            known.Stamp = Stamp(path);
            if (FileStatus.Of(path, followsLinks: true) is { IsRegular: false })
            {
                // A pipe would be waited for, and with it every other file.
                throw new IOException($"{path} is no regular file");
            }

            using var file = new FileStream(
                path,
                FileMode.Open,
                FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete
            );
            if (file.Length > MaxSize)
            {
                throw new IOException($"{path} is larger than {MaxSize} bytes");
            }

            var bytes = new byte[file.Length];
            var content = GoText.Decode(
                bytes.AsSpan(0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false))
            );
            var isOther = content != known.Content;
            known.Content = content;
            known.Problem = null;
            return isOther;
        }
        catch (Exception e)
            when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            if (known.Problem != e.Message)
            {
                log.LogWarning("A file that a template reads cannot be read: {Reason}", e.Message);
                known.Problem = e.Message;
            }

            return false;
        }
    }

    private static (long Length, DateTime Written) Stamp(string path)
    {
        try
        {
            var info = new FileInfo(path);
            return info.Exists ? (info.Length, info.LastWriteTimeUtc) : default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return default;
        }
    }

    private sealed class Known
    {
        public (long Length, DateTime Written) Stamp { get; set; }

        public string? Content { get; set; }

        public string? Problem { get; set; }
    }
}
