using Mayfly.Crypto;

namespace Mayfly.Core.Storage;

/// <summary>A decrypted record. Whoever receives it disposes it, which clears the plaintext.</summary>
public sealed class Entry(SecretBytes value, long version, long? due) : IDisposable
{
    /// <summary>The plaintext.</summary>
    public SecretBytes Value { get; } = value;

    /// <summary>What to expect in the precondition of a write that depends on this read.</summary>
    public long Version { get; } = version;

    /// <summary>When something is to happen to the record (Unix time in milliseconds), or null.</summary>
    public long? Due { get; } = due;

    public void Dispose() => Value.Dispose();
}
