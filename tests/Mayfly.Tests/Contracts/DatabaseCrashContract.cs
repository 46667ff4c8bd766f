using Mayfly.Tests.Engines.Database;

namespace Mayfly.Tests.Contracts;

/// <summary>The crash contract with the users of a database: each test has a server of its own, which nobody else makes users in.</summary>
public abstract class DatabaseCrashContract<TServer>(Func<Task<TServer>> start) : CrashContract, IAsyncLifetime
    where TServer : IDatabaseServer
{
    private TServer _server = default!;
    private string[] _before = [];

    protected override string Credentials => "database/creds/app";

    public async ValueTask InitializeAsync()
    {
        _server = await start();
        _before = await _server.AllUsersAsync();
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return _server.DisposeAsync();
    }

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
