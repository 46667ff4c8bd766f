using System.Runtime.InteropServices;

namespace Mayfly.Cli;

/// <summary>Writes to a file descriptor, and does nothing else.</summary>
/// <remarks>
/// The console's own streams set the terminal up at the first write (reading terminfo, sending it control sequences); a
/// <see cref="FileStream"/> keeps a position of its own, so that two programs that share a redirected output would
/// overwrite each other.
/// </remarks>
internal sealed class DescriptorStream(int descriptor) : Stream
{
    private const int Interrupted = 4;
    private const int TryAgain = 11;
    private const short Writable = 4;
    private const int MillisecondsToWait = 60_000;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        while (count > 0)
        {
            var written = WriteOnce(descriptor, ref buffer[offset], count);
            if (written >= 0)
            {
                offset += (int)written;
                count -= (int)written;
                continue;
            }

            var error = Marshal.GetLastPInvokeError();
            if (error == TryAgain)
            {
                // A terminal that another program has left non-blocking.
                var wanted = new PollRequest { Descriptor = descriptor, Events = Writable };
                if (Poll(ref wanted, 1, MillisecondsToWait) == 0)
                {
                    throw new IOException("cannot write: the other end takes nothing");
                }
            }
            else if (error != Interrupted)
            {
                throw new IOException($"cannot write: {Marshal.GetPInvokeErrorMessage(error)}");
            }
        }
    }

    public override void Flush() { }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

#pragma warning disable SYSLIB1054 // The generated marshalling needs unsafe code; two calls do not.
    [DllImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint WriteOnce(int descriptor, ref byte first, nint count);

    [DllImport("libc", EntryPoint = "poll")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Poll(ref PollRequest request, nuint count, int milliseconds);
#pragma warning restore SYSLIB1054

    [StructLayout(LayoutKind.Sequential)]
    private struct PollRequest
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
