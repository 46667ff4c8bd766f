namespace Mayfly.Agent.Files;

/// <summary>Where files are kept in memory alone, and gone after a restart of the machine.</summary>
internal static class MemoryFolder
{
    /// <summary>Whether a file of that path, or the nearest folder above it that exists, is on tmpfs or ramfs.</summary>
    public static bool Contains(string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path));
        while (folder is not null && !Directory.Exists(folder))
        {
            folder = Path.GetDirectoryName(folder);
        }

        try
        {
            return folder is not null && new DriveInfo(folder).DriveFormat is "tmpfs" or "ramfs";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false;
        }
    }
}
