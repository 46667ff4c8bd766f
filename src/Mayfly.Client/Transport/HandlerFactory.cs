using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mayfly.Client.Transport;

/// <summary>The socket side of the client: TLS, unix sockets, limits.</summary>
internal static class HandlerFactory
{
    public static SocketsHttpHandler Create(MayflyClientOptions options, ServerEndpoint endpoint)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            // A proxy has no business between two processes of one machine.
            UseProxy = !endpoint.IsLoopback,
            ConnectTimeout = options.Timeout,
            // Finds a server that has moved behind its name.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            SslOptions = Tls(options),
        };
        if (endpoint.SocketPath is { } path)
        {
            handler.ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            };
        }

        return handler;
    }

    private static SslClientAuthenticationOptions Tls(MayflyClientOptions options)
    {
        var tls = new SslClientAuthenticationOptions { EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 };
        if (options.DangerousSkipCertificateVerification)
        {
#pragma warning disable CA5359, S4830 // The caller asked for exactly this, by a name that says what it does.
            tls.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359, S4830
        }
        else if (Authorities(options) is { Count: > 0 } authorities)
        {
            tls.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }

        if (options.ClientCertificateFile is { } certificate)
        {
            tls.ClientCertificates = [ClientCertificate(certificate, options.ClientKeyFile ?? certificate)];
        }

        return tls;
    }

    private static X509Certificate2Collection Authorities(MayflyClientOptions options)
    {
        var found = new X509Certificate2Collection();
        if (options.CaCertificateFile is { } file)
        {
            Import(found, file);
        }
        else if (options.CaCertificateFolder is { } folder)
        {
            foreach (var each in Directory.EnumerateFiles(folder))
            {
                Import(found, each);
            }
        }
        else
        {
            return found;
        }

        // Falling back to the machine's authorities would trust more than was asked for.
        return found.Count > 0
            ? found
            : throw new IOException(
                $"no certificate found in {options.CaCertificateFile ?? options.CaCertificateFolder}"
            );
    }

    private static void Import(X509Certificate2Collection found, string file)
    {
        try
        {
            found.ImportFromPemFile(file);
        }
        catch (CryptographicException failure)
        {
            throw new IOException($"{file} is not a PEM certificate: {failure.Message}", failure);
        }
    }

    private static X509Certificate2 ClientCertificate(string certificate, string key)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(certificate, key);
        }
        catch (Exception failure) when (failure is CryptographicException or ArgumentException)
        {
            throw new IOException($"{certificate} and {key} are not a certificate and its key in PEM.", failure);
        }
    }
}
