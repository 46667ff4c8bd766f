using Mayfly.Core.Engines.Kv;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Kv;

public sealed class KvUpgradeTests : VersionedKvTestBase
{
    private const string Message =
        "Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period and will "
        + "resume service shortly.";

    [Fact]
    public async Task Secrets_without_versions_become_first_versions()
    {
        await using var kv = await EngineHarness.StartAsync(KvTypes.Kv);
        foreach (var path in new[] { "a", "a/b", "a/b/c", "data/x", "config" })
        {
            (await kv.HandleAsync(Operation.Update, path, $$"""{"path":"{{path}}","ttl":"1h"}""")).IsDone();
        }

        await kv.RestartAsync(Version2);
        await UpgradedAsync(kv);

        foreach (var path in new[] { "a", "a/b", "a/b/c", "data/x", "config" })
        {
            var data = (await kv.ReadAsync(path)).Data();
            Assert.Equal($$"""{"path":"{{path}}","ttl":"1h"}""", data.GetProperty("data").GetRawText());
            Assert.Equal(1, data.GetProperty("metadata").GetProperty("version").GetInt32());
        }

        Assert.Equal(["a", "a/", "config", "data/"], (await kv.HandleAsync(Operation.List, "metadata/")).Keys());
        Assert.Equal(0, await kv.Store.CountAsync(kv.View.KeyOf("plain/"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_upgrade_that_was_cut_off_goes_on_where_it_stopped()
    {
        FaultyStore? store = null;
        await using var kv = await EngineHarness.StartAsync(
            KvTypes.Kv,
            options: null,
            memory => store = new FaultyStore(memory)
        );
        for (var i = 0; i < 10; i++)
        {
            await kv.HandleAsync(Operation.Update, $"s{i}", $$"""{"n":{{i}}}""");
        }

        store!.FailAfter(5);
        await kv.RestartAsync(Version2);
        while (await kv.Store.CountAsync(kv.View.KeyOf("key/"), TestContext.Current.CancellationToken) < 4)
        {
            await Task.Yield();
        }

        (await kv.ReadAsync("s0")).Failed(FaultKind.Invalid, Message);
        (await kv.WriteAsync("s0", """{"data":{}}""")).Failed(FaultKind.Invalid, Message);
        (await kv.HandleAsync(Operation.List, "metadata/")).Failed(FaultKind.Invalid, Message);
        (await kv.HandleAsync(Operation.Read, "config")).Failed(FaultKind.Invalid, Message);

        await kv.RestartAsync();
        store.FailAfter(int.MaxValue);
        await UpgradedAsync(kv);

        for (var i = 0; i < 10; i++)
        {
            var data = (await kv.ReadAsync($"s{i}")).Data();
            Assert.Equal(i, data.GetProperty("data").GetProperty("n").GetInt32());
            Assert.Equal(1, data.GetProperty("metadata").GetProperty("version").GetInt32());
        }
    }

    [Fact]
    public async Task No_write_slips_past_an_upgrade()
    {
        await using var kv = await EngineHarness.StartAsync(KvTypes.Kv);
        await kv.HandleAsync(Operation.Update, "before", """{"n":1}""");
        var cancellation = TestContext.Current.CancellationToken;

        // A tuned mount starts its new engine while requests still run in the old one.
        await using var successor = KvTypes.Kv.Create(kv.Context with { Mount = kv.Mount with { Options = Version2 } });
        await successor.StartAsync(cancellation);

        (await kv.HandleAsync(Operation.Update, "late", """{"n":1}""")).Failed(FaultKind.Invalid, Message);
        (await kv.HandleAsync(Operation.Delete, "before")).Failed(FaultKind.Invalid, Message);
        while (await kv.Store.CountAsync(kv.View.KeyOf("plain/"), cancellation) > 0)
        {
            await Task.Yield();
        }

        (await kv.HandleAsync(Operation.Read, "before")).Failed(FaultKind.Invalid, Message);
    }

    [Fact]
    public async Task A_new_mount_with_versions_answers_at_once()
    {
        await using var kv = await EngineHarness.StartAsync(KvTypes.Kv, Version2);

        Assert.True((await kv.WriteAsync("app", """{"data":{}}""")).Succeeded);
    }

    [Theory]
    [InlineData("kv-v1", "kv", "1")]
    [InlineData("kv-v2", "kv", "2")]
    [InlineData("kv", "kv", null)]
    [InlineData("generic", "generic", null)]
    public void Names_with_a_version_stand_for_the_option(string name, string type, string? version)
    {
        var resolved = Mayfly.Core.Catalog.Resolve(
            Mayfly.Core.Catalog.Engines,
            Mayfly.Core.Engines.EngineKind.Secrets,
            name,
            new Dictionary<string, string>(StringComparer.Ordinal)
        );

        Assert.Equal(type, resolved?.Type.Name);
        Assert.Equal(version, resolved?.Options.GetValueOrDefault("version"));
    }

    [Fact]
    public void Other_versions_are_refused()
    {
        Assert.NotNull(
            KvTypes.Kv.CheckOptions(null, new Dictionary<string, string>(StringComparer.Ordinal) { ["version"] = "3" })
        );
        Assert.Null(KvTypes.Kv.CheckOptions(null, Version2));
    }

    /// <summary>Waits until the upgrade is over, moving the clock for its pauses.</summary>
    private static async Task UpgradedAsync(EngineHarness kv)
    {
        while ((await kv.HandleAsync(Operation.Read, "config")).Fault is { Messages: [Message] })
        {
            kv.Time.Advance(TimeSpan.FromSeconds(2));
            await Task.Yield();
        }
    }
}
