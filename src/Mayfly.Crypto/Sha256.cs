using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Mayfly.Crypto;

/// <summary>
/// SHA-256 for short inputs on hot paths: OpenSSL's own functions without the look-up of the algorithm that the
/// framework's one-shot form pays for at each call. Where the library lacks them, the framework computes the same.
/// </summary>
public static partial class Sha256
{
    /// <summary>Bytes of a hash.</summary>
    public const int Size = 32;

    internal const string Library = "libcrypto.so.3";

    internal static readonly bool IsNative = HasFunctions();

    /// <summary>The hash of <paramref name="data"/>.</summary>
    public static void HashData(ReadOnlySpan<byte> data, Span<byte> hash)
    {
        if (!IsNative)
        {
            SHA256.HashData(data, hash);
            return;
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(hash.Length, Size);
        var state = default(State);
        Init(ref state);
        Update(ref state, ref MemoryMarshal.GetReference(data), (nuint)data.Length);
        Final(ref MemoryMarshal.GetReference(hash), ref state);
    }

    private static bool HasFunctions() =>
        OperatingSystem.IsLinux()
        && NativeLibrary.TryLoad(Library, Assembly.GetExecutingAssembly(), null, out var library)
        && NativeLibrary.TryGetExport(library, "SHA256_Init", out _)
        && NativeLibrary.TryGetExport(library, "SHA256_Update", out _)
        && NativeLibrary.TryGetExport(library, "SHA256_Final", out _);

    // They neither block nor call back, and the inputs here are short: no transition of the garbage collector is needed.
    [LibraryImport(Library, EntryPoint = "SHA256_Init")]
    [SuppressGCTransition]
    internal static partial int Init(ref State state);

    [LibraryImport(Library, EntryPoint = "SHA256_Update")]
    internal static partial int Update(ref State state, ref byte data, nuint length);

    [LibraryImport(Library, EntryPoint = "SHA256_Final")]
    [SuppressGCTransition]
    internal static partial int Final(ref byte hash, ref State state);

    /// <summary>OpenSSL's SHA256_CTX (openssl/sha.h): 112 bytes, with no pointers in it, so that copies are states of their own.</summary>
    [InlineArray(28)]
    internal struct State
    {
        private uint _word;
    }
}
