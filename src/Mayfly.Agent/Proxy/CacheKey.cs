using System.Security.Cryptography;
using Mayfly.Agent.Listeners;

namespace Mayfly.Agent.Proxy;

/// <summary>
/// What makes two requests the same: everything that the server's answer depends on, the token included. The hash is the
/// framework's, keyed anew in each process, so nobody can find the token of another by timing look-ups.
/// </summary>
internal sealed record CacheKey(string Method, string Target, string Token, string Namespace, string Body)
{
    private const string None = "";

    /// <summary>The key, or null for a request whose answer is for one reader only.</summary>
    public static CacheKey? Of(Exchange exchange, string token, ReadOnlySpan<byte> body)
    {
        var headers = exchange.Headers;
        if (
            exchange.Method is not ("GET" or "PUT" or "POST")
            || headers.ContainsKey("X-Vault-Wrap-TTL")
            || headers.ContainsKey("X-Vault-MFA")
            || headers.ContainsKey("X-Vault-Policy-Override")
            || headers.ContainsKey("Upgrade")
            // The server hears of who uses which version by their reads, and may offer them another one during a rotation.
            || headers.ContainsKey("X-Mayfly-Consumer")
            // Which one counts is the server's to say.
            || headers["X-Vault-Namespace"].Count > 1
            || IsStream(headers.Accept)
        )
        {
            return null;
        }

        return new CacheKey(
            // The API takes one for the other.
            exchange.Method == "POST"
                ? "PUT"
                : exchange.Method,
            exchange.Target,
            token,
            headers["X-Vault-Namespace"] is [{ Length: > 0 } name] ? name : None,
            body.IsEmpty ? None : Convert.ToBase64String(SHA256.HashData(body))
        );
    }

    /// <summary>The path below <c>/v1/</c>, without query.</summary>
    public string Path => RequestPath.Of(Target);

    // The compiler's would print the token.
    public override string ToString() => $"{Method} {Path}";

    private static bool IsStream(string? accept) =>
        accept is { Length: > 0 } && accept.Contains("event-stream", StringComparison.OrdinalIgnoreCase);
}
