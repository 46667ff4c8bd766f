using System.Net;

namespace Mayfly.Server.Http;

/// <summary>Where the server listens. Immutable.</summary>
internal abstract record Listener
{
    /// <summary>As people write it: <c>http://127.0.0.1:8200</c>.</summary>
    public abstract string Url { get; }

    /// <summary>Refuse requests without <c>X-Vault-Request: true</c>.</summary>
    public bool RequireRequestHeader { get; init; }

    /// <summary>Whose X-Forwarded-For is believed, or null when nobody's is.</summary>
    public ForwardedFor? Forwarded { get; init; }

    /// <summary>Metrics may be read here without a token.</summary>
    public bool UnauthenticatedMetrics { get; init; }
}

/// <summary>A TCP listener, with TLS unless it has been told otherwise.</summary>
internal sealed record TcpListener(IPEndPoint Address, TlsFiles? Tls) : Listener
{
    public override string Url => $"{(Tls is null ? "http" : "https")}://{Address}";
}

/// <summary>A unix socket. Whoever may write to the file may connect.</summary>
internal sealed record UnixListener(string Path) : Listener
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
