using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;
using Mayfly.Tests.Contracts;
using Mayfly.Tests.Engines;

namespace Mayfly.Tests.Leases;

public sealed class LeasingEngineTests : EngineContract
{
    private readonly LeasedThings _things = new();

    protected override EngineType Type => LeasingEngine.TypeOver(_things);

    [Fact]
    public async Task The_harness_undoes_what_was_made_half_way()
    {
        await using var harness = await StartAsync();
        _things.OnMake = (_, _) => new(Fault.Invalid("half-way"));

        Assert.NotNull((await harness.HandleAsync(Operation.Read, "creds/app")).Fault);

        Assert.Empty(_things.Alive);
        Assert.Empty(harness.Leases);
    }
}
