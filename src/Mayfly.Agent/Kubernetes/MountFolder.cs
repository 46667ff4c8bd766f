namespace Mayfly.Agent.Kubernetes;

/// <summary>Paths inside a container, as annotations give them.</summary>
internal static class MountFolder
{
    // A volume mounted over one of these would hide what every container needs to run.
    private static readonly string[] Taken =
    [
        "/bin",
        "/dev",
        "/etc",
        "/lib",
        "/lib64",
        "/proc",
        "/sbin",
        "/sys",
        "/usr",
    ];

    // What the kernel shows there is no place for files at any depth.
    private static readonly string[] Kernel = ["/dev/", "/proc/", "/sys/"];

    /// <summary>
    /// A path to mount a volume at, without a slash at its end. Null, with what is wrong, when it is relative, climbs with
    /// <c>..</c>, or would hide the system's own folders.
    /// </summary>
    public static string? Absolute(string text, out string? wrong)
    {
        wrong = null;
        if (!text.StartsWith('/') || text.Contains(':', StringComparison.Ordinal) || text.Any(char.IsControl))
        {
            wrong = "must be an absolute path without colons";
            return null;
        }

        if (Segments(text) is not { Length: > 0 } segments)
        {
            wrong = "must be a path below / without . or ..";
            return null;
        }

        var path = "/" + string.Join('/', segments);
        if (Taken.Contains(path) || Array.Exists(Kernel, folder => path.StartsWith(folder, StringComparison.Ordinal)))
        {
            wrong = "must not be a folder of the system";
            return null;
        }

        return path;
    }

    /// <summary>A file's path inside a folder: a slash at its start is the folder's. Null when it climbs or is empty.</summary>
    public static string? Within(string folder, string text, out string? wrong)
    {
        wrong = null;
        if (text.Any(char.IsControl) || text.EndsWith('/') || Segments(text) is not { Length: > 0 } segments)
        {
            wrong = "must be a file's path below the secrets' folder, without . or ..";
            return null;
        }

        return $"{folder}/{string.Join('/', segments)}";
    }

    private static string[]? Segments(string text)
    {
        var segments = text.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return Array.Exists(segments, segment => segment is "." or "..") ? null : segments;
    }
}
