using System.Text.Json;
using Mayfly.Client;
using Mayfly.Client.Logins;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;
using Mayfly.Tests.Contracts;
using Mayfly.Tests.Engines.Database;
using Npgsql;

namespace Mayfly.Tests.Client.Secrets.Sources;

public sealed class MayflySecretSourceTests : SecretSourceContract, IClassFixture<DevServer>
{
    private readonly DevServer _server;
    private readonly DatabaseServers _databases;
    private readonly MayflyClient _client;
    private readonly string _folder = Guid.NewGuid().ToString("N");

    public MayflySecretSourceTests(DevServer server, DatabaseServers databases)
    {
        _server = server;
        _databases = databases;
        _client = server.Client();
        Source = new MayflySecretSource(_client);
    }

    protected override ISecretSource Source { get; }

    public override async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task A_version_has_its_number_and_its_metadata_and_can_be_asked_for()
    {
        var name = Name("versions");
        await PutAsync(name, new() { ["value"] = "one" });
        await PutAsync(name, new() { ["value"] = "two" });
        var current = await Source.FetchAsync(name, Cancellation);
        Assert.Equal("2", current.Version);
        Assert.Equal(2, current.VersionNumber);
        Assert.Equal(2, current.Reply.GetProperty("metadata").GetProperty("version").GetInt64());
        var first = await Source.FetchAsync(name + "?version=1", Cancellation);
        Assert.Equal("one", first.Fields.GetProperty("value").GetString());
    }

