using System.Diagnostics;
using System.Globalization;
using Mayfly.Benchmarks.Http;
using Npgsql;

namespace Mayfly.Benchmarks.Database;

/// <summary>A PostgreSQL of its own with its defaults, durability above all; and pgbench beside it.</summary>
internal sealed class MeasuredPostgres : IAsyncDisposable
{
    public const string Admin = "vault-admin";
    public const string Password = "admin";

    private readonly Process _process;
    private readonly string _folder;

    private MeasuredPostgres(Process process, string folder, int port)
    {
        _process = process;
        _folder = folder;
        Port = port;
    }

    public int Port { get; }

    private static string Programs =>
        Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Order().Last();

    private static bool IsRoot => Environment.UserName == "root";

    public static async Task<MeasuredPostgres> StartAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-bench-postgres-").FullName;
        var secret = Path.Combine(folder, "password");
        await File.WriteAllTextAsync(secret, Password, cancellation);
        if (IsRoot)
        {
            using var own = Process.Start("chown", ["-R", "postgres", folder]);
            await own.WaitForExitAsync(cancellation);
        }

        var data = Path.Combine(folder, "data");
        using (
            var init = Start("initdb", folder, ["-D", data, "-U", Admin, "-A", "scram-sha-256", $"--pwfile={secret}"])
        )
        {
            await init.WaitForExitAsync(cancellation);
        }

        var port = Child.FreePort();
        var process = Start(
            "postgres",
            folder,
            ["-D", data, "-p", $"{port}", "-k", folder, "-c", "listen_addresses=127.0.0.1"]
        );
        var server = new MeasuredPostgres(process, folder, port);
        while (!await server.LetsInAsync(Admin, Password, cancellation))
        {
            await Task.Delay(20, cancellation);
        }

        return server;
    }

    /// <summary>Whether a user may log in now.</summary>
    public async Task<bool> LetsInAsync(string user, string password, CancellationToken cancellation)
    {
        try
        {
            await using var connection = new NpgsqlConnection(Address(user, password));
            await connection.OpenAsync(cancellation);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    public async Task<T> ValueAsync<T>(string sql, CancellationToken cancellation)
    {
        await using var connection = new NpgsqlConnection(Address(Admin, Password));
        await connection.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(cancellation))!;
    }

    public async Task ExecuteAsync(string sql, CancellationToken cancellation)
    {
        await using var connection = new NpgsqlConnection(Address(Admin, Password));
        await connection.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>How often a second pgbench runs <paramref name="script"/> with so many connections.</summary>
    public async Task<double> PgbenchAsync(string script, int connections, int seconds, CancellationToken cancellation)
    {
        var file = Path.Combine(_folder, "script.sql");
        await File.WriteAllTextAsync(file, script, cancellation);
        var start = new ProcessStartInfo(
            Path.Combine(Programs, "pgbench"),
            [
                "-n",
                "-h",
                "127.0.0.1",
                "-p",
                $"{Port}",
                "-U",
                Admin,
                "-c",
                $"{connections}",
                "-j",
                "2",
                "-T",
                $"{seconds}",
                "-f",
                file,
                "postgres",
            ]
        )
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PGPASSWORD"] = Password;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(cancellation);
        var output = await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        var line =
            output.Split('\n').FirstOrDefault(line => line.StartsWith("tps = ", StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"pgbench failed: {await errors}");
        return double.Parse(line.Split(' ')[2], CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        // Fast shutdown: sessions end, and nothing is left behind.
        using (var stop = Process.Start("kill", ["-INT", $"{_process.Id}"]))
        {
            await stop.WaitForExitAsync();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Address(string user, string password) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = Port,
            Username = user,
            Password = password,
            Database = "postgres",
            Pooling = false,
        }.ConnectionString;

    /// <summary>PostgreSQL does not run as root.</summary>
    private static Process Start(string program, string folder, string[] arguments)
    {
        var path = Path.Combine(Programs, program);
        string[] line = IsRoot
            ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", path, .. arguments]
            : [path, .. arguments];
        var process = Process.Start(
            new ProcessStartInfo(line[0], line[1..])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = folder,
            }
        )!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}
