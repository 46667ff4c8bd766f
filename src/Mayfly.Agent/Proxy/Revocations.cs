using System.Text.Json;

namespace Mayfly.Agent.Proxy;

/// <summary>What a request that went through ends of what is kept: revocations of tokens and leases, and writes of secrets.</summary>
internal static class Revocations
{
    /// <summary>Evicts what a successful request has ended.</summary>
    public static void Apply(ResponseCache cache, string method, string path, string token, ReadOnlySpan<byte> body)
    {
        if (method is not ("PUT" or "POST" or "PATCH" or "DELETE"))
        {
            return;
        }

        switch (path)
        {
            case "auth/token/revoke-self":
                cache.EvictToken(token);
                return;
            case "auth/token/revoke":
                cache.EvictToken(Field(body, "token"));
                return;
            case "auth/token/revoke-orphan":
                cache.EvictToken(Field(body, "token"), andChildren: false);
                return;
            case "auth/token/revoke-accessor":
                var accessor = Field(body, "accessor");
                cache.Evict(entry => accessor.Length > 0 && entry.Accessor == accessor);
                return;
            case "sys/revoke" or "sys/leases/revoke":
                var lease = Field(body, "lease_id");
                cache.Evict(entry => lease.Length > 0 && entry.LeaseId == lease);
                return;
            default:
                break;
        }

        foreach (
            var prefix in new[]
            {
                "sys/leases/revoke-prefix/",
                "sys/revoke-prefix/",
                "sys/leases/revoke-force/",
                "sys/revoke-force/",
            }
        )
        {
            if (path.StartsWith(prefix, StringComparison.Ordinal))
            {
                var below = path[prefix.Length..].TrimEnd('/') + "/";
                cache.Evict(entry =>
                    (entry.LeaseId.Length > 0 ? entry.LeaseId : entry.Key.Path + "/").StartsWith(
                        below,
                        StringComparison.Ordinal
                    )
                );
                return;
            }
        }

        foreach (var prefix in new[] { "sys/leases/revoke/", "sys/revoke/" })
        {
            if (path.StartsWith(prefix, StringComparison.Ordinal))
            {
                var named = path[prefix.Length..];
                cache.Evict(entry => entry.LeaseId == named);
                return;
            }
        }

        if (!path.StartsWith("sys/", StringComparison.Ordinal) && !path.StartsWith("auth/", StringComparison.Ordinal))
        {
            Written(cache, path);
        }
    }

    /// <summary>A secret was written; of a versioned one, by any of its paths: <c>data/</c>, <c>delete/</c>, <c>metadata/</c> ….</summary>
    private static void Written(ResponseCache cache, string path)
    {
        var mount = path.IndexOf('/', StringComparison.Ordinal);
        cache.Evict(entry =>
            entry.Kind == CachedKind.Static
            && (entry.Key.Path == path || (mount > 0 && IsSameSecret(entry.Key.Path, path)))
        );
    }

    /// <summary>Two paths that differ in one segment, the one that says what is done.</summary>
    private static bool IsSameSecret(string kept, string written)
    {
        var a = kept.Split('/');
        var b = written.Split('/');
        return a.Length == b.Length && a.Zip(b).Count(pair => pair.First != pair.Second) == 1 && a[^1] == b[^1];
    }

    private static string Field(ReadOnlySpan<byte> body, string name)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return "";
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isWanted = reader.ValueTextEquals(name);
                reader.Read();
                if (isWanted && reader.TokenType == JsonTokenType.String)
                {
                    return reader.GetString() ?? "";
                }

                reader.Skip();
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The server has taken it, so it is something else.
        }

        return "";
    }
}
