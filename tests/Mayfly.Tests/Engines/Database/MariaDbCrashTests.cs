using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Engines.Database;

public sealed class MariaDbCrashTests() : DatabaseCrashContract<MariaDbServer>(() => MariaDbServer.StartAsync())
{
    protected override int Rounds => 15;
}