    [Fact]
    public async Task A_deleted_version_and_a_path_without_data_are_told_apart_from_nothing()
    {
        var name = Name("deleted");
        await PutAsync(name, new() { ["value"] = "one" });
        (await _client.DeleteAsync(name, Cancellation)).EnsureSuccess();
        var failure = await Assert.ThrowsAsync<SecretSourceException>(() => Source.FetchAsync(name, Cancellation));
        Assert.Equal(SecretFailure.NotFound, failure.Reason);
        Assert.Contains("deleted", failure.Message, StringComparison.Ordinal);

        failure = await Assert.ThrowsAsync<SecretSourceException>(() => Source.FetchAsync("secret/app", Cancellation));
        Assert.Contains("Invalid path for a versioned K/V secrets engine", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_without_versions_says_how_long_it_is_good_for()
    {
        await _server.WriteAsync($"sys/mounts/{_folder}", new { type = "kv", options = new { version = "1" } });
        await _server.WriteAsync($"{_folder}/app", new { password = "one", ttl = "90s" });
        var fetched = await Source.FetchAsync($"{_folder}/app", Cancellation);
        Assert.Equal("one", fetched.Fields.GetProperty("password").GetString());
        Assert.Equal(TimeSpan.FromSeconds(90), fetched.Ttl);
        Assert.Null(fetched.Version);
    }

    [Fact]
    public async Task A_token_that_may_not_read_is_denied()
    {
        var name = Name("denied");
        await PutAsync(name, new() { ["value"] = "one" });
        using var stranger = _server.Client(
            await _server.TokenAsync("elsewhere", "path \"elsewhere/*\" { capabilities = [\"read\"] }")
        );
        var failure = await Assert.ThrowsAsync<SecretSourceException>(() =>
            new MayflySecretSource(stranger).FetchAsync(name, Cancellation)
        );
        Assert.Equal(SecretFailure.Denied, failure.Reason);
        Assert.Contains("permission denied", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_reaches_the_program_as_an_event()
    {
        var name = Name("pushed");
        await PutAsync(name, new() { ["value"] = "one" });
        await using var secrets = new LiveSecrets(Source, new LiveSecretsOptions { Ttl = TimeSpan.FromDays(1) });
        var first = await secrets.GetAsync(name, Cancellation);
        await UntilAsync(() => secrets.IsWatching);
        await PutAsync(name, new() { ["value"] = "two" });
        Assert.Equal("two", (await secrets.Get(name).WaitForChangeAsync(first, Cancellation))["value"]);
    }

    [Fact]
    public async Task Where_events_are_denied_changes_are_found_by_looking()
    {
        var name = Name("polled");
        await PutAsync(name, new() { ["value"] = "one" });
        using var client = _server.Client(
            await _server.TokenAsync("reader", "path \"secret/data/*\" { capabilities = [\"read\"] }")
        );
        await using var secrets = new LiveSecrets(
            new MayflySecretSource(client),
            new LiveSecretsOptions { Ttl = TimeSpan.FromDays(1), PollInterval = TimeSpan.FromSeconds(1) }
        );
        var first = await secrets.GetAsync(name, Cancellation);
        await UntilAsync(() => secrets.WatchFailure is not null);
        Assert.Equal(SecretFailure.Denied, secrets.WatchFailure!.Reason);
        Assert.False(secrets.IsWatching);
        await PutAsync(name, new() { ["value"] = "two" });
        Assert.Equal("two", (await secrets.Get(name).WaitForChangeAsync(first, Cancellation))["value"]);
    }

    [Fact]
    public async Task A_version_is_acknowledged_when_the_program_has_been_given_it_and_not_before()
    {
        var name = Name("consumed");
        await PutAsync(name, new() { ["value"] = "one" });
        var source = new MayflySecretSource(_client, new MayflySecretSourceOptions { Consumer = "shop/1" });
        await using var secrets = new LiveSecrets(
            source,
            new LiveSecretsOptions { LeastInterval = TimeSpan.Zero, Watch = false }
        );
        var secret = secrets.Get(name);
        await secret.GetAsync(Cancellation);
        await UntilAcknowledgedAsync(name, "1");

        await PutAsync(name, new() { ["value"] = "two" });
        secret.Invalidate();
        await secret.IdleAsync();
        Assert.Equal("1", await AcknowledgedAsync(name));
        Assert.Equal("two", secret.Current["value"]);
        await UntilAcknowledgedAsync(name, "2");
    }

    [Fact]
    public async Task A_program_that_says_itself_what_it_uses_is_taken_at_its_word()
    {
        var name = Name("consumed");
        await PutAsync(name, new() { ["value"] = "one" });
        var source = new MayflySecretSource(_client, new MayflySecretSourceOptions { Consumer = "shop/1" });
        await using var secrets = new LiveSecrets(
            source,
            new LiveSecretsOptions { Watch = false, Acknowledgement = Acknowledgement.ByProgram }
        );
        var secret = secrets.Get(name);
        Assert.Equal("one", (await secret.GetAsync(Cancellation))["value"]);
        Assert.Null(await AcknowledgedAsync(name));
        secret.Acknowledge();
        await UntilAcknowledgedAsync(name, "1");
    }

    [Theory]
    [InlineData("1e300")]
    [InlineData("1e999")]
    [InlineData("-1e300")]
    public async Task A_duration_that_no_time_span_can_hold_is_no_reason_to_fail(string duration)
    {
        await using var server = await RecordingServer.StartAsync();
        server.On("GET /v1/kv/app", 200, $$$"""{"lease_duration":{{{duration}}},"data":{"value":"one"}}""");
        server.On(
            "GET /v1/database/static-creds/app",
            200,
            $$$"""{"data":{"last_vault_rotation":"2026-01-01T00:00:00Z","ttl":{{{duration}}},"password":"one"}}"""
        );
        server.On(
            "GET /v1/database/creds/app",
            200,
            $$$"""{"lease_id":"database/creds/app/1","lease_duration":{{{duration}}},"data":{"password":"one"}}"""
        );
        using var client = new MayflyClient(new MayflyClientOptions { Address = server.Address, Token = "none" });
        await using var secrets = new LiveSecrets(
            new MayflySecretSource(client),
            new LiveSecretsOptions { Watch = false, RevokeAtEnd = false }
        );

        Assert.Equal("one", (await secrets.GetAsync("kv/app", Cancellation))["value"]);
        Assert.Equal("one", (await secrets.GetAsync("database/static-creds/app", Cancellation))["password"]);
        Assert.Equal("one", (await secrets.GetAsync("database/creds/app", Cancellation))["password"]);
    }

    [Fact]
    public async Task A_server_that_was_restarted_is_told_again_what_is_in_use()
    {
        var name = Name("remembered");
        await using var server = new DevServer();
        await server.InitializeAsync();
        await server.WriteAsync(name, new { data = new { value = "one" } });
        using var client = server.Client();
        await using var secrets = new LiveSecrets(
            new MayflySecretSource(client, new MayflySecretSourceOptions { Consumer = "shop/1" }),
            new LiveSecretsOptions
            {
                Acknowledgement = Acknowledgement.ByProgram,
                LostSpread = TimeSpan.FromMilliseconds(100),
                LongestBackOff = TimeSpan.FromSeconds(1),
            }
        );
        var secret = secrets.Get(name);
        var first = await secret.GetAsync(Cancellation);
        secret.Acknowledge();
        using var root = server.Client();
        await UntilAcknowledgedAsync(name, "1", root);
        await server.StopAsync();

        await server.StartAsync();

        await UntilAcknowledgedAsync(name, "1", root);
        Assert.Same(first, secret.Current);
    }

    [Fact]
    public async Task A_token_that_is_revoked_while_the_program_runs_is_replaced_by_another_login()
    {
        var name = Name("revoked");
        await PutAsync(name, new() { ["value"] = "one" });
        await _server.WriteAsync(
            "sys/policies/acl/app",
            new { policy = "path \"secret/*\" { capabilities = [\"read\"] }" }
        );
        await _server.WriteAsync($"sys/auth/{_folder}", new { type = "userpass" });
        await _server.WriteAsync($"auth/{_folder}/users/app", new { password = "hunter2", token_policies = "app" });
        await using var client = new MayflyClient(
            new MayflyClientOptions
            {
                Address = _server.Address,
                Login = new UserpassLogin("app", "hunter2") { Mount = _folder },
            }
        );
        await using var secrets = new LiveSecrets(
            new MayflySecretSource(client),
            new LiveSecretsOptions { Watch = false, LeastInterval = TimeSpan.Zero }
        );
        var secret = secrets.Get(name);
        await secret.GetAsync(Cancellation);
        await _server.WriteAsync("auth/token/revoke", new { token = client.Session!.Current!.Token });
        await PutAsync(name, new() { ["value"] = "two" });
        Assert.Equal("two", (await secret.RefreshAsync(Cancellation))["value"]);
    }

    [Fact]
    public async Task A_database_credential_is_renewed_replaced_before_it_ends_and_revoked_at_the_end()
    {
        var postgres = await _databases.PostgresAsync();
        await _server.WriteAsync($"sys/mounts/{_folder}", new { type = "database" });
        await _server.WriteAsync($"{_folder}/config/pg", postgres.ConfigurationAt(postgres.Port));
        await _server.WriteAsync(
            $"{_folder}/roles/app",
            new
            {
                db_name = "pg",
                creation_statements = postgres.Creation,
                default_ttl = "10s",
                max_ttl = "15s",
            }
        );
        var secrets = new LiveSecrets(Source, new LiveSecretsOptions { Watch = false });
        var secret = secrets.Get($"{_folder}/creds/app");
        var first = await secret.GetAsync(Cancellation);
        await ConnectAsync(postgres, first);

        // One renewal fits into its greatest age; then there is another user, while the first one still works.
        var second = await secret.WaitForChangeAsync(first, Cancellation);
        Assert.NotEqual(first["username"], second["username"]);
        await ConnectAsync(postgres, second);
        await ConnectAsync(postgres, first);

        var last = secret.Current;
        await secrets.DisposeAsync();
        // The server ends what was revoked in the background.
        while (await MayConnectAsync(postgres, last))
        {
            await Task.Delay(20, Cancellation);
        }
    }

    protected override string Name(string name) => $"secret/data/{_folder}/{name}";

    protected override Task PutAsync(string name, Dictionary<string, string> fields) =>
        _server.WriteAsync(name, new { data = fields });

    private static async Task ConnectAsync(PostgresServer postgres, SecretValue credential)
    {
        var target = new NpgsqlConnectionStringBuilder(postgres.ConnectionString)
        {
            Username = credential["username"],
            Password = credential["password"],
        };
        await using var connection = new NpgsqlConnection(target.ConnectionString);
        await connection.OpenAsync(Cancellation);
    }

    private static async Task<bool> MayConnectAsync(PostgresServer postgres, SecretValue credential)
    {
        try
        {
            await ConnectAsync(postgres, credential);
            return true;
        }
        // The second is what a user hears that is dropped while it logs in.
        catch (PostgresException refusal)
            when (refusal.SqlState
                    is PostgresErrorCodes.InvalidPassword
                        or PostgresErrorCodes.InvalidAuthorizationSpecification
            )
        {
            return false;
        }
    }

    private async Task<string?> AcknowledgedAsync(string name, MayflyClient? root = null)
    {
        var reply = await (root ?? _client).SendAsync(
            new MayflyRequest(HttpMethod.Get, "sys/consumers") { Query = [new("path", name)] },
            Cancellation
        );
        // A server that was restarted knows nobody until somebody reads.
        var consumers = reply.EnsureSuccess().Data.GetProperty("consumers").EnumerateArray().ToList();
        Assert.All(consumers, each => Assert.Equal("shop/1", each.GetProperty("name").GetString()));
        return consumers is [var consumer] ? consumer.GetProperty("acknowledged").GetString() : null;
    }

    private async Task UntilAcknowledgedAsync(string name, string version, MayflyClient? root = null)
    {
        while (await AcknowledgedAsync(name, root) != version)
        {
            await Task.Delay(20, Cancellation);
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(20, Cancellation);
        }
    }
}
