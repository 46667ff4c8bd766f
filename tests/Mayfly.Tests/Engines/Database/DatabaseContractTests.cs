using Mayfly.Core.Engines;
using Mayfly.Core.Engines.Database;
using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Engines.Database;

public sealed class DatabaseContractTests : EngineContract
{
    protected override EngineType Type => DatabaseEngine.Type;
}
