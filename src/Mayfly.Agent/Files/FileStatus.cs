using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Mayfly.Agent.Files;

/// <summary>What a file is, and whose: .NET tells no owners.</summary>
/// <param name="Owner">The number of its user.</param>
/// <param name="Group">The number of its group.</param>
/// <param name="Mode">Kind and permissions.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly partial record struct FileStatus(uint Owner, uint Group, int Mode)
{
    private const int WorkingFolder = -100;
    private const int DoNotFollow = 0x100;
    private const uint BasicFields = 0x7FF;
    private const int KindMask = 0xF000;
    private const int Regular = 0x8000;
    private const int Link = 0xA000;

    /// <summary>A file with content: neither a folder, a pipe, a device nor a link.</summary>
    public bool IsRegular => (Mode & KindMask) == Regular;

    public bool IsLink => (Mode & KindMask) == Link;

    /// <summary>It was made by who runs the agent, or by root, who may do everything anyway.</summary>
    public bool IsTrusted => Owner == 0 || Owner == geteuid();

    public UnixFileMode Permissions => (UnixFileMode)(Mode & 0xFFF);

    /// <summary>Of the file itself, or of what it leads to when it is a link; null when there is none, or it may not be seen.</summary>
    public static FileStatus? Of(string path, bool followsLinks = false)
    {
        // The kernel's struct statx, which is the same on all machines.
        Span<byte> status = stackalloc byte[256];
        return statx(WorkingFolder, path, followsLinks ? 0 : DoNotFollow, BasicFields, status) == 0
            ? new FileStatus(
                BinaryPrimitives.ReadUInt32LittleEndian(status[20..]),
                BinaryPrimitives.ReadUInt32LittleEndian(status[24..]),
                BinaryPrimitives.ReadUInt16LittleEndian(status[28..])
            )
            : null;
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int statx(int folder, string path, int flags, uint mask, Span<byte> status);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial uint geteuid();
}
