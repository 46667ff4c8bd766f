using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;
using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Engines;

public sealed class ExampleEngineTests : EngineContract
{
    protected override EngineType Type => ExampleEngine.Type;

    [Fact]
    public async Task A_counter_grows()
    {
        await using var engine = await StartAsync();

        Assert.Equal("""{"count":1}""", (await engine.HandleAsync(Operation.Update, "counter/a")).Text());
        Assert.Equal(
            """{"count":5}""",
            (await engine.HandleAsync(Operation.Update, "counter/a", """{"by":4}""")).Text()
        );
        Assert.Equal("""{"count":5}""", (await engine.HandleAsync(Operation.Read, "counter/a")).Text());
        Assert.Equal(["a"], (await engine.HandleAsync(Operation.List, "counter/")).Keys());
        (await engine.HandleAsync(Operation.Delete, "counter/a")).IsDone();
        (await engine.HandleAsync(Operation.Read, "counter/a")).Failed(FaultKind.NotFound);
    }

    [Fact]
    public void The_guide_shows_this_engine_as_it_is()
    {
        var guide = File.ReadAllText(Path.Combine(Repository.Root, "docs", "engines", "adding-an-engine.md"));
        var engine = File.ReadAllText(
            Path.Combine(Repository.Root, "tests", "Mayfly.Tests", "Engines", "ExampleEngine.cs")
        );

        Assert.Contains(engine[engine.IndexOf("internal sealed class", StringComparison.Ordinal)..], guide);
    }
}
