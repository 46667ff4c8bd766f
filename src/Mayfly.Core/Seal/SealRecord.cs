using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Mayfly.Core.Storage;

namespace Mayfly.Core.Seal;

/// <summary>
/// How the root key is kept, as stored in clear: it holds no secret, only the root key wrapped by each of its holders. Any one
/// holder alone opens the vault, so losing one does not lose the data. Immutable.
/// </summary>
internal sealed record SealRecord
{
    private const int CurrentFormat = 1;
    private const string Damaged = "The seal configuration (core/seal) is damaged; restore it from a backup.";

    public int Format { get; init; } = CurrentFormat;

    /// <summary>Names the vault; everything wrapped is bound to it.</summary>
    public required string ClusterId { get; init; }

    /// <summary>The people: their shares are unseal keys, or recovery keys when there is an automatic seal.</summary>
    public required ShareHolders People { get; init; }

    /// <summary>The seal that opens without people, or null.</summary>
    public AutomaticHolder? Automatic { get; init; }

    [JsonIgnore]
    public string Type => Automatic?.Type ?? ShamirSeal.Name;

    /// <summary>JSON after its SHA-256, which finds damage; against forgery, the wrapped keys are bound to what is in it.</summary>
    public byte[] ToBytes()
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(this, SealJson.Default.SealRecord);
        return [.. SHA256.HashData(json), .. json];
    }

    /// <exception cref="StoreCorruptException">It is not one.</exception>
    public static SealRecord Parse(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        if (bytes.Length <= hash.Length)
        {
            throw new StoreCorruptException(Damaged);
        }

        var json = bytes[hash.Length..];
        SHA256.HashData(json, hash);
        if (!CryptographicOperations.FixedTimeEquals(hash, bytes[..hash.Length]))
        {
            throw new StoreCorruptException(Damaged);
        }

        try
        {
            var record = JsonSerializer.Deserialize(json, SealJson.Default.SealRecord);
            return record is { Format: CurrentFormat }
                ? record
                : throw new StoreCorruptException("The seal configuration (core/seal) is of a newer format.");
        }
        catch (JsonException e)
        {
            throw new StoreCorruptException(Damaged, e);
        }
    }

    /// <summary>
    /// What the root key is bound to when it is wrapped for the people: so none of the clear values can be changed unnoticed.
    /// </summary>
    public static byte[] ContextOf(string clusterId, ShareHolders people)
    {
        var context = new MemoryStream();
        Append(context, "mayfly root key for shares v1"u8);
        Append(context, Encoding.UTF8.GetBytes(clusterId));
        Append(context, [(byte)people.Threshold, (byte)people.Count]);
        foreach (var digest in people.Digests)
        {
            Append(context, digest);
        }

        return context.ToArray();
    }

    /// <inheritdoc cref="ContextOf(string, ShareHolders)"/>
    public static byte[] ContextOf(string clusterId, string type, string keyId)
    {
        var context = new MemoryStream();
        Append(context, "mayfly root key for a seal v1"u8);
        Append(context, Encoding.UTF8.GetBytes(clusterId));
        Append(context, Encoding.UTF8.GetBytes(type));
        Append(context, Encoding.UTF8.GetBytes(keyId));
        return context.ToArray();
    }

    private static void Append(MemoryStream context, ReadOnlySpan<byte> part)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, part.Length);
        context.Write(length);
        context.Write(part);
    }
}

/// <summary>A set of key shares. Immutable.</summary>
/// <param name="Threshold">How many of them open.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Digests">
/// A hash of each share, in no order that matters: so a wrong share is known at once, and whoever shows one right share is known to
/// hold it. A share is 256 random bits, which no hash gives away.
/// </param>
internal sealed record ShareHolders(int Threshold, int Count, IReadOnlyList<byte[]> Digests)
{
    /// <summary>The root key, wrapped by the key that the shares recover.</summary>
    public byte[] WrappedRootKey { get; init; } = [];
}

/// <summary>The root key wrapped by an automatic seal. Immutable.</summary>
internal sealed record AutomaticHolder(string Type, string KeyId, byte[] WrappedRootKey);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SealRecord))]
internal sealed partial class SealJson : JsonSerializerContext;
