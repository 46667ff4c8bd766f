using System.Collections.Concurrent;
using System.Globalization;
using Mayfly.Core.Identity;

namespace Mayfly.Core.Audit;

/// <summary>What every entry of one token says of it, encoded once: the hashes of token and accessor are the costly part. Immutable.</summary>
internal sealed class TokenParts
{
    private TokenParts(TokenEntry entry, byte[] auth, byte[] requestTokens)
    {
        Entry = entry;
        Auth = auth;
        RequestTokens = requestTokens;
    }

    public TokenEntry Entry { get; }

    /// <summary>The members of <c>auth</c>.</summary>
    public byte[] Auth { get; }

    /// <summary>The members of <c>request</c> that name the token, with a comma before.</summary>
    public byte[] RequestTokens { get; }

    public static TokenParts From(TokenEntry entry, string? token, Redactor redactor, bool hmacAccessor)
    {
        var line = new LineBuffer();
        WriteAuth(line, entry, token, redactor, hmacAccessor);
        var auth = line.Written.ToArray();
        line.Clear();
        if (token is not null)
        {
            line.Raw(",\"client_token\":"u8);
            redactor.Secret(line, token);
        }

        if (entry.Accessor.Length > 0)
        {
            line.Raw(",\"client_token_accessor\":"u8);
            Accessor(line, entry.Accessor, redactor, hmacAccessor);
        }

        return new TokenParts(entry, auth, line.Written.ToArray());
    }

    public static void WriteAuth(LineBuffer line, TokenEntry entry, string? token, Redactor redactor, bool hmacAccessor)
    {
        if (token is not null)
        {
            line.Name("\"client_token\":"u8);
            redactor.Secret(line, token);
        }

        if (entry.Accessor.Length > 0)
        {
            line.Name("\"accessor\":"u8);
            Accessor(line, entry.Accessor, redactor, hmacAccessor);
        }

        line.Name("\"display_name\":"u8);
        line.Text(entry.DisplayName);
        line.Raw(",\"policies\":"u8);
        line.Texts(entry.Policies);
        line.Raw(",\"token_policies\":"u8);
        line.Texts(entry.Policies);
        if (entry.Metadata.Count > 0)
        {
            line.Raw(",\"metadata\":"u8);
            line.Map(entry.Metadata);
        }

        if (entry.EntityId.Length > 0)
        {
            line.Raw(",\"entity_id\":"u8);
            line.Text(entry.EntityId);
        }

        if (entry.UsesLeft > 0)
        {
            line.Raw(",\"remaining_uses\":"u8);
            line.Number(entry.UsesLeft);
        }

        line.Raw(",\"token_type\":"u8);
        line.Raw(entry.Type == TokenType.Batch ? "\"batch\""u8 : "\"service\""u8);
        line.Raw(",\"token_ttl\":"u8);
        line.Number((long)entry.CreationTtl.TotalSeconds);
        line.Raw(",\"token_issue_time\":"u8);
        line.Text(entry.CreatedAt.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
    }

    private static void Accessor(LineBuffer line, string accessor, Redactor redactor, bool hmacAccessor)
    {
        if (hmacAccessor)
        {
            redactor.Secret(line, accessor);
        }
        else
        {
            line.Text(accessor);
        }
    }
}

/// <summary>The tokens that a device has seen lately. It holds hashes, never a token. Safe for concurrent use.</summary>
internal sealed class TokenCache(bool hmacAccessor)
{
    private const int Limit = 16_384;

    private readonly ConcurrentDictionary<string, TokenParts> _known = new(StringComparer.Ordinal);
    private int _count;

    public TokenParts Get(TokenEntry entry, string? token, Redactor redactor)
    {
        // An accessor is the keyed hash of its token, so it stands for it. Batch tokens have none.
        if (entry.Accessor.Length == 0)
        {
            return TokenParts.From(entry, token, redactor, hmacAccessor);
        }

        if (_known.TryGetValue(entry.Accessor, out var known) && ReferenceEquals(known.Entry, entry))
        {
            return known;
        }

        var parts = TokenParts.From(entry, token, redactor, hmacAccessor);
        if (known is null && Interlocked.Increment(ref _count) > Limit)
        {
            _known.Clear();
            _count = 1;
        }

        _known[entry.Accessor] = parts;
        return parts;
    }
}
