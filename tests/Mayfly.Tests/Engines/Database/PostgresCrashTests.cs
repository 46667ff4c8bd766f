using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Engines.Database;

public sealed class PostgresCrashTests : CrashContract, IAsyncLifetime
{
    private PostgresServer _server = null!;
    private string[] _before = [];

    protected override int Rounds => 100;

    protected override string Credentials => "database/creds/app";

    public async ValueTask InitializeAsync()
    {
        _server = await PostgresServer.StartAsync();
        _before = await _server.AllUsersAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    protected override async Task SetUpAsync(Func<string, object, Task> write)
    {
        await write("sys/mounts/database", new { type = "database" });
        await write("database/config/db", _server.ConfigurationAt(_server.Port));
        await write(
            "database/roles/app",
            new
            {
                db_name = "db",
                creation_statements = _server.Creation,
                default_ttl = "24h",
            }
        );
    }

    protected override async Task<string[]> UsersAsync() =>
        [.. (await _server.AllUsersAsync()).Where(user => !_before.Contains(user))];
}
