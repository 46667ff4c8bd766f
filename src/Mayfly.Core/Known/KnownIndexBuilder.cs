using System.Buffers.Binary;
using System.Security.Cryptography;
using Mayfly.Core.Engines;
using Mayfly.Core.Mounts;
using Mayfly.Crypto;
using Mayfly.Crypto.Oprf;

namespace Mayfly.Core.Known;

/// <summary>
/// Makes an index: walks through the engines, and evaluates the function at each text. Evaluating is the work (0.14 ms each),
/// so values are remembered from one index to the next by an HMAC of the text. One index at a time.
/// </summary>
internal sealed class KnownIndexBuilder(KnownKeys keys, int most)
{
    private const int PerRound = 1024;

    private readonly List<(byte[] Text, KnownPlace Place)> _waiting = [];
    private readonly List<KnownPart> _parts = [];
    private readonly ParallelOptions _degree = new()
    {
        // The server has other things to do.
        MaxDegreeOfParallelism = Math.Max(1, Environment.ProcessorCount / 2),
    };

    private Dictionary<UInt128, UInt128> _known = [];
    private Dictionary<UInt128, UInt128> _next = [];
    private bool _complete;

    public async Task<KnownIndex> BuildAsync(MountTable mounts, long change, CancellationToken cancellation)
    {
        _parts.Clear();
        _waiting.Clear();
        _next = [];
        _complete = true;
        foreach (var (mount, engine) in mounts.All)
        {
            if (engine is IHoldsSecrets holder)
            {
                await holder.VisitAsync((secret, json) => Add(mount, secret, json, cancellation), cancellation);
                Evaluate(cancellation);
            }
        }

        _known = _next;
        _next = [];
        return new KnownIndex([.. _parts], change, mounts, _complete);
    }

    private void Add(Mount mount, HeldSecret secret, ReadOnlySpan<byte> json, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var place = new KnownPlace(mount.Path, secret);
        SecretParts.OfJson(
            json,
            part =>
            {
                if (_parts.Count + _waiting.Count >= most)
                {
                    _complete = false;
                    return;
                }

                _waiting.Add((part.ToArray(), place));
            }
        );
        if (_waiting.Count >= PerRound)
        {
            Evaluate(cancellation);
        }
    }

    /// <summary>Evaluates what waits, and overwrites it.</summary>
    private void Evaluate(CancellationToken cancellation)
    {
        var digests = new UInt128[_waiting.Count];
        var values = new UInt128[_waiting.Count];
        _degree.CancellationToken = cancellation;
        try
        {
            Parallel.For(
                0,
                _waiting.Count,
                _degree,
                i =>
                {
                    Span<byte> hash = stackalloc byte[ObliviousPrf.OutputSize];
                    keys.Memory.HashData(_waiting[i].Text, hash);
                    digests[i] = BinaryPrimitives.ReadUInt128BigEndian(hash);
                    if (!_known.TryGetValue(digests[i], out values[i]))
                    {
                        keys.Function.Evaluate(_waiting[i].Text, hash);
                        values[i] = BinaryPrimitives.ReadUInt128BigEndian(hash);
                    }
                }
            );
            for (var i = 0; i < _waiting.Count; i++)
            {
                _next[digests[i]] = values[i];
                _parts.Add(new KnownPart(values[i], keys.Filter(_waiting[i].Text), _waiting[i].Place));
            }
        }
        finally
        {
            _waiting.ForEach(each => CryptographicOperations.ZeroMemory(each.Text));
            _waiting.Clear();
        }
    }
}
