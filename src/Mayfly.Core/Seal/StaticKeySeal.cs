using System.Buffers.Text;
using System.Security.Cryptography;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Seal;

/// <summary>The seal whose key stands in a file, for a server that starts unattended.</summary>
public sealed class StaticKeySeal : ISeal
{
    public const string Name = "static";

    private const int LargestFile = 1024;

    private readonly SecretBytes _key;

    private StaticKeySeal(SecretBytes key)
    {
        _key = key;
        KeyId = SealKey.Id(key.Span);
    }

    public string Type => Name;

    public string KeyId { get; }

    /// <summary>Reads the key: 32 raw bytes, or the same as hexadecimal or base64 text.</summary>
    /// <returns>The seal, or the reason why the file will not do.</returns>
    public static (StaticKeySeal? Seal, Fault? Fault) Load(string path)
    {
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                const UnixFileMode Others =
                    UnixFileMode.GroupRead
                    | UnixFileMode.GroupWrite
                    | UnixFileMode.GroupExecute
                    | UnixFileMode.OtherRead
                    | UnixFileMode.OtherWrite
                    | UnixFileMode.OtherExecute;
                if ((File.GetUnixFileMode(path) & Others) != UnixFileMode.None)
                {
                    return (
                        null,
                        Fault.Invalid($"the seal key file {path} is open to other users; run chmod 600 on it")
                    );
                }
            }

            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            if (file.Length > LargestFile)
            {
                return (null, Fault.Invalid($"the seal key file {path} is too large: {Expected}"));
            }

            using var content = SecretBytes.Rent((int)file.Length);
            file.ReadExactly(content.Span);
            return Parse(content.Span) is { } key
                ? (new StaticKeySeal(key), null)
                : (null, Fault.Invalid($"the seal key file {path} does not hold a key: {Expected}"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, Fault.Unavailable($"the seal key file {path} cannot be read: {e.Message}"));
        }
    }

    public ValueTask<byte[]> WrapAsync(
        SecretBytes rootKey,
        ReadOnlyMemory<byte> context,
        CancellationToken cancellation
    ) => new(KeyWrap.Wrap(_key.Span, context.Span, rootKey.Span));

    public ValueTask<SecretBytes?> UnwrapAsync(
        ReadOnlyMemory<byte> wrapped,
        ReadOnlyMemory<byte> context,
        CancellationToken cancellation
    ) => new(KeyWrap.Unwrap(_key.Span, context.Span, wrapped.Span));

    public void Dispose() => _key.Dispose();

    private const string Expected = "expected 32 raw bytes, 64 hexadecimal digits, or 44 characters of base64";

    /// <summary>Exactly 32 bytes are a raw key; no text form has that length.</summary>
    private static SecretBytes? Parse(ReadOnlySpan<byte> content)
    {
        if (content.Length == SealKey.Size)
        {
            return SecretBytes.CopyOf(content);
        }

        return KeyText.TryParse(content.Trim(" \t\r\n"u8), out var key) && key.Length == SealKey.Size ? key : null;
    }
}
