using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Engines.Database;

public sealed class PostgresCrashTests() : DatabaseCrashContract<PostgresServer>(() => PostgresServer.StartAsync())
{
    protected override int Rounds => 100;
}
