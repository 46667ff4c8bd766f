namespace Mayfly.Client.Transport;

/// <summary>An address taken apart: what requests are relative to, and the socket when it is one.</summary>
internal sealed record ServerEndpoint(string Base, string? SocketPath, bool IsLoopback)
{
    private const string Socket = "unix://";

    public static ServerEndpoint Parse(string address)
    {
        if (address.StartsWith(Socket, StringComparison.OrdinalIgnoreCase))
        {
            var socket = address[Socket.Length..];
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
                $"\"{Shown(address)}\" is no address: it should look like https://host:8200, http://127.0.0.1:8200 or unix:///path"
            );
        }

        // User information in the address is dropped: it would end up in messages.
        var authority = uri.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);
        return new ServerEndpoint(authority + uri.AbsolutePath.TrimEnd('/'), null, uri.IsLoopback);
    }

    /// <summary>An address as messages tell it: as it was typed, but without user and password.</summary>
    public static string Shown(string address)
    {
        if (address.StartsWith(Socket, StringComparison.OrdinalIgnoreCase))
        {
            return address;
        }

        if (Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.UserInfo.Length == 0 && uri.Host.Length > 0)
        {
            return address;
        }

        // What is no address may have been meant to be one.
        var scheme = address.IndexOf("://", StringComparison.Ordinal) is >= 0 and var end ? address[..(end + 3)] : "";
        return address.LastIndexOf('@') is >= 0 and var at && at >= scheme.Length
            ? scheme + address[(at + 1)..]
            : address;
    }
}
