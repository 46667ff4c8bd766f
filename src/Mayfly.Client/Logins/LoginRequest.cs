namespace Mayfly.Client.Logins;

internal static class LoginRequest
{
    /// <summary>Sends credentials to <c>auth/…</c>, with no token.</summary>
    public static async Task<Login> SendAsync(
        MayflyClient client,
        string path,
        ReadOnlyMemory<byte> body,
        CancellationToken cancellationToken
    )
    {
        var request = new MayflyRequest(HttpMethod.Post, "auth/" + path) { Body = body, Token = "" };
        return Login.Read(await client.SendAsync(request, cancellationToken));
    }
}
