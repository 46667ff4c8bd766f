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
        var root = Root();
        var guide = File.ReadAllText(Path.Combine(root, "docs", "engines", "adding-an-engine.md"));
        var engine = File.ReadAllText(Path.Combine(root, "tests", "Mayfly.Tests", "Engines", "ExampleEngine.cs"));

        Assert.Contains(engine[engine.IndexOf("internal sealed class", StringComparison.Ordinal)..], guide);
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Mayfly.slnx")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The tests run outside the repository.");
        }

        return folder.FullName;
    }
}
