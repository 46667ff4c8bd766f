using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mayfly.Client;

namespace Mayfly.Tests.Client;

public sealed class TlsTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mayfly-tls-").FullName;
    private X509Certificate2 _certificate = null!;
    private RecordingServer _server = null!;

    private string Pem => Path.Combine(_folder, "server.pem");

    private string Key => Path.Combine(_folder, "server.key");

    public async ValueTask InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=mayfly.test", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("mayfly.test");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        _certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        await File.WriteAllTextAsync(Pem, _certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(Key, key.ExportPkcs8PrivateKeyPem());
        _server = await RecordingServer.StartAsync(_certificate);
        _server.On("GET /v1/x", 200, "{}");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _certificate.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_certificate_of_nobody_is_refused()
    {
        var failure = await Assert.ThrowsAsync<MayflyConnectionException>(() => ReadAsync(new()));

        Assert.Contains("certificate", failure.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(_server.Requests);
    }

    [Fact]
    public async Task Its_authority_makes_it_trusted() =>
        Assert.Equal(200, (await ReadAsync(new() { CaCertificateFile = Pem })).Status);

    [Fact]
    public async Task A_folder_of_authorities_works_too()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "ca")).FullName;
        File.Copy(Pem, Path.Combine(folder, "one.pem"));
        Assert.Equal(200, (await ReadAsync(new() { CaCertificateFolder = folder })).Status);
    }

    [Fact]
    public async Task Another_name_is_refused_and_can_be_given() =>
        Assert.Equal((false, true), (await WorksAsync("other.test"), await WorksAsync("mayfly.test")));

    [Fact]
    public async Task Verification_can_be_given_up() =>
        Assert.Equal(200, (await ReadAsync(new() { DangerousSkipCertificateVerification = true })).Status);

    [Fact]
    public void A_file_that_holds_no_certificate_is_refused_rather_than_ignored() =>
        Assert.ThrowsAny<IOException>(() => new MayflyClient(new MayflyClientOptions { CaCertificateFile = Key }));

    [Fact]
    public async Task A_client_shows_its_certificate()
    {
        await using var server = await RecordingServer.StartAsync(_certificate, wantsClientCertificate: true);
        server.On("GET /v1/x", 200, "{}");
        var options = new MayflyClientOptions { Address = server.Address, CaCertificateFile = Pem };

        using var without = new MayflyClient(options);
        await Assert.ThrowsAsync<MayflyConnectionException>(() =>
            without.ReadAsync("x", TestContext.Current.CancellationToken)
        );
        using var with = new MayflyClient(options with { ClientCertificateFile = Pem, ClientKeyFile = Key });
        Assert.Equal(200, (await with.ReadAsync("x", TestContext.Current.CancellationToken)).Status);
    }

    private async Task<bool> WorksAsync(string name)
    {
        try
        {
            return (await ReadAsync(new() { CaCertificateFile = Pem, TlsServerName = name })).IsSuccess;
        }
        catch (MayflyConnectionException)
        {
            return false;
        }
    }

    private async Task<MayflyResponse> ReadAsync(MayflyClientOptions options)
    {
        using var client = new MayflyClient(options with { Address = _server.Address });
        return await client.ReadAsync("x", TestContext.Current.CancellationToken);
    }
}
