using Mayfly.Core.Engines;
using Mayfly.Core.Engines.Cubbyhole;
using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Engines.Cubbyhole;

public sealed class CubbyholeContractTests : EngineContract
{
    protected override EngineType Type => CubbyholeEngine.Type;
}
