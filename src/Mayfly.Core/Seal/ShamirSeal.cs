using System.Security.Cryptography;
using Mayfly.Crypto;

namespace Mayfly.Core.Seal;

/// <summary>
/// The seal whose key exists only while enough people have brought their shares together. The same construction holds the
/// recovery keys of other seals.
/// </summary>
internal sealed class ShamirSeal : ISeal
{
    public const string Name = "shamir";

    private readonly SecretBytes _key;

    /// <summary>Takes <paramref name="key"/> over.</summary>
    public ShamirSeal(SecretBytes key)
    {
        _key = key;
        KeyId = SealKey.Id(key.Span);
    }

    public string Type => Name;

    public string KeyId { get; }

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
}

/// <summary>What the keys of seals have in common.</summary>
internal static class SealKey
{
    public const int Size = 32;

    /// <summary>A name for a key: a keyed hash of a constant, from which the key cannot be found.</summary>
    public static string Id(ReadOnlySpan<byte> key) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, "mayfly seal key id"u8).AsSpan(0, 8));
}
