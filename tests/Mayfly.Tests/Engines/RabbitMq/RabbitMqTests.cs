using System.Net;
using System.Text.Json;
using Mayfly.Core.Pipeline;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Mayfly.Tests.Engines.RabbitMq;

/// <summary>The engine in a whole vault, against a real broker.</summary>
public sealed class RabbitMqTests(RabbitServers servers) : IClassFixture<RabbitServers>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_credential_works_until_its_lease_is_revoked_and_its_connections_end_with_it()
    {
        var server = await servers.ServerAsync();
        await using var vault = await StartAsync(server);
        var credential = await IssueAsync(vault, "shop");
        Assert.Equal(TimeSpan.FromMinutes(10), credential.Duration);

        await using var connection = await ConnectAsync(server, credential);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancellation);
        await channel.QueueDeclareAsync("shop.orders", cancellationToken: Cancellation);
        await channel.BasicPublishAsync("amq.topic", "shop.new", new byte[] { 1 }, Cancellation);
        await using (var other = await connection.CreateChannelAsync(cancellationToken: Cancellation))
        {
            await Assert.ThrowsAsync<OperationInterruptedException>(() =>
                other.QueueDeclareAsync("bank.orders", cancellationToken: Cancellation)
            );
        }

        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.ConnectionShutdownAsync += (_, _) =>
        {
            closed.TrySetResult();
            return Task.CompletedTask;
        };
        await vault.DataAsync(
            Operation.Update,
            "sys/leases/revoke",
            $$"""{"lease_id":"{{credential.LeaseId}}","sync":true}"""
        );

        await closed.Task.WaitAsync(Patience, Cancellation);
        await Assert.ThrowsAsync<BrokerUnreachableException>(() => ConnectAsync(server, credential));
        Assert.False(await ExistsAsync(server, credential.Username));
    }

    [Fact]
    public async Task A_credential_ends_when_its_lease_expires_unless_it_is_renewed()
    {
        var server = await servers.ServerAsync();
        await using var vault = await StartAsync(server);
        var renewed = await IssueAsync(vault, "shop");
        var left = await IssueAsync(vault, "shop");
        await vault.AdvanceAsync(TimeSpan.FromMinutes(9));
        await vault.DataAsync(Operation.Update, "sys/leases/renew", $$"""{"lease_id":"{{renewed.LeaseId}}"}""");

        await vault.AdvanceAsync(TimeSpan.FromMinutes(2));
        Assert.True(await ExistsAsync(server, renewed.Username));
        Assert.False(await ExistsAsync(server, left.Username));

        await vault.AdvanceAsync(TimeSpan.FromMinutes(20));
        Assert.False(await ExistsAsync(server, renewed.Username));
    }

    [Fact]
    public async Task A_user_has_the_tags_and_topics_of_its_role()
    {
        var server = await servers.ServerAsync();
        await using var vault = await StartAsync(server);
        await vault.DataAsync(
            Operation.Update,
            "rabbitmq/roles/topics",
            """{"tags":"monitoring,policymaker","vhost_topics":"{\"/\":{\"amq.topic\":{\"write\":\"^shop\",\"read\":\".*\"}}}"}"""
        );
        var credential = await IssueAsync(vault, "topics");

        var (_, user) = await server.CallAsync(HttpMethod.Get, $"users/{credential.Username}");
        Assert.Equal("""["monitoring","policymaker"]""", JsonElement.Parse(user).GetProperty("tags").GetRawText());
        var (_, topics) = await server.CallAsync(HttpMethod.Get, $"users/{credential.Username}/topic-permissions");
        var topic = Assert.Single(JsonElement.Parse(topics).EnumerateArray());
        Assert.Equal("amq.topic", topic.GetProperty("exchange").GetString());
        Assert.Equal("^shop", topic.GetProperty("write").GetString());
    }

    [Fact]
    public async Task Names_and_passwords_follow_template_and_policy()
    {
        var server = await servers.ServerAsync();
        await using var vault = await StartAsync(server);
        await vault.DataAsync(
            Operation.Update,
            "sys/policies/password/pin",
            """{"policy":"length = 30 rule \"charset\" { charset = \"0123456789\" }"}"""
        );
        await ConfigureAsync(
            vault,
            server.Api,
            ""","password_policy":"pin","username_template":"{{ .RoleName }}-{{ random 12 }}" """
        );

        var credential = await IssueAsync(vault, "shop");

        Assert.Matches("^shop-[A-Za-z0-9]{12}$", credential.Username);
        Assert.Matches("^[0-9]{30}$", credential.Password);
        await using var connection = await ConnectAsync(server, credential);
    }

    [Fact]
    public async Task Nothing_is_left_of_a_user_that_could_not_be_made_whole()
    {
        var server = await servers.ServerAsync();
        await using var vault = await StartAsync(server);
        await vault.DataAsync(
            Operation.Update,
            "rabbitmq/roles/broken",
            """{"vhosts":"{\"/\":{\"read\":\".*\"},\"no such\":{\"read\":\".*\"}}"}"""
        );
        await vault.DataAsync(Operation.Update, "rabbitmq/roles/regex", """{"vhosts":"{\"/\":{\"read\":\"[\"}}"}""");
        var before = await UsersAsync(server);

        var message = await vault.FaultAsync(FaultKind.Invalid, Operation.Read, "rabbitmq/creds/broken");
        Assert.Equal(
            "RabbitMQ refuses the permissions for the virtual host \"no such\": it has no such virtual host",
            message
        );
        message = await vault.FaultAsync(FaultKind.Invalid, Operation.Read, "rabbitmq/creds/regex");
        Assert.Contains("a regular expression is not valid", message, StringComparison.Ordinal);
        message = await vault.FaultAsync(FaultKind.Invalid, Operation.Read, "rabbitmq/creds/unknown");
        Assert.Equal("unknown role: unknown", message);
        Assert.Equal(before, await UsersAsync(server));
    }

    [Fact]
    public async Task A_wrong_password_is_found_out_when_it_is_configured_and_never_shown()
    {
        var server = await servers.ServerAsync();
        await using var vault = await StartAsync(server);
        const string Wrong = "canary-of-a-password";
        var body =
            $$"""{"connection_uri":"{{server.Api}}","username":"{{RabbitServer.Admin}}","password":"{{Wrong}}"}""";

        var message = await vault.FaultAsync(FaultKind.Invalid, Operation.Update, "rabbitmq/config/connection", body);
        Assert.Contains("its password is wrong", message, StringComparison.Ordinal);
        Assert.DoesNotContain(Wrong, message, StringComparison.Ordinal);
        await IssueAsync(vault, "shop");

        await vault.DataAsync(
            Operation.Update,
            "rabbitmq/config/connection",
            body[..^1] + ""","verify_connection":false}"""
        );
        message = await vault.FaultAsync(FaultKind.Unavailable, Operation.Read, "rabbitmq/creds/shop");
        Assert.DoesNotContain(Wrong, message, StringComparison.Ordinal);
        var config = await vault.DataAsync(Operation.Read, "rabbitmq/config/connection");
        Assert.DoesNotContain(Wrong, config.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(server.Api, config.GetProperty("connection_uri").GetString());

        // The users that there are must go, with the right password again.
        await ConfigureAsync(vault, server.Api);
    }

    [Fact]
    public async Task A_certificate_is_trusted_when_its_authority_is_given()
    {
        var server = await servers.ServerAsync();
        await using var vault = await StartAsync(server);

        var message = await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "rabbitmq/config/connection",
            Connection(server.SecureApi)
        );
        Assert.Contains("ca_cert sets the authorities to trust", message, StringComparison.Ordinal);

        await ConfigureAsync(vault, server.SecureApi, $",\"ca_cert\":{JsonSerializer.Serialize(server.Certificate)}");
        var credential = await IssueAsync(vault, "shop");
        Assert.True(await ExistsAsync(server, credential.Username));
    }

    [Fact]
    public async Task A_broker_that_is_away_fails_requests_and_only_delays_revocations()
    {
        var server = await servers.ServerAsync();
        await using var vault = await StartAsync(server);
        var credential = await IssueAsync(vault, "shop");
        await server.KillAsync();
        try
        {
            var message = await vault.FaultAsync(FaultKind.Unavailable, Operation.Read, "rabbitmq/creds/shop");
            Assert.Contains(server.Api, message, StringComparison.Ordinal);
            await vault.AdvanceAsync(TimeSpan.FromMinutes(11));
        }
        finally
        {
            await server.RunAsync();
        }

        Assert.True(await ExistsAsync(server, credential.Username));
        await vault.AdvanceAsync(TimeSpan.FromMinutes(5));
        Assert.False(await ExistsAsync(server, credential.Username));
    }

    private static async Task<TestVault> StartAsync(RabbitServer server)
    {
        var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/mounts/rabbitmq", """{"type":"rabbitmq"}""");
        await ConfigureAsync(vault, server.Api);
        await vault.DataAsync(Operation.Update, "rabbitmq/config/lease", """{"ttl":"10m","max_ttl":"1h"}""");
        await vault.DataAsync(
            Operation.Update,
            "rabbitmq/roles/shop",
            """{"vhosts":"{\"/\":{\"configure\":\"^shop\",\"write\":\"^(shop|amq.topic)\",\"read\":\"^shop\"}}"}"""
        );
        return vault;
    }

    private static async Task ConfigureAsync(TestVault vault, string api, string more = "") =>
        await vault.DataAsync(Operation.Update, "rabbitmq/config/connection", Connection(api, more));

    private static string Connection(string api, string more = "") =>
        $$"""{"connection_uri":"{{api}}","username":"{{RabbitServer.Admin}}","password":{{JsonSerializer.Serialize(
            RabbitServer.Password
        )}}{{more}}}""";

    private static async Task<Credential> IssueAsync(TestVault vault, string role)
    {
        var outcome = await vault.HandleAsync(Operation.Read, $"rabbitmq/creds/{role}");
        Assert.True(outcome.Succeeded, outcome.Fault is { } f ? string.Join("; ", f.Messages) : "");
        using var response = outcome.Response!;
        var data = JsonElement.Parse(response.Data.Span);
        return new Credential(
            data.GetProperty("username").GetString()!,
            data.GetProperty("password").GetString()!,
            response.LeaseId,
            response.LeaseDuration
        );
    }

    private static async Task<IConnection> ConnectAsync(RabbitServer server, Credential credential) =>
        await new ConnectionFactory
        {
            HostName = "127.0.0.1",
            Port = server.AmqpPort,
            UserName = credential.Username,
            Password = credential.Password,
            AutomaticRecoveryEnabled = false,
        }.CreateConnectionAsync(Cancellation);

    private static async Task<bool> ExistsAsync(RabbitServer server, string user) =>
        (await server.CallAsync(HttpMethod.Get, $"users/{user}")).Status == HttpStatusCode.OK;

    private static async Task<string> UsersAsync(RabbitServer server)
    {
        var (_, users) = await server.CallAsync(HttpMethod.Get, "users");
        return string.Join(
            ',',
            JsonElement.Parse(users).EnumerateArray().Select(user => user.GetProperty("name").GetString())
        );
    }

    private sealed record Credential(string Username, string Password, string LeaseId, TimeSpan Duration);
}
