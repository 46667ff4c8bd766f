using Mayfly.Core.Engines;
using Mayfly.Core.Engines.Kv;
using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Engines.Kv;

public sealed class PlainKvContractTests : EngineContract
{
    protected override EngineType Type => KvTypes.Kv;
}

public sealed class VersionedKvContractTests : EngineContract
{
    protected override EngineType Type => KvTypes.Kv;

    protected override IReadOnlyDictionary<string, string>? Options =>
        new Dictionary<string, string>(StringComparer.Ordinal) { ["version"] = "2" };
}
