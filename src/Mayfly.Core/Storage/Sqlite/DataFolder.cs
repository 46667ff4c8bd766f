namespace Mayfly.Core.Storage.Sqlite;

/// <summary>The names of the files in a data folder, and how they are created: for the owner alone.</summary>
internal sealed class DataFolder(string path)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

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
            Directory.CreateDirectory(folder.Path, OwnerOnly);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException($"The data folder {folder.Path} cannot be created: {e.Message}", e);
        }

        return folder;
    }
}
