using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Database;

/// <summary>Connections over TLS to servers whose certificate is for <c>localhost</c>. PostgreSQL's are in ConnectionTests.</summary>
public sealed class TlsTests
{
    [Fact]
    public async Task The_certificate_of_mariadb_is_checked_unless_it_is_told_not_to()
    {
        await using var server = await MariaDbServer.StartAsync("localhost");
        var stranger = await StrangerAsync();
        await using var engine = await DatabaseHarness.StartAsync();

        async Task<Outcome> TryAsync(string host, string tls, string authority, bool skip = false) =>
            await engine.ConfigureAsync(
                server,
                new
                {
                    connection_url = $"{{{{username}}}}:{{{{password}}}}@tcp({host}:{server.Port})/{tls}",
                    tls_ca = authority,
                    tls_skip_verify = skip,
                }
            );

        (await TryAsync("localhost", "", server.Certificate)).IsDone();
        await engine.RoleAsync(
            "app",
            new { creation_statements = server.Creation + "ALTER USER '{{name}}' REQUIRE SSL" }
        );
        var (username, password, lease) = await engine.IssueAsync("app");
        Assert.False((await server.QueryAsync(username, password, "SELECT 1")).Succeeded);
        // The client program of the tests speaks without TLS unless it is told to.
        Assert.True((await server.QueryAsync(username, password, "SELECT 1", "--ssl")).Succeeded);
        await engine.RevokeAsync(lease);
        (await TryAsync("localhost", "?tls=true", server.Certificate)).IsDone();
        (await TryAsync("127.0.0.1", "?tls=skip-verify", "")).IsDone();
        (await TryAsync("127.0.0.1", "", stranger, skip: true)).IsDone();
        foreach (
            var refused in new[]
            {
                await TryAsync("127.0.0.1", "?tls=true", server.Certificate),
                await TryAsync("localhost", "", stranger),
                await TryAsync("localhost", "?tls=true", ""),
            }
        )
        {
            Assert.Equal(FaultKind.Invalid, refused.Fault?.Kind);
            Assert.Contains("MariaDB says", refused.Fault!.Messages[0], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_certificate_of_redis_is_checked_unless_it_is_told_not_to()
    {
        await using var server = await RedisServer.StartAsync("localhost");
        var stranger = await StrangerAsync();
        await using var engine = await DatabaseHarness.StartAsync();

        async Task<Outcome> TryAsync(string host, string authority, bool skip = false) =>
            await engine.ConfigureAsync(
                server,
                new
                {
                    host,
                    port = server.TlsPort,
                    tls = true,
                    ca_cert = authority,
                    insecure_tls = skip,
                }
            );

        (await TryAsync("localhost", server.Certificate)).IsDone();
        await engine.RoleAsync("app", new { creation_statements = server.Creation });
        var (username, password, lease) = await engine.IssueAsync("app");
        Assert.True(await server.LetsInAsync(username, password));
        await engine.RevokeAsync(lease);
        (await TryAsync("127.0.0.1", "", skip: true)).IsDone();
        foreach (
            var refused in new[]
            {
                await TryAsync("127.0.0.1", server.Certificate),
                await TryAsync("localhost", stranger),
                await TryAsync("localhost", ""),
            }
        )
        {
            Assert.Equal(FaultKind.Invalid, refused.Fault?.Kind);
            Assert.Contains("certificate", refused.Fault!.Messages[0], StringComparison.Ordinal);
        }
    }

    private static async Task<string> StrangerAsync()
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-stranger-");
        try
        {
            return (await ServerCertificate.MakeAsync(folder.FullName, "localhost")).Pem;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
