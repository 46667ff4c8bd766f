using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Mayfly.Agent.Run;

/// <summary>
/// A file in memory alone, without a name, that a program which is started gets by its descriptor: neither on a disk nor in the
/// environment.
/// </summary>
internal sealed partial class MemoryFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    private MemoryFile(SafeFileHandle handle) => _handle = handle;

    /// <summary>Where the program finds it.</summary>
    public string Path => $"/dev/fd/{(int)_handle.DangerousGetHandle()}";

    /// <exception cref="AgentException">The kernel refuses.</exception>
    public static MemoryFile Of(string content) => Of(Encoding.UTF8.GetBytes(content));

    /// <exception cref="AgentException">The kernel refuses.</exception>
    public static MemoryFile Of(ReadOnlySpan<byte> content)
    {
        // Without the flag that closes it when a program is started.
        var descriptor = memfd_create("secret", 0);
        if (descriptor < 0)
        {
            throw new AgentException($"there is no file in memory to be had: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        RandomAccess.Write(handle, content, 0);
        return new MemoryFile(handle);
    }

    public void Dispose() => _handle.Dispose();

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int memfd_create(string name, uint flags);
}
