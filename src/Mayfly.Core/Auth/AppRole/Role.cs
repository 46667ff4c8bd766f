using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Auth.AppRole;

/// <summary>A role's record. Immutable.</summary>
internal sealed record Role
{
    /// <summary>In lower case.</summary>
    public required string Name { get; init; }

    /// <summary>What a machine shows to say which role it has: no secret, but not public either.</summary>
    public required string RoleId { get; init; }

    /// <summary>Under what its secret-ids are hashed. Another role of the same name has another key.</summary>
    public required byte[] Key { get; init; }

    /// <summary>Where its secret-ids are kept. Another role of the same name has another folder.</summary>
    public required string Folder { get; init; }

    /// <summary>A login needs a secret-id.</summary>
    public bool BindSecretId { get; init; } = true;

    /// <summary>Addresses that may log in; empty means all.</summary>
    public IReadOnlyList<string> SecretIdBoundCidrs { get; init; } = [];

    /// <summary>How many logins a secret-id is good for; zero means without limit.</summary>
    public int SecretIdNumUses { get; init; }

    /// <summary>How long a secret-id lives; zero means without end.</summary>
    public TimeSpan SecretIdTtl { get; init; }

    /// <summary>Kept because clients read it back; there is one cluster only.</summary>
    public bool LocalSecretIds { get; init; }

    public TokenParameters Tokens { get; init; } = new();

    /// <summary>A new role with a fresh key and folder.</summary>
    public static Role Create(string name) =>
        new()
        {
            Name = name,
            RoleId = RandomUuid(),
            Key = RandomNumberGenerator.GetBytes(32),
            Folder = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
        };

    /// <summary>A UUID of version 4: 122 random bits.</summary>
    public static string RandomUuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomNumberGenerator.Fill(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString();
    }

    /// <summary>
    /// The accessor of a secret-id, which is also its address: HMAC-SHA256 under the role's key, cut to 128 bits and
    /// written as a UUID. It neither gives the secret-id, nor lets a guess be tested without the key.
    /// </summary>
    public string AccessorOf(ReadOnlySpan<byte> secretId)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(Key, secretId, hash);
        return new Guid(hash[..16], bigEndian: true).ToString();
    }

    public static Role Read(ReadOnlyMemory<byte> stored)
    {
        using var document = JsonDocument.Parse(stored, Json.DocumentOptions);
        var root = document.RootElement;
        return new Role
        {
            Name = root.GetProperty("name").GetString()!,
            RoleId = root.GetProperty("role_id").GetString()!,
            Key = root.GetProperty("key").GetBytesFromBase64(),
            Folder = root.GetProperty("folder").GetString()!,
            BindSecretId = root.GetProperty("bind_secret_id").GetBoolean(),
            SecretIdBoundCidrs = TokenParameters.Strings(root, "secret_id_bound_cidrs"),
            SecretIdNumUses = root.GetProperty("secret_id_num_uses").GetInt32(),
            SecretIdTtl = TimeSpan.FromSeconds(root.GetProperty("secret_id_ttl").GetInt64()),
            LocalSecretIds = root.GetProperty("local_secret_ids").GetBoolean(),
            Tokens = TokenParameters.ReadFrom(root),
        };
    }

    /// <summary>The record's plaintext; dispose it.</summary>
    public SecretBytes Write()
    {
        var buffer = new SecretBufferWriter();
        using (var writer = new Utf8JsonWriter(buffer, Json.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("name", Name);
            writer.WriteString("role_id", RoleId);
            writer.WriteBase64String("key", Key);
            writer.WriteString("folder", Folder);
            WriteShown(writer);
            writer.WriteEndObject();
        }

        return buffer.Detach();
    }

    /// <summary>What a read of the role shows.</summary>
    public void WriteShown(Utf8JsonWriter writer)
    {
        writer.WriteBoolean("bind_secret_id", BindSecretId);
        writer.WriteBoolean("local_secret_ids", LocalSecretIds);
        TokenParameters.WriteStrings(writer, "secret_id_bound_cidrs", SecretIdBoundCidrs);
        writer.WriteNumber("secret_id_num_uses", SecretIdNumUses);
        writer.WriteNumber("secret_id_ttl", (long)SecretIdTtl.TotalSeconds);
        Tokens.WriteTo(writer);
    }

    /// <summary>Says nothing: the key is in here.</summary>
    public override string ToString() => $"Role({Name})";

    /// <summary>The name of the record of the role that has this role id, which may hold any character.</summary>
    public static string AddressOf(string roleId) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(roleId)));
}
