using System.Net;
using System.Net.Security;

namespace Mayfly.Hosting.Listeners;

/// <summary>Where a process listens. Immutable.</summary>
internal abstract record ListenAddress
{
    /// <summary>As people write it: <c>http://127.0.0.1:8200</c>.</summary>
    public abstract string Url { get; }
}

/// <summary>A TCP port, with TLS unless it has been told otherwise.</summary>
internal sealed record TcpAddress(IPEndPoint EndPoint, TlsFiles? Tls) : ListenAddress
{
    public override string Url => $"{(Tls is null ? "http" : "https")}://{EndPoint}";
}

/// <summary>A TCP port with TLS, whose certificate somebody else keeps; asked for at each handshake.</summary>
internal sealed record CertifiedAddress(IPEndPoint EndPoint, Func<SslServerAuthenticationOptions> Certificate)
    : ListenAddress
{
    public override string Url => $"https://{EndPoint}";
}

/// <summary>A unix socket. Whoever may write to the file may connect.</summary>
internal sealed record UnixAddress(string Path) : ListenAddress
{
    /// <summary>Permissions of the socket file.</summary>
    public UnixFileMode Mode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Name or number of the file's owner, or "" to leave it.</summary>
    public string User { get; init; } = "";

    /// <summary>Name or number of the file's group, or "" to leave it.</summary>
    public string Group { get; init; } = "";

    public override string Url => $"unix://{Path}";
}

/// <summary>Where a listener's certificate is.</summary>
internal sealed record TlsFiles(string Certificate, string Key)
{
    /// <summary>TLS 1.2 is refused as well.</summary>
    public bool OnlyTls13 { get; init; }
}
