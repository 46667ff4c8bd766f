using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Mayfly.Server.Http.Vault.Streams;

/// <summary>The opening of a WebSocket (RFC 6455, section 4.2): what a client must send, and the answer that proves it was read.</summary>
internal static class WebSocketHandshake
{
    private const string Version = "13";
    private const string Magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    /// <summary>Whether the request wants to become a WebSocket, rightly or not.</summary>
    public static bool IsWanted(IHttpRequestFeature http) =>
        http.Headers.Upgrade.ToString().Contains("websocket", StringComparison.OrdinalIgnoreCase);

    /// <summary>The status and text for a handshake that cannot be accepted, or null.</summary>
    public static (int Status, string Text)? Problem(IFeatureCollection features, IHttpRequestFeature http)
    {
        if (features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true })
        {
            return (426, "a WebSocket needs HTTP/1.1 with Connection: Upgrade");
        }

        if (http.Headers.SecWebSocketVersion != Version)
        {
            return (426, $"a WebSocket needs Sec-WebSocket-Version: {Version}");
        }

        return IsKey(http.Headers.SecWebSocketKey.ToString())
            ? null
            : (400, "a WebSocket needs Sec-WebSocket-Key: 16 bytes in base64");
    }

    /// <summary>Answers 101, and gives what lies below HTTP.</summary>
    public static Task<Stream> AcceptAsync(IFeatureCollection features, IHttpRequestFeature http)
    {
        var response = features.GetRequiredFeature<IHttpResponseFeature>();
        response.Headers.Connection = "Upgrade";
        response.Headers.Upgrade = "websocket";
        response.Headers.SecWebSocketAccept = Accept(http.Headers.SecWebSocketKey.ToString());
        return features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
    }

    /// <summary>The answer to a key.</summary>
    internal static string Accept(string key)
    {
#pragma warning disable CA5350, RS0030 // The protocol says SHA-1. It proves that the server read the key, and protects nothing.
        return Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key.Trim() + Magic)));
#pragma warning restore CA5350, RS0030
    }

    private static bool IsKey(string key)
    {
        Span<byte> bytes = stackalloc byte[18];
        return key.Trim().Length == 24
            && Convert.TryFromBase64String(key.Trim(), bytes, out var length)
            && length == 16;
    }
}
