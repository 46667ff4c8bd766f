using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mayfly.Hosting.Files;

/// <summary>Owners and groups of files, by name or number.</summary>
internal static partial class FileOwner
{
    private const int Unchanged = -1;

    /// <summary>Gives an open file to others; "" leaves what is.</summary>
    /// <exception cref="IOException">There is no such user or group, or it is not permitted.</exception>
    public static void Set(SafeFileHandle file, string path, string owner, string group)
    {
        if (owner.Length + group.Length > 0 && fchown(file, User(owner), Group(group)) != 0)
        {
            throw Failed(path, owner, group);
        }
    }

    /// <inheritdoc cref="Set(SafeFileHandle, string, string, string)"/>
    public static void Set(string path, string owner, string group)
    {
        if (owner.Length + group.Length > 0 && chown(path, User(owner), Group(group)) != 0)
        {
            throw Failed(path, owner, group);
        }
    }

    /// <summary>Whether that is the number of <paramref name="owner"/>, who is somebody.</summary>
    public static bool Is(uint number, string owner) => owner.Length > 0 && User(owner) == (int)number;

    /// <summary>Whether that is the number of <paramref name="group"/>, which is one.</summary>
    public static bool IsGroup(uint number, string group) => group.Length > 0 && Group(group) == (int)number;

    private static IOException Failed(string path, string owner, string group) =>
        new($"{path} cannot be given to {owner}:{group}: {Marshal.GetLastPInvokeErrorMessage()}");

    private static int User(string name) => Number(name, "/etc/passwd");

    private static int Group(string name) => Number(name, "/etc/group");

    private static int Number(string name, string database)
    {
        if (name.Length == 0)
        {
            return Unchanged;
        }

        if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        var line = File.ReadLines(database)
            .FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.Ordinal));
        return line is null
            ? throw new IOException($"there is no '{name}' in {database}")
            : int.Parse(line.Split(':')[2], NumberStyles.None, CultureInfo.InvariantCulture);
    }

    [LibraryImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int fchown(SafeFileHandle file, int owner, int group);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int chown(string path, int owner, int group);
}
