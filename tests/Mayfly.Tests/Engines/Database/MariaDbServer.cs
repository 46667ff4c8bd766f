namespace Mayfly.Tests.Engines.Database;

/// <summary>A MariaDB of its own.</summary>
public sealed class MariaDbServer : ForeignServer, IDatabaseServer
{
    public const string Admin = "vault-admin";
    public const string Password = "it's the \\admin's \"pass\"";

    private string[] _options = [];

    private MariaDbServer()
        : base("mariadb") { }

    /// <summary>Its certificate, in PEM; "" without TLS.</summary>
    public string Certificate { get; private set; } = "";

    public object ConfigurationAt(int port) =>
        new
        {
            plugin_name = "mysql-database-plugin",
            connection_url = $"{{{{username}}}}:{{{{password}}}}@tcp(127.0.0.1:{port})/",
            allowed_roles = "*",
            username = Admin,
            password = Password,
        };

    public string Creation =>
        "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'; GRANT SELECT ON *.* TO '{{name}}'@'%';";

    public string FailingCreation => Creation + "GRANT NONSENSE ON *.* TO '{{name}}'@'%'";

    /// <param name="host">The host that its certificate is for; "" for no TLS.</param>
    public static async Task<MariaDbServer> StartAsync(string host = "")
    {
        var server = new MariaDbServer();
        try
        {
            if (host.Length > 0)
            {
                var certificate = await ServerCertificate.MakeAsync(server.Folder, host);
                server.Certificate = certificate.Pem;
                server._options = [$"--ssl-cert={certificate.File}", $"--ssl-key={certificate.KeyFile}"];
            }

            await server.InitializeAsync();
            await server.RunAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs SQL with the client program.</summary>
    public Task<(bool Succeeded, string Output)> QueryAsync(
        string user,
        string password,
        string sql,
        string tls = "--skip-ssl"
    ) =>
        CallAsync(
            "mariadb",
            "--no-defaults",
            "--host=127.0.0.1",
            $"--port={Port}",
            $"--user={user}",
            $"--password={password}",
            tls,
            "--batch",
            "--skip-column-names",
            "-e",
            sql
        );

    /// <summary>Runs SQL as the administrator.</summary>
    public async Task<string> AdminAsync(string sql)
    {
        var (succeeded, output) = await QueryAsync(Admin, Password, sql);
        Assert.True(succeeded, output);
        return output.Trim();
    }

    /// <summary>The names of users that begin with <paramref name="prefix"/>.</summary>
    public async Task<string[]> UsersAsync(string prefix) =>
        (await AdminAsync($"SELECT User FROM mysql.user WHERE User LIKE '{prefix}%'")).Split(
            '\n',
            StringSplitOptions.RemoveEmptyEntries
        );

    public Task<string[]> AllUsersAsync() => UsersAsync(prefix: "");

    public Task AddUserAsync(string username, string password) =>
        AdminAsync($"CREATE USER '{username}' IDENTIFIED BY '{password}'");

    public async Task<bool> LetsInAsync(string username, string password) =>
        (await QueryAsync(username, password, "SELECT 1")).Succeeded;

    protected override (string Program, string[] Arguments) Line() =>
        (
            "/usr/sbin/mariadbd",
            [
                "--no-defaults",
                $"--user={Environment.UserName}",
                $"--datadir={Path.Combine(Folder, "data")}",
                $"--port={Port}",
                "--bind-address=127.0.0.1",
                $"--socket={Path.Combine(Folder, "s")}",
                $"--tmpdir={Folder}",
                $"--pid-file={Path.Combine(Folder, "pid")}",
                $"--init-file={Path.Combine(Folder, "init.sql")}",
                "--innodb-buffer-pool-size=16M",
                "--innodb-flush-log-at-trx-commit=0",
                .. _options,
            ]
        );

    protected override async Task<bool> AnswersAsync() => (await QueryAsync(Admin, Password, "SELECT 1")).Succeeded;

    private async Task InitializeAsync()
    {
        var quoted = Password
            .Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("'", "''", StringComparison.Ordinal);
        await File.WriteAllTextAsync(
            Path.Combine(Folder, "init.sql"),
            $"CREATE USER IF NOT EXISTS '{Admin}'@'%' IDENTIFIED BY '{quoted}';\nGRANT ALL ON *.* TO '{Admin}'@'%' WITH GRANT OPTION;\n"
        );
        var (succeeded, output) = await CallAsync(
            "mariadb-install-db",
            "--no-defaults",
            $"--user={Environment.UserName}",
            $"--datadir={Path.Combine(Folder, "data")}",
            // Each tidies up what others have in a shared one.
            $"--tmpdir={Folder}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db"
        );
        Assert.True(succeeded, output);
    }
}
