using Mayfly.Core.Engines.Kv;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Kv;

public sealed class KvConcurrencyTests : VersionedKvTestBase
{
    private const int Writers = 64;

    [Fact]
    public async Task Every_one_of_64_writers_to_one_secret_gets_a_version_of_its_own()
    {
        FaultyStore? store = null;
        await using var kv = await EngineHarness.StartAsync(
            KvTypes.Kv,
            Version2,
            memory => store = new FaultyStore(memory)
        );
        await kv.HandleAsync(Operation.Update, "metadata/app", """{"max_versions":100}""");

        var written = await Task.WhenAll(
            Enumerable.Range(1, Writers).Select(i => kv.WriteAsync("app", $$$"""{"data":{"n":{{{i}}}}}"""))
        );

        Assert.True(store!.Conflicts > 0, "the writers did not meet");
        var versions = written.Select(outcome => outcome.Data().GetProperty("version").GetInt32()).ToList();
        Assert.Equal(Enumerable.Range(1, Writers), versions.Order());
        for (var i = 0; i < Writers; i++)
        {
            var read = await kv.ReadAsync("app", versions[i]);
            Assert.Equal(i + 1, read.Data().GetProperty("data").GetProperty("n").GetInt32());
        }
    }

    [Fact]
    public async Task Of_64_writers_that_expect_the_same_version_one_wins()
    {
        await using var kv = await EngineHarness.StartAsync(KvTypes.Kv, Version2, memory => new FaultyStore(memory));
        await kv.WriteAsync("app", """{"data":{}}""");

        var written = await Task.WhenAll(
            Enumerable.Range(1, Writers).Select(_ => kv.WriteAsync("app", """{"data":{},"options":{"cas":1}}"""))
        );

        Assert.Single(written, outcome => outcome.Succeeded);
        Assert.All(
            written.Where(outcome => !outcome.Succeeded),
            outcome => outcome.Failed(FaultKind.Invalid, "check-and-set parameter did not match the current version")
        );
        Assert.Equal(2, (await kv.MetadataAsync("app")).GetProperty("current_version").GetInt32());
    }

    [Fact]
    public async Task No_patch_is_lost()
    {
        await using var kv = await EngineHarness.StartAsync(KvTypes.Kv, Version2, memory => new FaultyStore(memory));
        await kv.WriteAsync("app", """{"data":{}}""");

        var patched = await Task.WhenAll(
            Enumerable.Range(1, 32).Select(i => kv.PatchAsync("data/app", $$$"""{"data":{"k{{{i}}}":1}}"""))
        );

        Assert.All(patched, outcome => Assert.True(outcome.Succeeded));
        Assert.Equal(32, (await kv.ReadAsync("app")).Data().GetProperty("data").GetPropertyCount());
    }

    [Fact]
    public async Task Readers_never_see_a_version_without_its_value()
    {
        await using var kv = await EngineHarness.StartAsync(KvTypes.Kv, Version2, memory => new FaultyStore(memory));
        await kv.HandleAsync(Operation.Update, "config", """{"max_versions":2}""");
        var large = new string('x', KvTestSizes.Large);
        await kv.WriteAsync("app", """{"data":{"n":"0"}}""");

        var writer = WriteAsync();
        while (!writer.IsCompleted)
        {
            Assert.True((await kv.ReadAsync("app")).Succeeded);
        }

        await writer;

        async Task WriteAsync()
        {
            for (var i = 1; i <= 50; i++)
            {
                var text = i % 2 == 0 ? large : "small";
                Assert.True((await kv.WriteAsync("app", $$$"""{"data":{"n":"{{{text}}}"}}""")).Succeeded);
            }
        }
    }

    [Fact]
    public async Task A_store_that_cannot_write_makes_the_write_fail_and_nothing_else()
    {
        FaultyStore? store = null;
        await using var kv = await EngineHarness.StartAsync(
            KvTypes.Kv,
            Version2,
            memory => store = new FaultyStore(memory)
        );
        await kv.WriteAsync("app", """{"data":{"n":1}}""");
        store!.FailAfter(0);

        (await kv.WriteAsync("app", """{"data":{"n":2}}""")).Failed(
            FaultKind.Unavailable,
            "the store cannot write: the disk is full"
        );

        Assert.Equal(1, (await kv.ReadAsync("app")).Data().GetProperty("data").GetProperty("n").GetInt32());
        store.FailAfter(1);
        Assert.True((await kv.WriteAsync("app", """{"data":{"n":2}}""")).Succeeded);
    }
}

internal static class KvTestSizes
{
    /// <summary>Too large to ride in the key's record.</summary>
    public const int Large = KeyChange.LargestRidingValue * 2;
}
