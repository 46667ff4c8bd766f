using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mayfly.Tests.Engines.Database;

/// <summary>A certificate that signed itself, for one host, in files as servers want them.</summary>
/// <param name="Pem">The certificate.</param>
/// <param name="File">Where it is.</param>
/// <param name="KeyFile">Where its key is; for the owner alone.</param>
internal sealed record ServerCertificate(string Pem, string File, string KeyFile)
{
    public static async Task<ServerCertificate> MakeAsync(string folder, string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var made = new ServerCertificate(
            certificate.ExportCertificatePem(),
            Path.Combine(folder, "server.pem"),
            Path.Combine(folder, "server.key")
        );
        await System.IO.File.WriteAllTextAsync(made.File, made.Pem);
        await System.IO.File.WriteAllTextAsync(made.KeyFile, key.ExportPkcs8PrivateKeyPem());
        using var mode = Process.Start("chmod", ["600", made.KeyFile]);
        await mode.WaitForExitAsync();
        return made;
    }
}
