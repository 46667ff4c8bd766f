using System.Text.Json;
using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Engines.RabbitMq;

public sealed class RabbitMqCrashTests(RabbitServers servers) : CrashContract, IClassFixture<RabbitServers>
{
    private RabbitServer _server = null!;

    protected override int Rounds => 15;

    protected override string Credentials => "rabbitmq/creds/app";

    protected override async Task SetUpAsync(Func<string, object, Task> write)
    {
        _server = await servers.ServerAsync();
        await write("sys/mounts/rabbitmq", new { type = "rabbitmq" });
        await write(
            "rabbitmq/config/connection",
            new
            {
                connection_uri = _server.Api,
                username = RabbitServer.Admin,
                password = RabbitServer.Password,
                username_template = "crash-{{ uuid }}",
            }
        );
        await write("rabbitmq/config/lease", new { ttl = "24h" });
        await write("rabbitmq/roles/app", new { vhosts = """{"/":{"configure":"","write":".*","read":".*"}}""" });
    }

    protected override async Task<string[]> UsersAsync()
    {
        var (_, users) = await _server.CallAsync(HttpMethod.Get, "users");
        return
        [
            .. JsonElement
                .Parse(users)
                .EnumerateArray()
                .Select(user => user.GetProperty("name").GetString()!)
                .Where(name => name.StartsWith("crash-", StringComparison.Ordinal)),
        ];
    }
}
