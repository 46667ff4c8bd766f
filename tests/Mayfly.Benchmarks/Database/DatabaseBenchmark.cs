using System.Diagnostics;
using System.Text.Json;
using Mayfly.Benchmarks.Http;

namespace Mayfly.Benchmarks.Database;

/// <summary>
/// Users in PostgreSQL: issued over HTTP, audited and with durable leases, beside pgbench's CREATE ROLE of the same statement
/// from as many connections; revoked by prefix; and how long a revoked password still works.
/// </summary>
internal static class DatabaseBenchmark
{
    private const int Connections = 4;
    private const int Clients = 32;
    private const int Rounds = 3;
    private const int Seconds = 4;
    private const int Revocations = 200;

    private const string Login = "WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'";

    private const string Baseline = """
        \set r random(1, 1000000000000000)
        CREATE ROLE "bench_:r" WITH LOGIN PASSWORD 'A1b-2345678901234567' VALID UNTIL '2030-01-01 00:00:00+0000'
        """;

    public static async Task<IReadOnlyList<Figure>> MainAsync(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-bench-").FullName;
        try
        {
            await using var postgres = await MeasuredPostgres.StartAsync(cancellation);
            await using var vault = await MeasuredVault.StartAsync(folder, audit: true, tls: null, cancellation);
            using var http = Child.Http();
            http.DefaultRequestHeaders.Add("X-Vault-Token", vault.RootToken);
            await FurnishAsync(vault, postgres, http, cancellation);
            var figures = new List<Figure>();
            await RatesAsync(vault, postgres, http, figures, cancellation);
            await RefusalAsync(vault, postgres, http, figures, cancellation);
            return figures;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task FurnishAsync(
        MeasuredVault vault,
        MeasuredPostgres postgres,
        HttpClient http,
        CancellationToken cancellation
    )
    {
        await postgres.ExecuteAsync(
            "CREATE SCHEMA app; CREATE TABLE app.a (id int); CREATE TABLE app.b (id int)",
            cancellation
        );
        await vault.CallAsync(
            http,
            HttpMethod.Post,
            "/v1/sys/mounts/database",
            new { type = "database" },
            cancellation
        );
        foreach (var (name, authentication) in new[] { ("db", "password"), ("hashed", "scram-sha-256") })
        {
            await vault.CallAsync(
                http,
                HttpMethod.Post,
                $"/v1/database/config/{name}",
                new
                {
                    plugin_name = "postgresql-database-plugin",
                    connection_url = $"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{postgres.Port}/postgres",
                    allowed_roles = "*",
                    username = MeasuredPostgres.Admin,
                    password = MeasuredPostgres.Password,
                    max_open_connections = Connections,
                    password_authentication = authentication,
                },
                cancellation
            );
        }

        foreach (
            var (name, database, more) in new[]
            {
                ("plain", "db", ""),
                ("hashed", "hashed", ""),
                ("grants", "db", "; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA app TO \"{{name}}\""),
            }
        )
        {
            await vault.CallAsync(
                http,
                HttpMethod.Post,
                $"/v1/database/roles/{name}",
                new
                {
                    db_name = database,
                    creation_statements = $"CREATE ROLE \"{{{{name}}}}\" {Login}{more}",
                    default_ttl = "24h",
                },
                cancellation
            );
        }
    }

    /// <summary>In turns, so that what the machine does besides meets all alike.</summary>
    private static async Task RatesAsync(
        MeasuredVault vault,
        MeasuredPostgres postgres,
        HttpClient http,
        List<Figure> figures,
        CancellationToken cancellation
    )
    {
        var alone = new List<double>();
        var issued = new Dictionary<string, List<double>>(StringComparer.Ordinal);
        var revoked = new Dictionary<string, List<double>>(StringComparer.Ordinal);
        for (var round = 0; round < Rounds; round++)
        {
            alone.Add(await postgres.PgbenchAsync(Baseline, Connections, Seconds, cancellation));
            foreach (var role in new[] { "plain", "hashed", "grants" })
            {
                Of(issued, role).Add(await IssueAsync(vault, http, role, cancellation));
                Of(revoked, role).Add(await RevokeAsync(vault, postgres, http, role, cancellation));
            }
        }

        var baseline = Median(alone);
        var plain = Median(issued["plain"]);
        figures.Add(new("database.pgbench", baseline, $"CREATE ROLE/s, {Connections} connections"));
        figures.Add(new("database.issue (goal 0.70)", plain / baseline, "times pgbench's rate"));
        figures.Add(
            new("database.revoke-prefix (goal 1.00)", Median(revoked["plain"]) / plain, "times the rate of issuing")
        );
        foreach (var role in issued.Keys)
        {
            figures.Add(new($"database.issue.{role}", Median(issued[role]), "credentials/s"));
            figures.Add(new($"database.revoke-prefix.{role}", Median(revoked[role]), "credentials/s"));
        }
    }

    private static async Task<double> IssueAsync(
        MeasuredVault vault,
        HttpClient http,
        string role,
        CancellationToken cancellation
    )
    {
        var count = 0;
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(
            Enumerable
                .Range(0, Clients)
                .Select(async _ =>
                {
                    while (Stopwatch.GetElapsedTime(began).TotalSeconds < Seconds)
                    {
                        await vault.CallAsync(http, HttpMethod.Get, $"/v1/database/creds/{role}", null, cancellation);
                        Interlocked.Increment(ref count);
                    }
                })
        );
        return count / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static async Task<double> RevokeAsync(
        MeasuredVault vault,
        MeasuredPostgres postgres,
        HttpClient http,
        string role,
        CancellationToken cancellation
    )
    {
        const string Count = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'v-%'";
        var users = await postgres.ValueAsync<long>(Count, cancellation);
        var began = Stopwatch.GetTimestamp();
        await vault.CallAsync(
            http,
            HttpMethod.Put,
            $"/v1/sys/leases/revoke-prefix/database/creds/{role}",
            new { },
            cancellation
        );
        while (await postgres.ValueAsync<long>(Count, cancellation) > 0)
        {
            await Task.Delay(10, cancellation);
        }

        return users / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    /// <summary>From the request to revoke until PostgreSQL has refused the password.</summary>
    private static async Task RefusalAsync(
        MeasuredVault vault,
        MeasuredPostgres postgres,
        HttpClient http,
        List<Figure> figures,
        CancellationToken cancellation
    )
    {
        var times = new List<double>();
        for (var i = 0; i < Revocations; i++)
        {
            var made = await vault.CallAsync(http, HttpMethod.Get, "/v1/database/creds/plain", null, cancellation);
            var (user, password) = (Text(made, "username"), Text(made, "password"));
            if (!await postgres.LetsInAsync(user, password, cancellation))
            {
                throw new InvalidOperationException("a credential that was just issued does not work");
            }

            var began = Stopwatch.GetTimestamp();
            var lease = made.GetProperty("lease_id").GetString();
            await vault.CallAsync(
                http,
                HttpMethod.Put,
                "/v1/sys/leases/revoke",
                new { lease_id = lease },
                cancellation
            );
            while (await postgres.LetsInAsync(user, password, cancellation)) { }

            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        times.Sort();
        figures.Add(
            new("database.refused.p50", times[times.Count / 2], "ms from the revocation to PostgreSQL's refusal")
        );
        figures.Add(
            new(
                "database.refused.p99 (goal < 1000)",
                times[times.Count * 99 / 100],
                "ms from the revocation to PostgreSQL's refusal"
            )
        );
    }

    private static string Text(JsonElement reply, string name) =>
        reply.GetProperty("data").GetProperty(name).GetString()!;

    private static List<double> Of(Dictionary<string, List<double>> rates, string role)
    {
        if (!rates.TryGetValue(role, out var list))
        {
            rates[role] = list = [];
        }

        return list;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
