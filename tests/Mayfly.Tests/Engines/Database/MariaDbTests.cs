using Mayfly.Core.Engines.Database;
using Mayfly.Core.Engines.Database.MariaDb;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Database;

/// <summary>Against a real MariaDB, which all of these share.</summary>
public sealed class MariaDbTests(DatabaseServers servers)
{
    [Fact]
    public async Task Users_are_named_after_token_and_role()
    {
        var server = await servers.MariaDbAsync();
        await using var engine = await StartAsync(server);

        var (username, _, lease) = await engine.IssueAsync("app");

        Assert.Matches("^v-[a-z_-]*app-[A-Za-z0-9-]+$", username);
        Assert.InRange(username.Length, 20, 32);
        await engine.RevokeAsync(lease);
    }

    [Fact]
    public async Task Open_sessions_end_with_the_lease()
    {
        var server = await servers.MariaDbAsync();
        await using var engine = await StartAsync(server);
        var (username, password, lease) = await engine.IssueAsync("app");
        var session = server.QueryAsync(username, password, "SELECT SLEEP(60)");
        while (
            await server.AdminAsync($"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = '{username}'")
            == "0"
        )
        {
            Assert.False(session.IsCompleted);
        }

        await engine.RevokeAsync(lease);

        Assert.False((await session).Succeeded);
    }

    [Fact]
    public async Task Values_are_quoted_as_mariadb_does()
    {
        var server = await servers.MariaDbAsync();
        await using var engine = await StartAsync(server, new { username_template = "q'`\\\"{{random 8}}" });
        await Passwords.PutAsync(
            engine.Engine.Barrier,
            "odd",
            "length = 16\nrule \"charset\" { charset = \"'\\\"\\\\`x\" \n min-chars = 1 }"
        );
        (await engine.WriteAsync("roles/app", new { credential_config = new { password_policy = "odd" } })).IsDone();

        var (username, password, lease) = await engine.IssueAsync("app");

        Assert.True((await server.QueryAsync(username, password, "SELECT 1")).Succeeded);
        await engine.RevokeAsync(lease);
        Assert.False((await server.QueryAsync(username, password, "SELECT 1")).Succeeded);
    }

    [Fact]
    public async Task Rotating_the_administrator_leaves_its_password_to_the_server_alone()
    {
        var server = await servers.MariaDbAsync();
        await server.AdminAsync(
            "CREATE USER rotated IDENTIFIED BY 'before'; GRANT ALL ON *.* TO rotated WITH GRANT OPTION"
        );
        await using var engine = await StartAsync(server, new { username = "rotated", password = "before" });

        (await engine.WriteAsync("rotate-root/db", new { })).IsDone();

        Assert.False((await server.QueryAsync("rotated", "before", "SELECT 1")).Succeeded);
        await engine.RevokeAsync((await engine.IssueAsync("app")).Lease);
    }

    [Theory]
    [InlineData("{{username}}:{{password}}@tcp(db.internal:3307)/", "u", "p@ss:(/", "db.internal", 3307, "")]
    [InlineData(
        "{{username}}:{{password}}@tcp(db.internal)/app?parseTime=true",
        "u",
        "p@ss:(/",
        "db.internal",
        3306,
        "app"
    )]
    [InlineData("u:p@ss:(/@tcp([::1]:3306)/", "u", "p@ss:(/", "::1", 3306, "")]
    public void The_form_of_gos_driver_is_read(
        string url,
        string user,
        string password,
        string host,
        int port,
        string database
    )
    {
        var (address, fault) = MariaDbAddress.Of(
            new ConnectionConfig
            {
                PluginName = "mysql-database-plugin",
                Password = "p@ss:(/",
                Details = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["connection_url"] = url,
                    ["username"] = "u",
                },
            }
        );

        Assert.Null(fault);
        Assert.Equal(
            (user, password, host, port, database),
            (address!.User, address.Password, address.Host, address.Port, address.Database)
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("secret")]
    [InlineData("u:secret@tcp(h:port)/")]
    [InlineData("u:secret@udp(h)/")]
    [InlineData("u:secret@tcp(h)/?x=secret")]
    public void What_is_no_address_is_refused_without_being_repeated(string url)
    {
        var (address, fault) = MariaDbAddress.Of(
            new ConnectionConfig
            {
                PluginName = "mysql-database-plugin",
                Details = new Dictionary<string, string>(StringComparer.Ordinal) { ["connection_url"] = url },
            }
        );

        Assert.Null(address);
        Assert.DoesNotContain("secret", fault!.Messages[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("u:{{password}}@tcp(h)/", "u:{{password}}@tcp(h)/")]
    [InlineData("u:s3cret@tcp(h)/", "u:xxxxx@tcp(h)/")]
    [InlineData("tcp(h)/", "tcp(h)/")]
    public void A_password_in_it_is_not_shown(string url, string shown) =>
        Assert.Equal(shown, MariaDbAddress.Redacted(url));

    private static async Task<DatabaseHarness> StartAsync(MariaDbServer server, object? more = null)
    {
        var engine = await DatabaseHarness.StartAsync(server, more);
        await engine.RoleAsync("app", new { creation_statements = server.Creation });
        return engine;
    }
}
