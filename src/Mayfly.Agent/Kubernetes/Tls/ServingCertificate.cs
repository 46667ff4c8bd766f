using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mayfly.Agent.Kubernetes.Tls;

/// <summary>The certificate that handshakes use which begin now. Safe for concurrent use.</summary>
internal sealed class ServingCertificate
{
    private volatile SslServerAuthenticationOptions? _current;
    private long _endsAt;

    /// <summary>Null until there is one.</summary>
    public SslServerAuthenticationOptions? Current => _current;

    /// <summary>When the certificate in use ends, in Unix seconds; 0 without one.</summary>
    public long EndsAt => Volatile.Read(ref _endsAt);

    /// <summary>Takes a certificate, its chain and its private key into use.</summary>
    /// <exception cref="CryptographicException">They are no PEM, or do not belong together.</exception>
    public void Use(string certificatePem, string keyPem)
    {
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(certificatePem);
        using var pem = X509Certificate2.CreateFromPem(certificatePem, keyPem);
        // A private key that came from PEM is not tied to the certificate for TLS until it went through PKCS#12.
        var certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        _current = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(certificate, chain, offline: true),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        };
        Volatile.Write(ref _endsAt, new DateTimeOffset(certificate.NotAfter).ToUnixTimeSeconds());
    }
}
