using System.Buffers.Binary;
using System.Numerics;
using System.Text.Json;
using Mayfly.Core.Known;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;
using Mayfly.Crypto.Oprf;

namespace Mayfly.Core.Sys;

/// <summary>
/// <c>sys/known</c>: compares texts with the secrets of the vault, without either side showing the other what it has. The
/// protocol is in docs/decisions/0210.
/// </summary>
internal sealed class KnownPaths(KnownSecrets known, KnownBudget budget)
{
    /// <summary>Elements in one request: less than a tenth of a second of work.</summary>
    private const int BatchSize = 1024;

    private const int ValueSize = 16;

    /// <summary>One text in so many (as a power of two) passes the filter by chance.</summary>
    private const int FilterBits = 10;

    /// <summary>Who waits longer asks again; the index is being made meanwhile.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly FieldSpec Prefix = new(
        "prefix",
        FieldType.String,
        "Only secrets whose paths begin with this, such as secret/data/shop/. Leaves out those whose names the caller may not see."
    );

    public IEnumerable<PathEntry> Entries =>
        [
            new("known/session")
            {
                Help =
                    "Begins a comparison: gives a filter that few other texts pass than the secrets that the caller may know, "
                    + "and the values of an oblivious function at these secrets.",
                Fields = [Prefix],
                Write = BeginAsync,
            },
            new("known/evaluate")
            {
                Help = "Evaluates the oblivious function at blinded texts: OPRF(P-256, SHA-256) of RFC 9497.",
                Fields =
                [
                    new(
                        "elements",
                        FieldType.String,
                        $"Base64 of up to {BatchSize} compressed points, one after the other."
                    )
                    {
                        Required = true,
                    },
                ],
                Write = (request, _) => new(Evaluate(request)),
            },
            new("known/lookup")
            {
                Help =
                    "Tells which secrets values of the function belong to, as far as the caller may know their names.",
                Fields =
                [
                    new(
                        "values",
                        FieldType.String,
                        $"Base64 of up to {BatchSize} values of 16 bytes, one after the other."
                    )
                    {
                        Required = true,
                    },
                ],
                Write = LookUpAsync,
            },
            new("known/secrets/{path*}")
            {
                Help =
                    "Tells how many texts of a secret can be looked for. The right to read this path is the right to look for the secret.",
                Fields = [new("path", FieldType.String, "The secret's path, such as secret/data/shop/db.")],
                Read = CountAsync,
            },
        ];

    private async ValueTask<Outcome> BeginAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var (index, fault) = await IndexAsync(cancellation);
        if (index is null)
        {
            return fault!;
        }

        var prefix = request.Fields.String("prefix").TrimStart('/');
        var acl = request.Caller.Acl;
        var values = new List<UInt128>();
        var hashes = new List<ulong>();
        KnownPlace? place = null;
        var allowed = false;
        var nameless = false;
        foreach (var part in index.Parts)
        {
            if (!ReferenceEquals(part.Place, place))
            {
                place = part.Place;
                allowed = place.MayBeKnownBy(acl);
            }

            if (!allowed)
            {
                continue;
            }

            // The filter is of all that the caller may know: narrower ones would tell more of each secret (0210).
            hashes.Add(part.Filter);
            if (prefix.Length > 0 && !place!.MayBeNamedTo(acl))
            {
                // Whoever may not see a name must not be able to find it letter by letter.
                nameless = true;
            }
            else if (
                place!.Path.StartsWith(prefix, StringComparison.Ordinal)
                && (values.Count == 0 || values[^1] != part.Value)
            )
            {
                values.Add(part.Value);
            }
        }

        var response = Begin(index, hashes, values);
        if (nameless)
        {
            response.Warnings.Add(
                "the prefix leaves out all secrets whose names this token may not see, whether they begin with it or not"
            );
        }

        return response;
    }

    private Response Begin(KnownIndex index, List<ulong> hashes, List<UInt128> values)
    {
        var bits = Math.Min(32, BitOperations.Log2((uint)Math.Max(1, hashes.Count) * 2 - 1) + FilterBits);
        var shortened = hashes.Select(hash => (uint)(hash >> (64 - bits))).Distinct().Order().ToList();
        var filter = new byte[shortened.Count * sizeof(uint)];
        for (var i = 0; i < shortened.Count; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(filter.AsSpan(i * sizeof(uint)), shortened[i]);
        }

        var outputs = new byte[values.Count * ValueSize];
        for (var i = 0; i < values.Count; i++)
        {
            BinaryPrimitives.WriteUInt128BigEndian(outputs.AsSpan(i * ValueSize), values[i]);
        }

        var response = Response.Object(json =>
        {
            json.WriteString("suite", ObliviousPrf.Suite);
            json.WriteNumber("batch_size", BatchSize);
            json.WriteBase64String("filter_key", known.Keys.FilterKey);
            json.WriteNumber("filter_bits", bits);
            json.WriteBase64String("filter", filter);
            json.WriteBase64String("values", outputs);
        });
        if (!index.IsComplete)
        {
            response.Warnings.Add("this server has more secrets than can be compared at once; some cannot be found");
        }

        return response;
    }

    private Outcome Evaluate(AuthorizedRequest request)
    {
        var (elements, fault) = Items(request.Fields.String("elements"), "elements", ObliviousPrf.ElementSize);
        if (elements is null)
        {
            return fault!;
        }

        if (Unsupported() is { } unsupported)
        {
            return unsupported;
        }

        var count = elements.Length / ObliviousPrf.ElementSize;
        if (budget.Take(request.GrantingPolicies, count) is { } wait)
        {
            return Fault.Throttled(
                $"these policies may compare {KnownBudget.PerHour} candidates in an hour, and have",
                wait
            );
        }

        var evaluated = new byte[elements.Length];
        for (var i = 0; i < count; i++)
        {
            var at = i * ObliviousPrf.ElementSize;
            var element = elements.AsSpan(at, ObliviousPrf.ElementSize);
            if (!known.Keys.Function.TryEvaluateBlinded(element, evaluated.AsSpan(at)))
            {
                return Fault.Invalid($"elements: number {i + 1} is no compressed point of P-256");
            }
        }

        return Response.Object(json => json.WriteBase64String("elements", evaluated));
    }

    private async ValueTask<Outcome> LookUpAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var (values, invalid) = Items(request.Fields.String("values"), "values", ValueSize);
        if (values is null)
        {
            return invalid!;
        }

        var (index, fault) = await IndexAsync(cancellation);
        return index is null
            ? fault!
            : Response.Object(json =>
            {
                json.WriteStartArray("secrets");
                // Each value once: many secrets may have it, and their names shall not be written out for every time it is sent.
                var written = new HashSet<UInt128>();
                for (var at = 0; at < values.Length; at += ValueSize)
                {
                    var value = values.AsSpan(at, ValueSize);
                    if (written.Add(BinaryPrimitives.ReadUInt128BigEndian(value)))
                    {
                        Write(json, index, value, request.Caller.Acl);
                    }
                }

                json.WriteEndArray();
            });
    }

    private static void Write(Utf8JsonWriter json, KnownIndex index, ReadOnlySpan<byte> value, Acl acl)
    {
        foreach (var place in index.Find(BinaryPrimitives.ReadUInt128BigEndian(value)).Select(part => part.Place))
        {
            if (!place.MayBeKnownBy(acl))
            {
                continue;
            }

            json.WriteStartObject();
            json.WriteBase64String("value", value);
            json.WriteBoolean("current", place.Secret.IsCurrent);
            if (place.MayBeNamedTo(acl))
            {
                json.WriteString("path", place.Path);
                json.WriteString("version", place.Secret.Version);
            }

            json.WriteEndObject();
        }
    }

    private async ValueTask<Outcome> CountAsync(AuthorizedRequest request, CancellationToken cancellation)
    {
        var (index, fault) = await IndexAsync(cancellation);
        if (index is null)
        {
            return fault!;
        }

        var path = request.Fields.String("path");
        var parts = index.Parts.Where(part => part.Place.Path == path).ToList();
        return parts.Count == 0
            ? Fault.NotFound()
            : Response.Object(json =>
            {
                json.WriteNumber("values", parts.Count);
                json.WriteStartArray("versions");
                foreach (var version in parts.Select(part => part.Place.Secret.Version).Distinct().Order())
                {
                    json.WriteStringValue(version);
                }

                json.WriteEndArray();
            });
    }

    private async ValueTask<(KnownIndex? Index, Fault? Fault)> IndexAsync(CancellationToken cancellation)
    {
        if (Unsupported() is { } unsupported)
        {
            return (null, unsupported);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            return (await known.IndexAsync(limit.Token), null);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return (
                null,
                Fault.Unavailable("the secrets of this server are being prepared for comparison; ask again") with
                {
                    RetryAfter = TimeSpan.FromSeconds(5),
                }
            );
        }
    }

    private static Fault? Unsupported() =>
        ObliviousPrf.IsSupported
            ? null
            : Fault.Unsupported("comparing secrets needs OpenSSL 3 (libcrypto.so.3) on the server");

    /// <summary>Bytes of whole items, at least one and at most a batch.</summary>
    private static (byte[]? Items, Fault? Fault) Items(string text, string field, int size)
    {
        var bytes = new byte[text.Length / 4 * 3 + 3];
        return text.Length > BatchSize * 64 ? (null, Fault.Invalid($"{field}: more than {BatchSize} in one request"))
            : !Convert.TryFromBase64String(text, bytes, out var length)
                ? (null, Fault.Invalid($"{field}: expected base64"))
            : length == 0 || length % size != 0
                ? (null, Fault.Invalid($"{field}: expected items of {size} bytes, one after the other"))
            : length / size > BatchSize ? (null, Fault.Invalid($"{field}: more than {BatchSize} in one request"))
            : (bytes[..length], null);
    }
}
