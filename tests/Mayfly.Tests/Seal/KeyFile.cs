using Mayfly.Core.Pipeline;
using Mayfly.Core.Seal;

namespace Mayfly.Tests.Seal;

/// <summary>Seals from key files that exist for a moment.</summary>
internal static class KeyFile
{
    public static StaticKeySeal Load(byte[] content)
    {
        var (seal, fault) = TryLoad(content, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Null(fault);
        return seal!;
    }

    public static (StaticKeySeal? Seal, Fault? Fault) TryLoad(byte[] content, UnixFileMode mode)
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        File.WriteAllBytes(path, content);
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, mode);
            }

            return StaticKeySeal.Load(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
