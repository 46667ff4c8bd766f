using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Mayfly.Agent.Files;

/// <summary>
/// Files that are there whole or not at all: written beside their place under a name of their own, and renamed. Whoever has
/// the old one open keeps it; two writers never mix; a failure leaves the old one, and nothing beside it.
/// </summary>
internal static partial class AtomicFile
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Replaces or makes <paramref name="path"/>.</summary>
    /// <param name="path">Where. When it is a link, what it points to is replaced.</param>
    /// <param name="content">The whole content.</param>
    /// <param name="mode">Permissions; null for those of the file that is there, or 0600.</param>
    /// <param name="owner">Name or number; "" leaves it.</param>
    /// <param name="group">Name or number; "" leaves it.</param>
    /// <exception cref="IOException">It cannot be written: read-only, full, no such folder or owner.</exception>
    /// <exception cref="UnauthorizedAccessException">Writing is not permitted.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode? mode, string owner, string group)
    {
        path = Target(Path.GetFullPath(path));
        var next = Path.Combine(
            Path.GetDirectoryName(path) ?? "/",
            $".{Path.GetFileName(path)}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}.tmp"
        );
        try
        {
            // Nobody else may read it before its owner and its permissions are what they shall be.
            using (
                var file = File.OpenHandle(
                    next,
                    FileMode.CreateNew,
                    FileAccess.Write,
                    FileShare.None,
                    FileOptions.None,
                    content.Length
                )
            )
            {
                File.SetUnixFileMode(file, Private);
                RandomAccess.Write(file, content, 0);
                FileOwner.Set(file, path, owner, group);
                File.SetUnixFileMode(file, mode ?? Existing(path) ?? Private);
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

    /// <summary>The file behind links, so that a link stays one.</summary>
    private static string Target(string path)
    {
        var file = new FileInfo(path);
        return file.LinkTarget is null ? path : file.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path;
    }

    private static UnixFileMode? Existing(string path) => File.Exists(path) ? File.GetUnixFileMode(path) : null;

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
