using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mayfly.Agent.Rendering;

namespace Mayfly.Tests.Agent.Rendering;

/// <summary>Certificates that a template has rendered before.</summary>
public sealed class KeptCertificateTests : IDisposable
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void A_certificate_is_used_again_while_enough_of_its_life_is_left()
    {
        var (certificate, key, issuer) = Make();
        File.WriteAllText(_file, $"before\n{key}\n{certificate}\nbetween\n{issuer}\n");
        var kept = KeptCertificate.Read(_file, 0.7, Begin.AddDays(60));
        Assert.Equal(certificate, kept?.Fields.GetProperty("certificate").GetString());
        Assert.Equal(key, kept?.Fields.GetProperty("private_key").GetString());
        Assert.Equal(issuer, kept?.Fields.GetProperty("issuing_ca").GetString());
        Assert.Equal(TimeSpan.FromDays(10), kept?.Left);
        Assert.Null(KeptCertificate.Read(_file, 0.7, Begin.AddDays(71)));
        Assert.Null(KeptCertificate.Read(_file, 0.7, Begin.AddDays(-1)));
    }

    [Fact]
    public void A_certificate_without_its_key_a_damaged_one_and_none_are_not_used()
    {
        var (certificate, _, _) = Make();
        var (_, other, issuer) = Make();
        string[] texts =
        [
            "",
            "text",
            issuer,
            certificate + "\n" + other,
            certificate.Replace("MII", "MIJ", StringComparison.Ordinal),
        ];
        Assert.All(
            texts,
            text =>
            {
                File.WriteAllText(_file, text);
                Assert.Null(KeptCertificate.Read(_file, 0.7, Begin.AddDays(1)));
            }
        );
        Assert.Null(KeptCertificate.Read(_file + ".none", 0.7, Begin));
    }

    private static (string Certificate, string Key, string Issuer) Make()
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=root", rootKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var root = request.CreateSelfSigned(Begin.AddDays(-1), Begin.AddDays(1000));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var leaf = new CertificateRequest("CN=app", key, HashAlgorithmName.SHA256).Create(
            root,
            Begin,
            Begin.AddDays(100),
            RandomNumberGenerator.GetBytes(8)
        );
        return (leaf.ExportCertificatePem(), key.ExportECPrivateKeyPem(), root.ExportCertificatePem());
    }
}
