using System.Collections.Concurrent;

namespace Mayfly.Client.Secrets.Sources;

/// <summary>
/// Secrets from a folder, as Kubernetes and Docker mount them and the agent writes them. The name <c>db/password</c> is the file
/// of that path below the folder: a JSON object is its fields, any other text the field <c>value</c>, without its last line end.
/// The name of a folder is a secret whose fields are the files in it. Files that are replaced are noticed within a second. Safe
/// for concurrent use.
/// </summary>
/// <param name="folder">The folder.</param>
/// <param name="time">The clock for looking at the files; a test hands in its own.</param>
public sealed class FolderSecretSource(string folder, TimeProvider? time = null) : IWatchableSecretSource
{
    private const int Attempts = 3;

    private readonly string _folder = Path.GetFullPath(folder);
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly ConcurrentDictionary<string, string> _read = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public string Id => "folder " + _folder;

    /// <inheritdoc/>
    public async Task<FetchedSecret> FetchAsync(string name, CancellationToken cancellationToken)
    {
        var path = PathOf(name);
        _read[name] = StampOf(path);
        if (!Directory.Exists(path))
        {
            return FetchedSecret.Parse(await FileStamp.ReadTextAsync(name, path, cancellationToken));
        }

        // All fields are of one moment: a set of files that is replaced while it is read is read again.
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var before = Stamps(path);
            var fields = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var file in Files(path))
            {
                fields[Path.GetFileName(file)] = await FileStamp.ReadTextAsync(name, file, cancellationToken);
            }

            if (before.Equals(Stamps(path), StringComparison.Ordinal))
            {
                return FetchedSecret.Of(fields);
            }
        }

        throw new SecretSourceException(
            SecretFailure.Unreachable,
            $"{name}: its files are being replaced again and again."
        );
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<SecretChange> WatchAsync(CancellationToken cancellationToken)
    {
        var known = new Dictionary<string, string>(StringComparer.Ordinal);
        return FileStamp.WatchAsync(() => Look(known), _time, cancellationToken);
    }

    private List<SecretChange> Look(Dictionary<string, string> known)
    {
        var changes = new List<SecretChange>();
        foreach (var (name, read) in _read)
        {
            var stamp = StampOf(PathOf(name));
            if (!string.Equals(known.GetValueOrDefault(name, read), stamp, StringComparison.Ordinal))
            {
                changes.Add(new SecretChange(name));
            }

            known[name] = stamp;
        }

        return changes;
    }

    private static string StampOf(string path) => Directory.Exists(path) ? Stamps(path) : FileStamp.Of(path).ToString();

    private static string Stamps(string path) =>
        string.Join('\n', Files(path).Select(file => $"{file} {FileStamp.Of(file)}"));

    /// <summary>Kubernetes keeps its own links beside the files, with a dot at the beginning.</summary>
    private static IEnumerable<string> Files(string path)
    {
        try
        {
            return Directory
                .GetFiles(path)
                .Where(file => !Path.GetFileName(file).StartsWith('.'))
                .Order(StringComparer.Ordinal);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <exception cref="SecretSourceException">The name leads out of the folder.</exception>
    private string PathOf(string name)
    {
        var parts = name.Split('/');
        return Array.Exists(parts, part => part is "" or "." or ".." || part.Contains('\0') || part.Contains('\\'))
            ? throw new SecretSourceException(
                SecretFailure.Invalid,
                $"\"{name}\" names no file: it is a path below the folder, such as db/password."
            )
            : Path.Combine([_folder, .. parts]);
    }
}
