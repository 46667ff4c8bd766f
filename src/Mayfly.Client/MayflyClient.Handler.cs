using Mayfly.Client.Transport;

namespace Mayfly.Client;

/// <content>The connections alone.</content>
public sealed partial class MayflyClient
{
    /// <summary>
    /// What carries the requests of a client with these options: TLS, trust, client certificate, unix socket. For programs that
    /// pass requests on as they are, and for an <see cref="HttpClient"/> that several clients share. It sends no token.
    /// </summary>
    /// <param name="options">Address and trust.</param>
    /// <exception cref="FormatException">The address is not one.</exception>
    /// <exception cref="IOException">A certificate or key file cannot be read.</exception>
    public static SocketsHttpHandler CreateHandler(MayflyClientOptions options) =>
        HandlerFactory.Create(options, ServerEndpoint.Parse(options.Address));

    /// <summary>What paths of the API are appended to: <c>https://host:8200</c>; for a unix socket, <c>http://localhost</c>.</summary>
    /// <param name="options">The address.</param>
    /// <exception cref="FormatException">The address is not one.</exception>
    public static string BaseAddress(MayflyClientOptions options) => ServerEndpoint.Parse(options.Address).Base;
}
