using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mayfly.Hosting.Listeners;

/// <summary>
/// A listener's certificate, read from files and again on <see cref="Reload"/>. Connections that exist keep theirs; those
/// that come later get the new one. Safe for concurrent use.
/// </summary>
internal sealed class Certificates
{
    private readonly TlsFiles _files;
    private volatile SslServerAuthenticationOptions _current;

    /// <exception cref="TlsFilesException">The files cannot be used.</exception>
    public Certificates(TlsFiles files)
    {
        _files = files;
        _current = Load(files);
    }

    /// <summary>What a handshake that starts now uses.</summary>
    public SslServerAuthenticationOptions Current => _current;

    /// <summary>Reads the files again. When they cannot be used, the certificate in use stays.</summary>
    /// <exception cref="TlsFilesException">The files cannot be used.</exception>
    public void Reload() => _current = Load(_files);

    private static SslServerAuthenticationOptions Load(TlsFiles files)
    {
        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(files.Certificate);
            using var pem = X509Certificate2.CreateFromPemFile(files.Certificate, files.Key);
            // A private key that came from PEM is not tied to the certificate for TLS until it went through PKCS#12.
            var certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
            return new SslServerAuthenticationOptions
            {
                ServerCertificateContext = SslStreamCertificateContext.Create(certificate, chain, offline: true),
                EnabledSslProtocols = files.OnlyTls13 ? SslProtocols.Tls13 : SslProtocols.Tls12 | SslProtocols.Tls13,
                ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            };
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new TlsFilesException(
                $"cannot use the certificate {files.Certificate} with the key {files.Key}: {e.Message}",
                e
            );
        }
    }
}

/// <summary>Certificate files that cannot be used; the message is for the operator.</summary>
internal sealed class TlsFilesException(string message, Exception inner) : Exception(message, inner);
