using System.Security.Cryptography;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Seal;

/// <summary>
/// Gathers shares until there are enough. Only genuine shares are taken, so a wrong one neither counts nor spoils what others
/// brought. Not safe for concurrent use.
/// </summary>
internal sealed class ShareCollector(string clusterId, ShareHolders holders) : IDisposable
{
    private readonly Dictionary<int, SecretBytes> _shares = [];

    public int Progress => _shares.Count;

    public int Required => holders.Threshold;

    public bool Complete => _shares.Count >= holders.Threshold;

    /// <summary>Whether <paramref name="text"/> is one of the shares.</summary>
    public bool Knows(string text)
    {
        if (!KeyText.TryParse(text, out var share))
        {
            return false;
        }

        using (share)
        {
            return Find(share) >= 0;
        }
    }

    /// <summary>Takes a share. The same one twice counts once.</summary>
    /// <returns>Why it was not taken, or null.</returns>
    public Fault? Add(string text)
    {
        if (text.Length == 0)
        {
            return Fault.Invalid("'key' must be specified: one key share, in hexadecimal or base64");
        }

        if (!KeyText.TryParse(text, out var share))
        {
            return Fault.Invalid("'key' must be a key share in hexadecimal or base64");
        }

        var place = Find(share);
        if (place < 0)
        {
            share.Dispose();
            return Fault.Invalid("the key is not a share of this server's current keys; it was not counted");
        }

        if (!_shares.TryAdd(place, share))
        {
            share.Dispose();
        }

        return null;
    }

    /// <summary>The key that the shares recover, the caller's to dispose; the shares are cleared.</summary>
    public SecretBytes Take()
    {
        var shares = _shares.Values.ToList();
        var key = holders.Count == 1 ? SecretBytes.CopyOf(shares[0].Span) : Shamir.Combine(shares);
        Clear();
        return key;
    }

    public void Clear()
    {
        foreach (var share in _shares.Values)
        {
            share.Dispose();
        }

        _shares.Clear();
    }

    public void Dispose() => Clear();

    private int Find(SecretBytes share)
    {
        var digest = KeyShares.Digest(clusterId, share.Span);
        var found = -1;
        for (var i = 0; i < holders.Digests.Count; i++)
        {
            if (CryptographicOperations.FixedTimeEquals(holders.Digests[i], digest))
            {
                found = i;
            }
        }

        return found;
    }
}
