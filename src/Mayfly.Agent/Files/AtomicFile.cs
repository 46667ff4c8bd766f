using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Mayfly.Hosting.Files;
using Microsoft.Win32.SafeHandles;

namespace Mayfly.Agent.Files;

/// <summary>
/// Files that are there whole or not at all: written beside their place under a name of their own, and renamed. Whoever has
/// the old one open keeps it; two writers never mix; a failure leaves the old one, and nothing beside it. What other users have
/// put in the way counts for nothing: neither where their links lead nor what their files permit.
/// </summary>
internal static partial class AtomicFile
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int MostLinks = 40;
    private const int RandomLength = 8;

    /// <summary>A writer that is younger may not have its lock yet, or be about to rename it.</summary>
    private static readonly TimeSpan Youngest = TimeSpan.FromSeconds(1);

    /// <summary>Replaces or makes <paramref name="path"/>.</summary>
    /// <param name="path">Where. When it is a link of the agent's user or of root, what it points to is replaced.</param>
    /// <param name="content">The whole content.</param>
    /// <param name="mode">
    /// Permissions; null for those of the file that is there, when it is the agent's, root's or the owner's, or 0600.
    /// </param>
    /// <param name="owner">Name or number; "" leaves it.</param>
    /// <param name="group">Name or number; "" leaves it.</param>
    /// <exception cref="IOException">It cannot be written: read-only, full, no such folder or owner.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing is not permitted.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode? mode, string owner, string group)
    {
        path = Target(Path.GetFullPath(path));
        RemoveLeftovers(path);
        var next = Path.Combine(
            Path.GetDirectoryName(path) ?? "/",
            $".{Path.GetFileName(path)}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomLength))}.tmp"
        );
        try
        {
            // Nobody else may read it before its owner and its permissions are what they shall be, nor open it to read it later.
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Share = FileShare.None,
                BufferSize = 0,
                PreallocationSize = content.Length,
                UnixCreateMode = Private,
            };
            using (var stream = new FileStream(next, options))
            {
                var file = stream.SafeFileHandle;
                RandomAccess.Write(file, content, 0);
                FileOwner.Set(file, path, owner, group);
                File.SetUnixFileMode(file, mode ?? Existing(path, owner) ?? Private);
                // .NET's own flush does not tell of failures.
                if (fsync(file) != 0)
                {
                    throw new IOException($"{path} cannot be made durable: {Marshal.GetLastPInvokeErrorMessage()}");
                }
            }

            File.Move(next, path, overwrite: true);
        }
        catch
        {
            Remove(next);
            throw;
        }
    }

    /// <summary>What <see cref="Write"/> would replace; null when there is no such file.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Reading is not permitted.</exception>
    public static byte[]? Read(string path)
    {
        path = Target(Path.GetFullPath(path));
        // A pipe would be waited for.
        return FileStatus.Of(path) is { IsRegular: true } ? File.ReadAllBytes(path) : null;
    }

    /// <summary>
    /// Removes what writers have left beside the file that were killed before they were done. What is locked belongs to one that is at
    /// work; it is open, and so locked, until just before it is renamed. One that loses it there all the same writes it again.
    /// </summary>
    private static void RemoveLeftovers(string path)
    {
        var name = Path.GetFileName(path);
        var pattern = $".{name}.{new string('?', 2 * RandomLength)}.tmp";
        try
        {
            foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(path) ?? "/", pattern))
            {
                if (
                    // A name may hold what a pattern takes for anything.
                    Path.GetFileName(file)
                        is var found
                    && found.Length == pattern.Length
                    && found.StartsWith($".{name}.", StringComparison.Ordinal)
                    && FileStatus.Of(file) is { IsRegular: true, IsTrusted: true }
                    && TimeProvider.System.GetUtcNow().UtcDateTime - File.GetLastWriteTimeUtc(file) > Youngest
                )
                {
                    using var left = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.None);
                    File.Delete(file);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Somebody is at work on it, or it cannot be removed; neither hinders the write.
        }
    }

    /// <summary>
    /// The file behind links, so that a link stays one. A link of another user is not followed, and so replaced: it could lead
    /// to a file that the agent may write and that user may not.
    /// </summary>
    private static string Target(string path)
    {
        for (var links = 0; FileStatus.Of(path) is { IsLink: true, IsTrusted: true }; links++)
        {
            if (links == MostLinks || new FileInfo(path).LinkTarget is not { } target)
            {
                throw new IOException($"{path} is a link that leads nowhere");
            }

            path = Path.GetFullPath(target, Path.GetDirectoryName(path) ?? "/");
        }

        return path;
    }

    private static UnixFileMode? Existing(string path, string owner) =>
        FileStatus.Of(path) is { IsRegular: true } status && (status.IsTrusted || FileOwner.Is(status.Owner, owner))
            ? status.Permissions
            : null;

    private static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The reason that is on its way to the caller says more.
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int fsync(SafeFileHandle file);
}
