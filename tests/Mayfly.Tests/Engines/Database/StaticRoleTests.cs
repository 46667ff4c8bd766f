using System.Text;
using Mayfly.Core.Engines;
using Mayfly.Core.Engines.Database;
using Mayfly.Core.Pipeline;
using Npgsql;

namespace Mayfly.Tests.Engines.Database;

/// <summary>Users that are there already, whose passwords are rotated.</summary>
public sealed class StaticRoleTests(DatabaseServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_user_is_taken_over_and_rotated_by_schedule_and_on_demand()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync("CREATE ROLE taken_over LOGIN PASSWORD 'before'");
        await using var engine = await DatabaseHarness.StartAsync(server);

        (
            await engine.WriteAsync(
                "static-roles/app",
                new
                {
                    db_name = "db",
                    username = "taken_over",
                    rotation_period = "1h",
                }
            )
        ).IsDone();

        var first = await CredentialAsync(engine);
        Assert.Equal("taken_over", first.Username);
        await using (await server.ConnectAsync("taken_over", first.Password)) { }

        await RefusedAsync(server, "taken_over", "before");
        var data = (await engine.ReadAsync("static-creds/app")).Data();
        Assert.Equal(3600, data.GetProperty("rotation_period").GetInt64());
        Assert.InRange(data.GetProperty("ttl").GetInt64(), 3590, 3600);
        Assert.True(data.TryGetProperty("last_vault_rotation", out _));

        (await engine.WriteAsync("rotate-role/app", new { })).IsDone();
        var second = await CredentialAsync(engine);
        Assert.NotEqual(first.Password, second.Password);
        await using (await server.ConnectAsync("taken_over", second.Password)) { }

        engine.Engine.Time.Advance(TimeSpan.FromHours(1));
        await engine.Engine.RunRotationsAsync();
        Assert.NotEqual(second.Password, (await CredentialAsync(engine)).Password);
        (await engine.Engine.HandleAsync(Operation.Delete, "static-roles/app")).IsDone();
        Assert.Equal(FaultKind.Invalid, (await engine.ReadAsync("static-creds/app")).Fault?.Kind);
    }

    [Fact]
    public async Task Two_users_take_turns_and_the_one_before_stays_valid()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync("CREATE ROLE twin_a LOGIN; CREATE ROLE twin_b LOGIN");
        await using var engine = await DatabaseHarness.StartAsync(server);
        (
            await engine.WriteAsync(
                "static-roles/app",
                new
                {
                    db_name = "db",
                    username = "twin_a",
                    second_username = "twin_b",
                    rotation_period = "1h",
                }
            )
        ).IsDone();

        var first = await CredentialAsync(engine);
        (await engine.WriteAsync("rotate-role/app", new { })).IsDone();
        var second = await CredentialAsync(engine);

        Assert.Equal(("twin_a", "twin_b"), (first.Username, second.Username));
        await using (await server.ConnectAsync(first.Username, first.Password)) { }

        await using (await server.ConnectAsync(second.Username, second.Password)) { }

        (await engine.WriteAsync("rotate-role/app", new { })).IsDone();
        Assert.Equal("twin_a", (await CredentialAsync(engine)).Username);
        await RefusedAsync(server, first.Username, first.Password);
        await using (await server.ConnectAsync(second.Username, second.Password)) { }
    }

    [Fact]
    public async Task Scans_can_look_for_the_password_and_for_the_one_before()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync("CREATE ROLE looked_for LOGIN; CREATE ROLE looked_too LOGIN");
        await using var engine = await DatabaseHarness.StartAsync(server);
        (
            await engine.WriteAsync(
                "static-roles/app",
                new
                {
                    db_name = "db",
                    username = "looked_for",
                    second_username = "looked_too",
                    rotation_period = "1h",
                }
            )
        ).IsDone();
        var first = await CredentialAsync(engine);
        (await engine.WriteAsync("rotate-role/app", new { })).IsDone();
        var second = await CredentialAsync(engine);

        var held = new Dictionary<string, string>(StringComparer.Ordinal);
        await ((IHoldsSecrets)engine.Engine.Engine).VisitAsync(
            (secret, json) => held[secret.Family + secret.Name + ' ' + secret.Version] = Encoding.UTF8.GetString(json),
            Cancellation
        );
        Assert.Contains(second.Password, held["static-creds/app current"], StringComparison.Ordinal);
        Assert.Contains(first.Password, held["static-creds/app previous"], StringComparison.Ordinal);
        Assert.Equal(2, held.Count);
    }

    [Fact]
    public async Task A_password_can_be_brought_along_until_its_time_comes()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync("CREATE ROLE brought LOGIN PASSWORD 'along'");
        await using var engine = await DatabaseHarness.StartAsync(server);

        (
            await engine.WriteAsync(
                "static-roles/app",
                new
                {
                    db_name = "db",
                    username = "brought",
                    rotation_schedule = "0 3 * * *",
                    skip_import_rotation = true,
                    password = "along",
                }
            )
        ).IsDone();

        Assert.Equal("along", (await CredentialAsync(engine)).Password);
        Assert.DoesNotContain("along", (await engine.ReadAsync("static-roles/app")).Text(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rotation_that_fails_leaves_the_password_that_was()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync("CREATE ROLE steady LOGIN");
        await using var engine = await DatabaseHarness.StartAsync(server);
        (
            await engine.WriteAsync(
                "static-roles/app",
                new
                {
                    db_name = "db",
                    username = "steady",
                    rotation_period = "1h",
                }
            )
        ).IsDone();
        var before = await CredentialAsync(engine);
        // Sets something else than the password that it is given.
        (
            await engine.WriteAsync(
                "static-roles/app",
                new { rotation_statements = "ALTER ROLE {{name}} PASSWORD 'x{{password}}'" }
            )
        ).IsDone();

        var outcome = await engine.WriteAsync("rotate-role/app", new { });

        Assert.Contains("not taken", outcome.Fault!.Messages[0], StringComparison.Ordinal);
        Assert.Equal(before, await CredentialAsync(engine));
        (await engine.WriteAsync("static-roles/app", new { rotation_statements = "" })).IsDone();
        engine.Engine.Time.Advance(TimeSpan.FromHours(1));
        await engine.Engine.RunRotationsAsync();
        var after = await CredentialAsync(engine);
        await using (await server.ConnectAsync("steady", after.Password)) { }
    }

    [Fact]
    public async Task A_user_that_cannot_be_taken_over_makes_no_role()
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);

        var outcome = await engine.WriteAsync(
            "static-roles/app",
            new
            {
                db_name = "db",
                username = "no_such_user",
                rotation_period = "1h",
            }
        );

        Assert.Contains("no_such_user", outcome.Fault!.Messages[0], StringComparison.Ordinal);
        Assert.Equal(FaultKind.NotFound, (await engine.ReadAsync("static-roles/app")).Fault?.Kind);
    }

    [Theory]
    [InlineData("{\"username\":\"u\",\"rotation_period\":\"1h\"}", "database name is a required field")]
    [InlineData(
        "{\"db_name\":\"db\",\"rotation_period\":\"1h\"}",
        "username is a required field to create a static account"
    )]
    [InlineData(
        "{\"db_name\":\"db\",\"username\":\"u\"}",
        "one of rotation_schedule or rotation_period must be provided to create a static account"
    )]
    [InlineData(
        "{\"db_name\":\"db\",\"username\":\"u\",\"rotation_period\":\"1s\"}",
        "rotation_period must be 5 seconds or more"
    )]
    [InlineData(
        "{\"db_name\":\"db\",\"username\":\"u\",\"rotation_period\":\"1h\",\"skip_import_rotation\":true}",
        "go together"
    )]
    [InlineData(
        "{\"db_name\":\"db\",\"username\":\"u\",\"rotation_period\":\"1h\",\"rotation_mode\":\"dual\"}",
        "second_username"
    )]
    [InlineData(
        "{\"db_name\":\"none\",\"username\":\"u\",\"rotation_period\":\"1h\"}",
        "failed to find entry for connection with name: \"none\""
    )]
    [InlineData(
        "{\"db_name\":\"db\",\"username\":\"u\",\"rotation_period\":\"1h\",\"rotation_statements\":\"COMMIT\"}",
        "rotation_statements"
    )]
    public async Task What_is_wrong_with_a_static_role_is_said(string body, string expected)
    {
        var server = await servers.PostgresAsync();
        await using var engine = await DatabaseHarness.StartAsync(server);

        var outcome = await engine.Engine.HandleAsync(Operation.Update, "static-roles/app", body);

        Assert.Equal(FaultKind.Invalid, outcome.Fault?.Kind);
        Assert.Contains(expected, outcome.Fault!.Messages[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Roles_of_both_kinds_share_their_names()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync("CREATE ROLE shared_name LOGIN");
        await using var engine = await DatabaseHarness.StartAsync(server);
        await engine.RoleAsync("dynamic");
        (
            await engine.WriteAsync(
                "static-roles/static",
                new
                {
                    db_name = "db",
                    username = "shared_name",
                    rotation_period = "1h",
                }
            )
        ).IsDone();

        (
            await engine.WriteAsync(
                "static-roles/dynamic",
                new
                {
                    db_name = "db",
                    username = "x",
                    rotation_period = "1h",
                }
            )
        ).Failed(FaultKind.Invalid, StaticRoles.NotUnique);
        (await engine.WriteAsync("roles/static", new { db_name = "db" })).Failed(
            FaultKind.Invalid,
            StaticRoles.NotUnique
        );
    }

    [Fact]
    public async Task A_rotation_while_the_database_is_away_is_taken_up_when_it_is_back()
    {
        await using var server = await PostgresServer.StartAsync();
        await server.ExecuteAsync("CREATE ROLE patient LOGIN");
        await using var engine = await DatabaseHarness.StartAsync(server);
        (
            await engine.WriteAsync(
                "static-roles/app",
                new
                {
                    db_name = "db",
                    username = "patient",
                    rotation_period = "1h",
                }
            )
        ).IsDone();
        var before = await CredentialAsync(engine);

        await server.KillAsync();
        Assert.NotNull((await engine.WriteAsync("rotate-role/app", new { })).Fault);
        Assert.Equal(before, await CredentialAsync(engine));
        await server.RunAsync();
        engine.Engine.Time.Advance(TimeSpan.FromHours(2));
        await engine.Engine.RunRotationsAsync();
        await engine.Engine.RunRotationsAsync();

        await using (await server.ConnectAsync("patient", (await CredentialAsync(engine)).Password)) { }
    }

    [Fact]
    public async Task Clients_that_query_through_rotations_of_two_users_do_not_meet_a_failure()
    {
        const int Clients = 4;
        const int Rotations = 6;
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync("CREATE ROLE pooled_a LOGIN; CREATE ROLE pooled_b LOGIN");
        await using var engine = await DatabaseHarness.StartAsync(server);
        (
            await engine.WriteAsync(
                "static-roles/app",
                new
                {
                    db_name = "db",
                    username = "pooled_a",
                    second_username = "pooled_b",
                    rotation_period = "1h",
                }
            )
        ).IsDone();
        var queries = new int[Clients];
        using var stop = new CancellationTokenSource();
        var clients = Enumerable
            .Range(0, Clients)
            .Select(async client =>
            {
                while (!stop.IsCancellationRequested)
                {
                    var (user, password) = await CredentialAsync(engine);
                    await using var connection = await server.ConnectAsync(user, password);
                    await using var query = new NpgsqlCommand("SELECT 1", connection);
                    await query.ExecuteScalarAsync(Cancellation);
                    Interlocked.Increment(ref queries[client]);
                }
            })
            .ToList();

        for (var rotation = 0; rotation < Rotations; rotation++)
        {
            (await engine.WriteAsync("rotate-role/app", new { })).IsDone();
            // Every client has read the new password, and used it.
            var before = queries.ToArray();
            while (Enumerable.Range(0, Clients).Any(client => Volatile.Read(ref queries[client]) < before[client] + 2))
            {
                Assert.DoesNotContain(clients, client => client.IsFaulted);
                await Task.Delay(2, Cancellation);
            }
        }

        await stop.CancelAsync();
        await Task.WhenAll(clients);
    }

    [Fact]
    public async Task In_an_emergency_the_password_before_ends_at_once_with_its_sessions()
    {
        var server = await servers.PostgresAsync();
        await server.ExecuteAsync("CREATE ROLE leaked_a LOGIN; CREATE ROLE leaked_b LOGIN");
        await using var engine = await DatabaseHarness.StartAsync(server);
        (
            await engine.WriteAsync(
                "static-roles/app",
                new
                {
                    db_name = "db",
                    username = "leaked_a",
                    second_username = "leaked_b",
                    rotation_period = "1h",
                }
            )
        ).IsDone();
        var leaked = await CredentialAsync(engine);
        await using var session = await server.ConnectAsync(leaked.Username, leaked.Password);

        var (_, fault) = await engine.Engine.Rotations.RotateAsync(
            new Core.Rotation.RotationId(engine.Engine.Mount.Uuid, StaticRoles.Target("app")),
            new Core.Rotation.RotationRequest(engine.Engine.Time.GetUtcNow(), "it was in a log", Emergency: true),
            Cancellation
        );

        Assert.Null(fault);
        await RefusedAsync(server, leaked.Username, leaked.Password);
        await using var query = new NpgsqlCommand("SELECT 1", session);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => query.ExecuteScalarAsync(Cancellation));
        var current = await CredentialAsync(engine);
        await using (await server.ConnectAsync(current.Username, current.Password)) { }
    }

    private static async Task<(string Username, string Password)> CredentialAsync(
        DatabaseHarness engine,
        string role = "app"
    )
    {
        var data = (await engine.ReadAsync($"static-creds/{role}")).Data();
        return (data.GetProperty("username").GetString()!, data.GetProperty("password").GetString()!);
    }

    private static async Task RefusedAsync(PostgresServer server, string user, string password) =>
        await Assert.ThrowsAsync<PostgresException>(() => server.ConnectAsync(user, password));
}
