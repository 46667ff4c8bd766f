using Mayfly.Crypto;
using Mayfly.Crypto.Oprf;

namespace Mayfly.Core.Known;

/// <summary>The keys of the comparison, which belong to the vault and stay the same. Safe for concurrent use.</summary>
internal sealed class KnownKeys : IDisposable
{
    private readonly SecretBytes _filter;

    public KnownKeys(Keyring keyring)
    {
        using var seed = keyring.DeriveKey("known-secrets/function");
        using var memory = keyring.DeriveKey("known-secrets/memory");
        using var filter = keyring.DeriveKey("known-secrets/filter");
        Function = ObliviousPrfKey.Derive(seed.Span, "mayfly known secrets"u8);
        Memory = new HmacSha256(memory.Span);
        _filter = SecretBytes.CopyOf(filter.Span[..SipHash.KeySize]);
    }

    /// <summary>Never leaves the server.</summary>
    public ObliviousPrfKey Function { get; }

    /// <summary>Never leaves the server.</summary>
    public HmacSha256 Memory { get; }

    /// <summary>Goes to whoever may scan.</summary>
    public ReadOnlySpan<byte> FilterKey => _filter.Span;

    public ulong Filter(ReadOnlySpan<byte> text) => SipHash.Hash(_filter.Span, text);

    public void Dispose()
    {
        Function.Dispose();
        Memory.Dispose();
        _filter.Dispose();
    }
}
