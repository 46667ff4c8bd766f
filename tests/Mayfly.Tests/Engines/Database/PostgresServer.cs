using System.Diagnostics;
using System.Text;
using Npgsql;

namespace Mayfly.Tests.Engines.Database;

/// <summary>
/// A PostgreSQL of its own: on a free port of the loopback address, with a data folder of its own, gone when the test is.
/// </summary>
public sealed class PostgresServer : IDatabaseServer
{
    public const string Admin = "vault-admin";
    public const string Password = "it's the-admin's \"p@ss/word\" $$ \\ %41";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly bool IsRoot = Environment.UserName == "root";

    private readonly StringBuilder _output = new();
    private readonly string _folder;
    private readonly string[] _options;
    private Process? _process;

    private PostgresServer(string folder, string[] options)
    {
        _folder = folder;
        _options = options;
        Port = FreePort.Choose();
    }

    public int Port { get; }

    /// <summary>As an administrator connects.</summary>
    public string ConnectionString =>
        new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = Port,
            Username = Admin,
            Password = Password,
            Database = "postgres",
            Pooling = false,
        }.ConnectionString;

    public object ConfigurationAt(int port) =>
        new
        {
            plugin_name = "postgresql-database-plugin",
            connection_url = $"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{port}/postgres",
            allowed_roles = "*",
            username = Admin,
            password = Password,
        };

    public string Creation =>
        "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'";

    public string FailingCreation => Creation + "; GRANT SELECT ON no_such_table TO \"{{name}}\"";

    /// <summary>What the server has written.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    private static string Programs =>
        Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Order().Last();

    /// <param name="options">Settings such as <c>log_statement=all</c>.</param>
    public static async Task<PostgresServer> StartAsync(params string[] options)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-postgres-").FullName;
        return await StartAsync(new PostgresServer(folder, options));
    }

    private static async Task<PostgresServer> StartAsync(PostgresServer server)
    {
        try
        {
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

    /// <summary>One that speaks TLS, with a certificate for <paramref name="host"/> that is its own authority.</summary>
    /// <returns>The server, and its certificate in PEM.</returns>
    public static async Task<(PostgresServer Server, string Certificate)> StartTlsAsync(string host)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-postgres-").FullName;
        var certificate = await ServerCertificate.MakeAsync(folder, host);
        string[] options = ["ssl=on", $"ssl_cert_file={certificate.File}", $"ssl_key_file={certificate.KeyFile}"];
        return (await StartAsync(new PostgresServer(folder, options)), certificate.Pem);
    }

    /// <summary>Starts it again on its data after <see cref="KillAsync"/>.</summary>
    public async Task RunAsync()
    {
        string[] options = ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=200", .. _options];
        string[] arguments =
        [
            "-D",
            Path.Combine(_folder, "data"),
            "-p",
            $"{Port}",
            "-k",
            _folder,
            .. options.SelectMany(option => (string[])["-c", option]),
        ];
        _process = Start(Path.Combine(Programs, "postgres"), arguments);
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                await using var connection = new NpgsqlConnection(ConnectionString);
                await connection.OpenAsync(limit.Token);
                return;
            }
            catch (NpgsqlException) when (!_process.HasExited)
            {
                await Task.Delay(20, limit.Token);
            }
        }
    }

    /// <summary>SIGKILL: what the sessions were doing is lost.</summary>
    public async Task KillAsync()
    {
        // The sessions' own processes notice that the first one is gone, and end.
        _process!.Kill();
        await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
        _process.Dispose();
        _process = null;
        using var limit = new CancellationTokenSource(Patience);
        while (Directory.GetDirectories("/proc").Any(IsOurs))
        {
            await Task.Delay(10, limit.Token);
        }
    }

    /// <summary>Runs SQL as the administrator.</summary>
    public async Task ExecuteAsync(string sql, string database = "postgres")
    {
        await using var connection = await ConnectAsync(Admin, Password, database);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>One value, as the administrator.</summary>
    public async Task<T> ValueAsync<T>(string sql, string database = "postgres")
    {
        await using var connection = await ConnectAsync(Admin, Password, database);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    /// <summary>The names of users that begin with <paramref name="prefix"/>.</summary>
    public Task<string[]> UsersAsync(string prefix = "v-") =>
        ValueAsync<string[]>(
            $"SELECT coalesce(array_agg(rolname::text ORDER BY 1), '{{}}') FROM pg_roles WHERE starts_with(rolname, '{prefix}')"
        );

    public Task<string[]> AllUsersAsync() => UsersAsync(prefix: "");

    public Task AddUserAsync(string username, string password) =>
        ExecuteAsync($"CREATE ROLE \"{username}\" LOGIN PASSWORD '{password}'");

    public async Task<bool> LetsInAsync(string username, string password)
    {
        try
        {
            await using var connection = await ConnectAsync(username, password);
            return true;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InvalidPassword)
        {
            return false;
        }
    }

    /// <summary>An open connection of that user.</summary>
    public async Task<NpgsqlConnection> ConnectAsync(string user, string password, string database = "postgres")
    {
        var settings = new NpgsqlConnectionStringBuilder(ConnectionString)
        {
            Username = user,
            Password = password,
            Database = database,
        };
        var connection = new NpgsqlConnection(settings.ConnectionString);
        try
        {
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await KillAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private async Task InitializeAsync()
    {
        var secret = Path.Combine(_folder, "password");
        await File.WriteAllTextAsync(secret, Password);
        if (IsRoot)
        {
            using var own = Process.Start("chown", ["-R", "postgres", _folder]);
            await own.WaitForExitAsync();
        }

        string[] arguments =
        [
            "-D",
            Path.Combine(_folder, "data"),
            "-U",
            Admin,
            "-A",
            "scram-sha-256",
            $"--pwfile={secret}",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        ];
        using var process = Start(Path.Combine(Programs, "initdb"), arguments);
        await process.WaitForExitAsync().WaitAsync(Patience);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"initdb failed: {Output}");
        }
    }

    /// <summary>PostgreSQL does not run as root.</summary>
    private Process Start(string program, string[] arguments)
    {
        string[] line = IsRoot
            ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", program, .. arguments]
            : [program, .. arguments];
        var start = new ProcessStartInfo(line[0], line[1..])
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = _folder,
        };
        var process = Process.Start(start)!;
        process.OutputDataReceived += Take;
        process.ErrorDataReceived += Take;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private bool IsOurs(string process)
    {
        try
        {
            return new FileInfo(Path.Combine(process, "cwd"))
                    .ResolveLinkTarget(false)
                    ?.FullName.StartsWith(_folder, StringComparison.Ordinal) == true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private void Take(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            _output.AppendLine(line.Data);
        }
    }
}
