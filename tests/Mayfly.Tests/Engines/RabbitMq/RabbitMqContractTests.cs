using Mayfly.Core.Engines;
using Mayfly.Core.Engines.RabbitMq;
using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Engines.RabbitMq;

public sealed class RabbitMqContractTests : EngineContract
{
    protected override EngineType Type => RabbitMqEngine.Type;
}
