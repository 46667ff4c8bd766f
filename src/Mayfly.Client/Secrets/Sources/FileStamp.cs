using System.Runtime.CompilerServices;
using System.Text;

namespace Mayfly.Client.Secrets.Sources;

/// <summary>What changes when a file is replaced or written. Looking is cheap, and works on every file system.</summary>
internal readonly record struct FileStamp(long Length, long Written, long Made)
{
    /// <summary>How often files are looked at.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private static readonly UTF8Encoding Strict = new(
        encoderShouldEmitUTF8Identifier: false,
        throwOnInvalidBytes: true
    );

    /// <summary>The stamp of a file, through links; the default when there is none.</summary>
    public static FileStamp Of(string path)
    {
        try
        {
            var file = new FileInfo(path);
            var target = file.ResolveLinkTarget(returnFinalTarget: true) ?? file;
            return target is FileInfo { Exists: true } found
                ? new FileStamp(found.Length, found.LastWriteTimeUtc.Ticks, found.CreationTimeUtc.Ticks)
                : default;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return default;
        }
    }

    /// <summary>Gives everything at first and, from then on, the changes that <paramref name="look"/> finds, until the end.</summary>
    public static async IAsyncEnumerable<SecretChange> WatchAsync(
        Func<IEnumerable<SecretChange>> look,
        TimeProvider time,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        _ = look().Count();
        yield return SecretChange.Everything;
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            foreach (var change in look())
            {
                yield return change;
            }
        }
    }

    /// <summary>Gives everything at first and, from then on, whenever a file that holds all of it has changed, until the end.</summary>
    public static IAsyncEnumerable<SecretChange> WatchAsync(
        string path,
        TimeProvider time,
        CancellationToken cancellationToken
    )
    {
        var known = default(FileStamp);
        return WatchAsync(Look, time, cancellationToken);

        IEnumerable<SecretChange> Look()
        {
            var before = known;
            known = Of(path);
            return before == known ? [] : [SecretChange.Everything];
        }
    }

    /// <summary>The text of a file of secrets, without the line end that editors put after the last line.</summary>
    /// <exception cref="SecretSourceException">It cannot be read, or is not UTF-8.</exception>
    public static async Task<string> ReadTextAsync(string name, string path, CancellationToken cancellationToken)
    {
        var content = await ReadAsync(name, path, cancellationToken);
        try
        {
            var text = Strict.GetString(content);
            return text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2]
                : text.EndsWith('\n') ? text[..^1]
                : text;
        }
        catch (DecoderFallbackException)
        {
            throw new SecretSourceException(SecretFailure.Invalid, $"{name}: {path} is not UTF-8 text.");
        }
    }

    /// <summary>The content of a file of secrets.</summary>
    /// <exception cref="SecretSourceException">It cannot be read.</exception>
    public static async Task<byte[]> ReadAsync(string name, string path, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllBytesAsync(path, cancellationToken);
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new SecretSourceException(SecretFailure.NotFound, $"{name}: there is no file {path}.", absent);
        }
        catch (UnauthorizedAccessException denied)
        {
            throw new SecretSourceException(SecretFailure.Denied, $"{name}: {path} may not be read.", denied);
        }
        catch (IOException failure)
        {
            throw new SecretSourceException(SecretFailure.Unreachable, $"{name}: {failure.Message}", failure);
        }
    }
}
