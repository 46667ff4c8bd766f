using Microsoft.Win32.SafeHandles;

namespace Mayfly.Core.Storage.Sqlite;

/// <summary>The names of the files in a data folder, and how they are created: for the owner alone.</summary>
internal sealed class DataFolder(string path)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public string Path { get; } = System.IO.Path.GetFullPath(path);

    public string Data => System.IO.Path.Combine(Path, "mayfly.db");

    public string Wal => Data + "-wal";

    /// <summary>A database that is being created; it gets its real name when it is whole.</summary>
    public string Unborn => Data + ".new";

    public string HighWater => System.IO.Path.Combine(Path, "high-water");

    public static DataFolder Create(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new StoreUnavailableException("The embedded store needs Linux.");
        }

        var folder = new DataFolder(path);
        try
        {
            Directory.CreateDirectory(folder.Path, OwnerOnly | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException($"The data folder {folder.Path} cannot be created: {e.Message}", e);
        }

        return folder;
    }

    /// <exception cref="StoreUnavailableException">The system refuses.</exception>
    public static SafeFileHandle OpenFile(string path, FileMode mode)
    {
        try
        {
            // FileStream, since File.OpenHandle takes no mode for the new file.
            var options = new FileStreamOptions
            {
                Mode = mode,
                Access = FileAccess.ReadWrite,
                Share = FileShare.ReadWrite | FileShare.Delete,
                BufferSize = 0,
            };
            if (mode != FileMode.Open && OperatingSystem.IsLinux())
            {
                options.UnixCreateMode = OwnerOnly;
            }

            return new FileStream(path, options).SafeFileHandle;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException($"{path} cannot be opened: {e.Message}", e);
        }
    }
}
