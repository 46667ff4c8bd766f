using System.Text.Json;
using Mayfly.Client;
using Mayfly.Tests.Engines.Database;

namespace Mayfly.Tests.Client;

/// <summary>Database credentials through the client, from a real server and a real PostgreSQL.</summary>
public sealed class DatabaseCallTests(DatabaseServers servers) : IAsyncLifetime
{
    private readonly string _user = "static_" + Guid.NewGuid().ToString("N")[..8];
    private ServerProcess _server = null!;
    private PostgresServer _postgres = null!;
    private MayflyClient _client = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _postgres = await servers.PostgresAsync();
        _server = await ServerProcess.StartDevAsync();
        _client = new MayflyClient(
            new MayflyClientOptions { Address = _server.Address, Token = ServerProcess.DevToken }
        );
        await WriteAsync("sys/mounts/database", new { type = "database" });
        await WriteAsync("database/config/db", _postgres.ConfigurationAt(_postgres.Port));
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Credentials_are_issued_renewed_and_revoked()
    {
        await WriteAsync(
            "database/roles/app",
            new
            {
                db_name = "db",
                creation_statements = _postgres.Creation,
                default_ttl = "10m",
                max_ttl = "1h",
            }
        );

        var issued = await _client.Database().CredentialsAsync("app", Cancellation);
        Assert.True(await _postgres.LetsInAsync(issued.Username, issued.Password.Reveal()));
        Assert.Equal((TimeSpan.FromMinutes(10), true), (issued.Lease.Duration, issued.Lease.IsRenewable));
        Assert.DoesNotContain(issued.Password.Reveal(), $"{issued}", StringComparison.Ordinal);

        var renewed = await _client.Leases.RenewAsync(issued.Lease.Id, TimeSpan.FromMinutes(20), Cancellation);
        Assert.Equal((issued.Lease.Id, TimeSpan.FromMinutes(20)), (renewed.Id, renewed.Duration));
        var info = (await _client.Leases.LookupAsync(issued.Lease.Id, Cancellation))!;
        Assert.InRange(info.Ttl, TimeSpan.FromMinutes(19), TimeSpan.FromMinutes(20));

        await _client.Leases.RevokeAsync(issued.Lease.Id, Cancellation);
        Assert.False(await _postgres.LetsInAsync(issued.Username, issued.Password.Reveal()));
        Assert.Null(await _client.Leases.LookupAsync(issued.Lease.Id, Cancellation));
    }

    [Fact]
    public async Task The_password_of_a_static_role_is_told_with_its_rotation()
    {
        await _postgres.AddUserAsync(_user, "first");
        await WriteAsync(
            "database/static-roles/app",
            new
            {
                db_name = "db",
                username = _user,
                rotation_period = "1h",
            }
        );

        var credentials = await _client.Database().StaticCredentialsAsync("app", Cancellation);

        Assert.Equal((_user, TimeSpan.FromHours(1)), (credentials.Username, credentials.RotationPeriod));
        Assert.True(await _postgres.LetsInAsync(_user, credentials.Password.Reveal()));
        Assert.InRange(credentials.Ttl, TimeSpan.FromMinutes(50), TimeSpan.FromHours(1));
        Assert.NotNull(credentials.LastRotation);
    }

    private async Task WriteAsync(string path, object fields)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(fields);
        (await _client.WriteAsync(path, body, Cancellation)).EnsureSuccess();
    }
}
