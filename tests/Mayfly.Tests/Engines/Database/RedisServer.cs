namespace Mayfly.Tests.Engines.Database;

/// <summary>A Redis of its own, whose users are kept in a file.</summary>
public sealed class RedisServer : ForeignServer, IDatabaseServer
{
    public const string Admin = "vault-admin";
    public const string Password = "the-admins-password";

    private string[] _options = [];

    private RedisServer()
        : base("redis") { }

    /// <summary>Its certificate, in PEM; "" without TLS.</summary>
    public string Certificate { get; private set; } = "";

    /// <summary>Where it speaks TLS.</summary>
    public int TlsPort { get; } = FreePort.Choose();

    public object ConfigurationAt(int port) =>
        new
        {
            plugin_name = "redis-database-plugin",
            host = "127.0.0.1",
            port,
            allowed_roles = "*",
            username = Admin,
            password = Password,
        };

    public string Creation => "[\"~orders:*\", \"+@all\", \"-@admin\"]";

    public string FailingCreation => "[\"~*\", \"+@nonsense\"]";

    /// <param name="host">The host that its certificate is for; "" for no TLS.</param>
    public static async Task<RedisServer> StartAsync(string host = "")
    {
        var server = new RedisServer();
        try
        {
            if (host.Length > 0)
            {
                var certificate = await ServerCertificate.MakeAsync(server.Folder, host);
                server.Certificate = certificate.Pem;
                server._options =
                [
                    "--tls-port",
                    $"{server.TlsPort}",
                    "--tls-cert-file",
                    certificate.File,
                    "--tls-key-file",
                    certificate.KeyFile,
                    "--tls-auth-clients",
                    "no",
                ];
            }

            await File.WriteAllTextAsync(
                Path.Combine(server.Folder, "users.acl"),
                $"user default off\nuser {Admin} on >{Password} ~* &* +@all\n"
            );
            await server.RunAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a command with the client program.</summary>
    public async Task<string> CommandAsync(string user, string password, params string[] words) =>
        (
            await CallAsync(
                "redis-cli",
                ["-p", $"{Port}", "--user", user, "--pass", password, "--no-auth-warning", .. words]
            )
        ).Output.Trim();

    public Task AddUserAsync(string username, string password) =>
        CommandAsync(Admin, Password, "ACL", "SETUSER", username, "on", $">{password}", "+@all");

    public async Task<bool> LetsInAsync(string username, string password) =>
        await CommandAsync(username, password, "PING") == "PONG";

    public async Task<string[]> AllUsersAsync() =>
        (await CommandAsync(Admin, Password, "ACL", "USERS")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    protected override (string Program, string[] Arguments) Line() =>
        (
            "redis-server",
            [
                "--port",
                $"{Port}",
                "--bind",
                "127.0.0.1",
                "--dir",
                Folder,
                "--save",
                "",
                "--aclfile",
                Path.Combine(Folder, "users.acl"),
                .. _options,
            ]
        );

    protected override async Task<bool> AnswersAsync() => await CommandAsync(Admin, Password, "PING") == "PONG";
}
