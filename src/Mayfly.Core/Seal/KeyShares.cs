using System.Security.Cryptography;
using System.Text;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Seal;

/// <summary>A key and the shares that recover it, at the one moment when they exist together.</summary>
internal sealed class KeyShares : IDisposable
{
    private KeyShares(SecretBytes key, IReadOnlyList<SecretBytes> shares, ShareHolders holders)
    {
        Key = key;
        Shares = shares;
        Holders = holders;
    }

    public SecretBytes Key { get; }

    public IReadOnlyList<SecretBytes> Shares { get; }

    /// <summary>What is stored about them.</summary>
    public ShareHolders Holders { get; }

    /// <summary>A fresh key in fresh shares. A single share is the key itself, as in Vault.</summary>
    public static KeyShares Generate(string clusterId, int count, int threshold)
    {
        var key = SecretBytes.Random(SealKey.Size);
        var shares = count == 1 ? [SecretBytes.CopyOf(key.Span)] : Shamir.Split(key.Span, count, threshold);
        var digests = shares.Select(share => Digest(clusterId, share.Span)).ToArray();
        return new KeyShares(key, shares, new ShareHolders(threshold, count, digests));
    }

    /// <summary>What is wrong with the numbers, or null.</summary>
    public static Fault? Check(long count, long threshold, string sharesField, string thresholdField)
    {
        if (count < 1)
        {
            return Fault.Invalid($"invalid seal configuration: {sharesField} must be at least one");
        }

        if (count > Shamir.MaxShares)
        {
            return Fault.Invalid($"invalid seal configuration: {sharesField} must be at most {Shamir.MaxShares}");
        }

        if (threshold < 1)
        {
            return Fault.Invalid($"invalid seal configuration: {thresholdField} must be at least one");
        }

        if (threshold > count)
        {
            return Fault.Invalid($"invalid seal configuration: {thresholdField} cannot be larger than {sharesField}");
        }

        return threshold == 1 && count > 1
            ? Fault.Invalid(
                $"invalid seal configuration: {thresholdField} must be greater than one for multiple shares"
            )
            : null;
    }

    /// <summary>The hash by which a share is recognised; bound to the vault.</summary>
    public static byte[] Digest(string clusterId, ReadOnlySpan<byte> share)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("mayfly key share v1"u8);
        hash.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(clusterId)));
        hash.AppendData(share);
        return hash.GetHashAndReset();
    }

    public void Dispose()
    {
        Key.Dispose();
        foreach (var share in Shares)
        {
            share.Dispose();
        }
    }
}
