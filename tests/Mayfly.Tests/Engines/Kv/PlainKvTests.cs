using Mayfly.Core.Engines.Kv;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Kv;

public sealed class PlainKvTests
{
    [Fact]
    public async Task A_secret_is_the_body_of_its_write()
    {
        await using var kv = await EngineHarness.StartAsync(KvTypes.Kv);
        const string Body = """{"path":"not the path", "ttl_":1,"n":{"a":[1.50]}}""";

        (await kv.HandleAsync(Operation.Update, "app/db", Body)).IsDone();

        var read = await kv.HandleAsync(Operation.Read, "app/db");
        Assert.Equal(TimeSpan.FromSeconds(2_764_800), read.Response!.LeaseDuration);
        Assert.Equal(Body, read.Text());
        (await kv.HandleAsync(Operation.Read, "app")).Failed(FaultKind.NotFound);
    }

    [Theory]
    [InlineData("\"1h\"", 3_600)]
    [InlineData("\"90\"", 90)]
    [InlineData("30", 30)]
    [InlineData("\"soon\"", 2_764_800)]
    [InlineData("-1", 2_764_800)]
    [InlineData("[]", 2_764_800)]
    public async Task A_ttl_becomes_the_lease_duration(string ttl, int seconds)
    {
        await using var kv = await EngineHarness.StartAsync(KvTypes.Kv);
        await kv.HandleAsync(Operation.Update, "app", $$"""{"ttl":{{ttl}}}""");
        await kv.HandleAsync(Operation.Update, "old", $$"""{"lease":{{ttl}}}""");

        var read = await kv.HandleAsync(Operation.Read, "app");
        var old = await kv.HandleAsync(Operation.Read, "old");

        Assert.Equal(TimeSpan.FromSeconds(seconds), read.Response!.LeaseDuration);
        Assert.Equal(TimeSpan.FromSeconds(seconds), old.Response!.LeaseDuration);
        read.Response.Dispose();
        old.Response.Dispose();
    }

    [Fact]
    public async Task Secrets_are_listed_replaced_and_deleted()
    {
        await using var kv = await EngineHarness.StartAsync(KvTypes.Kv);
        await kv.HandleAsync(Operation.Update, "a", """{"n":1}""");
        await kv.HandleAsync(Operation.Update, "a/b", """{"n":1}""");
        await kv.HandleAsync(Operation.Update, "a", """{"n":2}""");

        Assert.Equal(["a", "a/"], (await kv.HandleAsync(Operation.List, "")).Keys());
        Assert.Equal(["b"], (await kv.HandleAsync(Operation.List, "a/")).Keys());
        Assert.Equal("""{"n":2}""", (await kv.HandleAsync(Operation.Read, "a")).Text());
        (await kv.HandleAsync(Operation.Delete, "a")).IsDone();
        (await kv.HandleAsync(Operation.Delete, "a")).IsDone();
        (await kv.HandleAsync(Operation.Read, "a")).Failed(FaultKind.NotFound);
        (await kv.HandleAsync(Operation.Delete, "a/b")).IsDone();
        (await kv.HandleAsync(Operation.List, "")).Failed(FaultKind.NotFound);
    }

    [Fact]
    public async Task A_write_of_nothing_is_refused()
    {
        await using var kv = await EngineHarness.StartAsync(KvTypes.Kv);

        (await kv.HandleAsync(Operation.Update, "a", "{}")).Failed(FaultKind.Invalid, "missing data fields");
        (await kv.HandleAsync(Operation.Update, "a")).Failed(FaultKind.Invalid, "missing data fields");
        (await kv.HandleAsync(Operation.Update, "", """{"n":1}""")).Failed(FaultKind.Invalid, "missing path");
        (await kv.HandleAsync(Operation.Update, "a/", """{"n":1}""")).Failed(
            FaultKind.Invalid,
            "cannot write to a path ending in '/'"
        );
        (await kv.HandleAsync(Operation.Read, "a/")).Failed(FaultKind.NotFound);
        (await kv.HandleAsync(Operation.Update, "a//b", """{"n":1}""")).Failed(
            FaultKind.Invalid,
            "the path has an empty part"
        );
    }
}
