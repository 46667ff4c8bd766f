using System.Data.Common;
using Mayfly.Client;
using Mayfly.Client.Hosting;
using Mayfly.Client.Npgsql;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;
using Mayfly.Tests.Engines.Database;
using Mayfly.Tests.Rotation;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Mayfly.Tests.Client.Npgsql;

/// <summary>A real server, a real PostgreSQL, and programs that query it all the time: none of them may notice a change.</summary>
public sealed class LiveNpgsqlTests(DatabaseServers servers)
{
    private const int Queriers = 8;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_query_fails_while_two_users_take_turns()
    {
        var postgres = await servers.PostgresAsync();
        await postgres.ExecuteAsync("CREATE ROLE live_a LOGIN; CREATE ROLE live_b LOGIN");
        await using var server = await ServerProcess.StartDevAsync();
        using var client = Client(server);
        await ConfigureAsync(client, postgres);
        await WriteAsync(
            client,
            "database/static-roles/live",
            $$"""
            {"db_name":"db","username":"live_a","second_username":"live_b","rotation_period":"24h",
             "consumer_wait":"2s","retire_after":"1s"}
            """
        );
        await using var secrets = new LiveSecrets(
            new MayflySecretSource(client, new MayflySecretSourceOptions { Consumer = "live/1" }),
            new LiveSecretsOptions { Acknowledgement = Acknowledgement.ByProgram }
        );
        var secret = secrets.Get("database/static-creds/live");
        await using var database = new LiveNpgsqlDataSource(Settings(postgres), secret);

        await using var load = await Load.StartAsync(database);
        for (var i = 0; i < 3; i++)
        {
            var before = await secret.GetAsync(Cancellation);
            await WriteAsync(client, "sys/rotation/rotate/database/static-roles/live", """{"reason":"a test"}""");
            await secret.WaitForChangeAsync(before, Cancellation);
            await load.PassAsync(200);
            await RotationFunction.WaitForAsync(
                () => IsIdleAsync(client).GetAwaiter().GetResult(),
                "the rotation did not come to its end"
            );
        }

        await load.StopAsync();
        Assert.Equal("", load.Failure);
        Assert.Equal(["live_a", "live_b"], load.Users.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task No_query_fails_while_dynamic_credentials_are_replaced_and_their_pools_go()
    {
        var postgres = await servers.PostgresAsync();
        // Users end when the clock that the test moves says so, however slow the machine is.
        await using var served = await ServedVault.StartAsync();
        served.Time.Advance(TimeProvider.System.GetUtcNow() - served.Time.GetUtcNow());
        await served.Vault.MountDatabaseAsync(postgres);
        await served.WriteAsync(
            "database/roles/app",
            """
            {"db_name":"db","default_ttl":"1h","max_ttl":"2h",
             "creation_statements":"CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"}
            """
        );
        using var client = new MayflyClient(served.Options with { Token = served.Vault.RootToken });
        await using var secrets = new LiveSecrets(
            new MayflySecretSource(client),
            new LiveSecretsOptions { Watch = false, Time = served.Time }
        );
        var secret = secrets.Get("database/creds/app");
        await using var database = new LiveNpgsqlDataSource(Settings(postgres), secret);

        await using var load = await Load.StartAsync(database);
        for (var i = 0; i < 3; i++)
        {
            var before = await secret.GetAsync(Cancellation);
            while (ReferenceEquals(secret.Current, before))
            {
                await PassAsync(TimeSpan.FromMinutes(1));
            }

            Assert.Contains(before["username"], await postgres.UsersAsync());
            await load.TurnOverAsync();
            // Two hours after it was made it is gone, of which more than a half had passed when it was replaced.
            await PassAsync(TimeSpan.FromMinutes(30));
            Assert.DoesNotContain(before["username"], await postgres.UsersAsync());
            await load.PassAsync(200);
        }

        await load.StopAsync();
        Assert.Equal("", load.Failure);
        Assert.True(load.Users.Count >= 4, $"{load.Users.Count} users");
        await using var connection = await postgres.ConnectAsync(PostgresServer.Admin, PostgresServer.Password);
        await using var sessions = new NpgsqlCommand(
            "SELECT count(DISTINCT usename) FROM pg_stat_activity WHERE usename LIKE 'v-%-app-%'",
            connection
        );
        await RotationFunction.WaitForAsync(
            () => (long)sessions.ExecuteScalar()! == 1,
            "sessions of users that were replaced are left"
        );

        async Task PassAsync(TimeSpan span)
        {
            for (var passed = TimeSpan.Zero; passed < span; passed += TimeSpan.FromMinutes(1))
            {
                await served.Vault.AdvanceAsync(TimeSpan.FromMinutes(1));
                await secret.IdleAsync();
            }
        }
    }

    [Fact]
    public async Task A_password_that_was_changed_behind_its_back_is_read_again_and_tried_once_more()
    {
        var postgres = await servers.PostgresAsync();
        await postgres.ExecuteAsync("CREATE ROLE live_kv LOGIN PASSWORD 'first-password'");
        var source = new MockSecretSource();
        source.Set("db", new("username", "live_kv"), new("password", "first-password"));
        await using var secrets = new LiveSecrets(
            source,
            new LiveSecretsOptions { Watch = false, LeastInterval = TimeSpan.Zero }
        );
        await using var database = new LiveNpgsqlDataSource(Settings(postgres), secrets.Get("db"));
        await using (await database.OpenConnectionAsync(Cancellation)) { }

        await postgres.ExecuteAsync("ALTER ROLE live_kv PASSWORD 'second-password'");
        source.Set("db", new("username", "live_kv"), new("password", "second-password"));
        await using (var busy = await database.OpenConnectionAsync(Cancellation))
        await using (var other = await database.OpenConnectionAsync(Cancellation))
        {
            // The pool of the first password is closed, and what was in use is still good.
            await using var command = new NpgsqlCommand("SELECT current_user", busy);
            Assert.Equal("live_kv", await command.ExecuteScalarAsync(Cancellation));
            Assert.Equal(2, source.Fetches.Count);
        }

        Assert.DoesNotContain("password", database.ConnectionString, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_refusal_with_nothing_newer_is_told_as_the_database_said_it()
    {
        var postgres = await servers.PostgresAsync();
        var source = new MockSecretSource();
        source.Set("db", new("username", "live_nobody"), new("password", "wrong-password"));
        await using var secrets = new LiveSecrets(source, new LiveSecretsOptions { LeastInterval = TimeSpan.Zero });
        await using var database = new LiveNpgsqlDataSource(Settings(postgres), secrets.Get("db"));

        var refusal = await Assert.ThrowsAsync<PostgresException>(async () =>
            await database.OpenConnectionAsync(Cancellation)
        );

        Assert.Equal(PostgresErrorCodes.InvalidPassword, refusal.SqlState);
        Assert.DoesNotContain("wrong-password", refusal.ToString(), StringComparison.Ordinal);
        Assert.Equal(2, source.Fetches.Count);
    }

    [Fact]
    public async Task Without_a_field_for_the_user_that_of_the_connection_string_stays_and_commands_and_synchronous_calls_work()
    {
        var postgres = await servers.PostgresAsync();
        await postgres.ExecuteAsync("CREATE ROLE live_plain LOGIN PASSWORD 'only-a-password'");
        var source = new MockSecretSource();
        source.Set("db", new KeyValuePair<string, string>("pw", "only-a-password"));
        await using var secrets = new LiveSecrets(source);
        var secret = secrets.Get("db");
        var database = new LiveNpgsqlDataSource(
            Settings(postgres) + ";Username=live_plain",
            secret,
            new LiveNpgsqlOptions { PasswordField = "pw", Configure = builder => builder.Name = "the pool" }
        );
        Assert.Throws<SecretUnavailableException>(database.OpenConnection);
        await secret.GetAsync(Cancellation);

        using (database.OpenConnection()) { }

        using (var command = database.CreateCommand("SELECT current_user"))
        {
            Assert.Equal("live_plain", command.ExecuteScalar());
        }

        await database.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await database.OpenConnectionAsync(Cancellation));
    }

    [Fact]
    public async Task A_program_gets_it_by_dependency_injection()
    {
        var postgres = await servers.PostgresAsync();
        await postgres.ExecuteAsync("CREATE ROLE live_injected LOGIN PASSWORD 'injected-password'");
        var source = new MockSecretSource();
        source.Set("db", new("username", "live_injected"), new("password", "injected-password"));
        await using var services = new ServiceCollection()
            .AddSingleton<ISecretSource>(source)
            .AddMayfly()
            .AddLiveNpgsql(Settings(postgres), "db")
            .BuildServiceProvider();

        await using var connection = await services
            .GetRequiredService<DbDataSource>()
            .OpenConnectionAsync(Cancellation);

        Assert.Equal("postgres", connection.Database);
    }

    private static MayflyClient Client(ServerProcess server) =>
        new(new MayflyClientOptions { Address = server.Address, Token = ServerProcess.DevToken });

    private static string Settings(PostgresServer postgres) =>
        $"Host=127.0.0.1;Port={postgres.Port};Database=postgres;Maximum Pool Size={Queriers / 2}";

    private static async Task ConfigureAsync(MayflyClient client, PostgresServer postgres)
    {
        await WriteAsync(client, "sys/mounts/database", """{"type":"database"}""");
        await WriteAsync(
            client,
            "database/config/db",
            System.Text.Json.JsonSerializer.Serialize(postgres.ConfigurationAt(postgres.Port))
        );
    }

    private static async Task<bool> IsIdleAsync(MayflyClient client) =>
        (await client.ReadAsync("sys/rotation/status/database/static-roles/live", Cancellation))
            .EnsureSuccess()
            .Data.GetProperty("step")
            .GetString() == "idle";

    private static async Task WriteAsync(MayflyClient client, string path, string json) =>
        (await client.WriteAsync(path, System.Text.Encoding.UTF8.GetBytes(json), Cancellation)).EnsureSuccess();

    /// <summary>Programs that query without a pause.</summary>
    private sealed class Load : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        private readonly System.Collections.Concurrent.ConcurrentDictionary<string, int> _users = new();
        private readonly LiveNpgsqlDataSource _database;
        private readonly List<Task> _running = [];
        private readonly int[] _rounds = new int[Queriers];
        private int _queries;

        private Load(LiveNpgsqlDataSource database) => _database = database;

        public string Failure { get; private set; } = "";

        public ICollection<string> Users => _users.Keys;

        public static async Task<Load> StartAsync(LiveNpgsqlDataSource database)
        {
            var load = new Load(database);
            load._running.AddRange(Enumerable.Range(0, Queriers).Select(load.RunAsync));
            await load.PassAsync(50);
            return load;
        }

        /// <summary>Waits until so many more queries have been answered, or one was not.</summary>
        public async Task PassAsync(int queries)
        {
            var goal = Volatile.Read(ref _queries) + queries;
            await RotationFunction.WaitForAsync(
                () => Volatile.Read(ref _queries) >= goal || Failure.Length > 0,
                "no queries were answered"
            );
        }

        /// <summary>Waits until nobody holds a connection of before any longer.</summary>
        public async Task TurnOverAsync()
        {
            var goals = _rounds.Select(rounds => rounds + 2).ToList();
            await RotationFunction.WaitForAsync(
                () => goals.Zip(_rounds).All(each => each.Second >= each.First) || Failure.Length > 0,
                "somebody has not come to an end"
            );
        }

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_running);
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            _stop.Dispose();
        }

        private async Task RunAsync(int querier)
        {
            try
            {
                while (!_stop.IsCancellationRequested)
                {
                    await using var connection = await _database.OpenConnectionAsync(CancellationToken.None);
                    await using var command = new NpgsqlCommand("SELECT current_user FROM pg_sleep(0.002)", connection);
                    var user = (string)(await command.ExecuteScalarAsync(CancellationToken.None))!;
                    _users[user] = Interlocked.Increment(ref _queries);
                    Interlocked.Increment(ref _rounds[querier]);
                }
            }
            catch (Exception e)
            {
                Failure = $"after {_queries} queries by {_users.Count} users: {e}";
                await _stop.CancelAsync();
            }
        }
    }
}
