using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mayfly.Agent.Kubernetes.Tls;

/// <summary>A certificate for the injector, and the authority that vouches for it.</summary>
/// <param name="Authorities">PEM of the authority, and of the one before it while its certificates may be in use.</param>
/// <param name="Certificate">PEM.</param>
/// <param name="Key">PEM.</param>
internal sealed record CertificateSet(string Authorities, string Certificate, string Key);

/// <summary>
/// Makes an authority that signs one certificate. Its key is forgotten at once, so that nobody can sign another in its name.
/// </summary>
internal static class OwnAuthority
{
    public static readonly TimeSpan Life = TimeSpan.FromDays(90);

    // Clocks of API servers may be behind.
    private static readonly TimeSpan Early = TimeSpan.FromMinutes(10);

    /// <param name="hosts">Names that API servers call the injector by.</param>
    /// <param name="now">The time.</param>
    /// <param name="before">The set that is replaced; its newest authority stays trusted.</param>
    public static CertificateSet Make(IReadOnlyList<string> hosts, DateTimeOffset now, CertificateSet? before)
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authorityRequest = new CertificateRequest(
            "CN=Mayfly injector authority",
            authorityKey,
            HashAlgorithmName.SHA256
        );
        authorityRequest.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(
                certificateAuthority: true,
                hasPathLengthConstraint: true,
                pathLengthConstraint: 0,
                critical: true
            )
        );
        authorityRequest.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true)
        );
        var identifier = new X509SubjectKeyIdentifierExtension(authorityRequest.PublicKey, critical: false);
        authorityRequest.CertificateExtensions.Add(identifier);
        using var authority = authorityRequest.CreateSelfSigned(now - Early, now + Life);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={hosts[0]}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var host in hosts)
        {
            if (IPAddress.TryParse(host, out var address))
            {
                names.AddIpAddress(address);
            }
            else
            {
                names.AddDnsName(host);
            }
        }

        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true)
        );
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false)
        );
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(identifier)
        );
        using var certificate = request.Create(authority, now - Early, now + Life, RandomNumberGenerator.GetBytes(16));
        return new CertificateSet(
            authority.ExportCertificatePem() + "\n" + Newest(before),
            certificate.ExportCertificatePem() + "\n",
            key.ExportPkcs8PrivateKeyPem() + "\n"
        );
    }

    /// <summary>Whether a set is whole, is for these hosts, and has more than a third of its life left.</summary>
    public static bool IsGood(CertificateSet set, IReadOnlyList<string> hosts, DateTimeOffset now)
    {
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(set.Certificate, set.Key);
            var begin = new DateTimeOffset(certificate.NotBefore);
            var end = new DateTimeOffset(certificate.NotAfter);
            return set.Authorities.Contains("-----BEGIN CERTIFICATE-----", StringComparison.Ordinal)
                && begin <= now
                && now < end - ((end - begin) / 3)
                && hosts.All(host => certificate.MatchesHostname(host, allowWildcards: false, allowCommonName: false));
        }
        catch (Exception failure) when (failure is CryptographicException or ArgumentException)
        {
            return false;
        }
    }

    private static string Newest(CertificateSet? before)
    {
        const string end = "-----END CERTIFICATE-----";
        var at = before?.Authorities.IndexOf(end, StringComparison.Ordinal) ?? -1;
        return at < 0 ? "" : before!.Authorities[..(at + end.Length)] + "\n";
    }
}
