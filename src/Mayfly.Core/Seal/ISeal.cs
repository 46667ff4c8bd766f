using Mayfly.Crypto;

namespace Mayfly.Core.Seal;

/// <summary>
/// What can wrap the root key and unwrap it again. Every implementation passes <c>SealContract</c> in the tests. Safe for
/// concurrent use.
/// </summary>
public interface ISeal : IDisposable
{
    /// <summary>As in <c>sys/seal-status</c>: <c>shamir</c>, <c>static</c>.</summary>
    string Type { get; }

    /// <summary>Names the key without telling anything about it, so that a wrong one can be told from a damaged record.</summary>
    string KeyId { get; }

    /// <summary>Encrypts the root key, bound to <paramref name="context"/>.</summary>
    ValueTask<byte[]> WrapAsync(SecretBytes rootKey, ReadOnlyMemory<byte> context, CancellationToken cancellation);

    /// <summary>The root key, the caller's to dispose; or null when another key or context wrapped it, or it was changed.</summary>
    ValueTask<SecretBytes?> UnwrapAsync(
        ReadOnlyMemory<byte> wrapped,
        ReadOnlyMemory<byte> context,
        CancellationToken cancellation
    );
}
