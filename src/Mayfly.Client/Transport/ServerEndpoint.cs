namespace Mayfly.Client.Transport;

/// <summary>An address taken apart: what requests are relative to, and the socket when it is one.</summary>
internal sealed record ServerEndpoint(string Base, string? SocketPath, bool IsLoopback)
{
    public static ServerEndpoint Parse(string address)
    {
        if (address.StartsWith("unix://", StringComparison.OrdinalIgnoreCase))
        {
            var socket = address["unix://".Length..];
            return socket.StartsWith('/')
                ? new ServerEndpoint("http://localhost", socket, IsLoopback: true)
                : throw new FormatException($"\"{address}\" needs an absolute path: unix:///run/mayfly.sock");
        }

        if (
            !Uri.TryCreate(address, UriKind.Absolute, out var uri)
            || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps)
        )
        {
            throw new FormatException(
                $"\"{address}\" is no address: it should look like https://host:8200, http://127.0.0.1:8200 or unix:///path"
            );
        }

        // User information in the address is dropped: it would end up in messages.
        var authority = uri.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);
        return new ServerEndpoint(authority + uri.AbsolutePath.TrimEnd('/'), null, uri.IsLoopback);
    }
}
