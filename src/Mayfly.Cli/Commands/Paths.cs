namespace Mayfly.Cli.Commands;

/// <summary>Paths as people type them.</summary>
internal static class Paths
{
    /// <summary>Without white space and slashes at its ends.</summary>
    public static string Clean(string path) => path.Trim().Trim('/');

    /// <summary>With exactly one slash at its end, as mounts and folders are written.</summary>
    public static string Folder(string path) => Clean(path) + "/";
}
