using Mayfly.Agent.Configuration;
using Mayfly.Client;

namespace Mayfly.Agent;

/// <summary>The client's options for the <c>vault</c> stanza.</summary>
internal static class ServerOptions
{
    public static MayflyClientOptions Of(ServerStanza server, TimeProvider time) =>
        new()
        {
            Address = server.Address ?? MayflyClientOptions.DefaultAddress,
            CaCertificateFile = server.CaCertificate,
            CaCertificateFolder = server.CaFolder,
            ClientCertificateFile = server.ClientCertificate,
            ClientKeyFile = server.ClientKey,
            DangerousSkipCertificateVerification = server.SkipVerify ?? false,
            TlsServerName = server.TlsServerName,
            Namespace = server.Namespace,
            // Whatever asks in the background has its own way of waiting; this is for what passes by itself.
            MaxRetries = Math.Min(server.Retries, 3),
            Timeout = server.Timeout,
            Time = time,
        };
}
