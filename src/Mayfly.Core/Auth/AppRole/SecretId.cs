using System.Globalization;
using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Core.Auth.AppRole;

/// <summary>The record of a secret-id, which does not hold the secret-id. Immutable.</summary>
internal sealed record SecretId
{
    /// <summary>How many more logins it is good for; zero means without limit.</summary>
    public int UsesLeft { get; init; }

    /// <summary>How long it was made for; zero means without end.</summary>
    public TimeSpan Ttl { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }

    public DateTimeOffset? ExpiresAt => Ttl == TimeSpan.Zero ? null : CreatedAt + Ttl;

    /// <summary>When it is to be removed, in the store's terms.</summary>
    public long? Due => ExpiresAt?.ToUnixTimeMilliseconds();

    /// <summary>Goes into the tokens that it gives.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = NoMetadata;

    /// <summary>Addresses that may log in with it; empty means all that the role allows.</summary>
    public IReadOnlyList<string> CidrList { get; init; } = [];

    /// <summary>Addresses that its tokens may be used from; empty means what the role says.</summary>
    public IReadOnlyList<string> TokenBoundCidrs { get; init; } = [];

    private static readonly Dictionary<string, string> NoMetadata = [];

    public bool IsExpired(DateTimeOffset now) => ExpiresAt <= now;

    public static SecretId Read(ReadOnlyMemory<byte> stored)
    {
        using var document = JsonDocument.Parse(stored, Json.DocumentOptions);
        var root = document.RootElement;
        return new SecretId
        {
            UsesLeft = root.GetProperty("secret_id_num_uses").GetInt32(),
            Ttl = TimeSpan.FromSeconds(root.GetProperty("secret_id_ttl").GetInt64()),
            CreatedAt = root.GetProperty("creation_time").GetDateTimeOffset(),
            UpdatedAt = root.GetProperty("last_updated_time").GetDateTimeOffset(),
            CidrList = TokenParameters.Strings(root, "cidr_list"),
            TokenBoundCidrs = TokenParameters.Strings(root, "token_bound_cidrs"),
            Metadata = root.GetProperty("metadata")
                .EnumerateObject()
                .ToDictionary(member => member.Name, member => member.Value.GetString()!, StringComparer.Ordinal),
        };
    }

    /// <summary>The record's plaintext; dispose it.</summary>
    public SecretBytes Write()
    {
        var buffer = new SecretBufferWriter();
        using (var writer = new Utf8JsonWriter(buffer, Json.WriterOptions))
        {
            writer.WriteStartObject();
            WriteTo(writer);
            writer.WriteEndObject();
        }

        return buffer.Detach();
    }

    /// <summary>What a lookup shows, without the accessor.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        TokenParameters.WriteStrings(writer, "cidr_list", CidrList);
        writer.WriteString("creation_time", Rfc3339(CreatedAt));
        writer.WriteString("expiration_time", Rfc3339(ExpiresAt ?? DateTimeOffset.MinValue));
        writer.WriteString("last_updated_time", Rfc3339(UpdatedAt));
        writer.WriteStartObject("metadata");
        foreach (var (key, value) in Metadata)
        {
            writer.WriteString(key, value);
        }

        writer.WriteEndObject();
        writer.WriteNumber("secret_id_num_uses", UsesLeft);
        writer.WriteNumber("secret_id_ttl", (long)Ttl.TotalSeconds);
        TokenParameters.WriteStrings(writer, "token_bound_cidrs", TokenBoundCidrs);
    }

    private static string Rfc3339(DateTimeOffset time) =>
        time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);
}
