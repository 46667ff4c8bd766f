using System.Buffers.Binary;

namespace Mayfly.Core.Engines.Kv;

/// <summary>The engine's settings, which apply to each key that has none of its own. Immutable.</summary>
internal sealed record KvConfig
{
    private const byte Format = 1;
    private const int Size = 14;

    public static KvConfig Default { get; } = new();

    /// <summary>0 for the default.</summary>
    public int MaxVersions { get; init; }

    public bool CasRequired { get; init; }

    public bool MetadataCasRequired { get; init; }

    /// <summary>Zero when not set; negative when it is off for all keys.</summary>
    public TimeSpan DeleteAfter { get; init; }

    public static KvConfig Decode(ReadOnlySpan<byte> bytes) =>
        new()
        {
            CasRequired = (bytes[1] & 1) != 0,
            MetadataCasRequired = (bytes[1] & 2) != 0,
            MaxVersions = BinaryPrimitives.ReadInt32LittleEndian(bytes[2..]),
            DeleteAfter = new TimeSpan(BinaryPrimitives.ReadInt64LittleEndian(bytes[6..])),
        };

    public byte[] Encode()
    {
        var bytes = new byte[Size];
        bytes[0] = Format;
        bytes[1] = (byte)((CasRequired ? 1 : 0) | (MetadataCasRequired ? 2 : 0));
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(2), MaxVersions);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(6), DeleteAfter.Ticks);
        return bytes;
    }
}
