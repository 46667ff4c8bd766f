using Mayfly.Core.Pipeline;
using Mayfly.Tests.Storage;

namespace Mayfly.Tests.Engines.Kv;

public sealed class KvExpiryTests : VersionedKvTestBase
{
    [Fact]
    public async Task A_version_reads_as_deleted_once_its_time_has_come()
    {
        await using var kv = await StartAsync();
        await kv.HandleAsync(Operation.Update, "metadata/app", """{"delete_version_after":"1h"}""");

        var written = (await kv.WriteAsync("app", """{"data":{"n":1}}""")).Data();
        Assert.Equal("2026-01-01T01:00:00Z", written.GetProperty("deletion_time").GetString());

        kv.Time.Advance(TimeSpan.FromMinutes(59));
        Assert.Equal(
            "2026-01-01T01:00:00Z",
            (await kv.ReadAsync("app")).Data().GetProperty("metadata").GetProperty("deletion_time").GetString()
        );
        kv.Time.Advance(TimeSpan.FromMinutes(1));
        (await kv.ReadAsync("app")).Failed(FaultKind.NotFound);
    }

    [Fact]
    public async Task A_due_call_records_the_end_and_the_next_one()
    {
        await using var kv = await StartAsync();
        await kv.HandleAsync(Operation.Update, "config", """{"delete_version_after":"1h"}""");
        await kv.WriteAsync("app", """{"data":{"n":1}}""");
        kv.Time.Advance(TimeSpan.FromMinutes(30));
        await kv.WriteAsync("app", """{"data":{"n":2}}""");
        await kv.WriteAsync("other", """{"data":{"n":2}}""");

        Assert.Equal(["key/app"], await CallDueAsync(kv, TimeSpan.FromMinutes(30)));
        Assert.Equal("2026-01-01T01:00:00Z", (await kv.MetadataAsync("app")).GetProperty("updated_time").GetString());
        Assert.Equal(["key/app", "key/other"], await CallDueAsync(kv, TimeSpan.FromMinutes(30)));
        Assert.Null(await kv.Store.NextDueAsync(TestContext.Current.CancellationToken));

        (await kv.HandleAsync(Operation.Update, "undelete/app", """{"versions":[1]}""")).IsDone();
        Assert.Equal(1, (await kv.ReadAsync("app", 1)).Data().GetProperty("data").GetProperty("n").GetInt32());
        Assert.Equal(["key/app"], await CallDueAsync(kv, TimeSpan.FromHours(1)));
        (await kv.ReadAsync("app", 1)).Failed(FaultKind.NotFound);
    }

    [Theory]
    [InlineData("1h", "30m", "30m0s")]
    [InlineData("1h", "2h", "1h0m0s")]
    [InlineData("1h", "0", "1h0m0s")]
    [InlineData("0", "2h", "2h0m0s")]
    [InlineData("0", "0", "0s")]
    [InlineData("-1s", "2h", "0s")]
    public async Task The_shorter_of_engine_and_key_counts(string engine, string key, string expected)
    {
        await using var kv = await StartAsync();
        await kv.HandleAsync(Operation.Update, "config", $$"""{"delete_version_after":"{{engine}}"}""");
        await kv.HandleAsync(Operation.Update, "metadata/app", $$"""{"delete_version_after":"{{key}}"}""");

        var effective = (await kv.MetadataAsync("app")).GetProperty("effective");

        Assert.Equal(expected, effective.GetProperty("delete_version_after").GetString());
        var written = (await kv.WriteAsync("app", """{"data":{}}""")).Data();
        Assert.Equal(expected == "0s", written.GetProperty("deletion_time").GetString() == "");
    }

    [Fact]
    public async Task A_negative_duration_switches_the_end_off_for_all()
    {
        await using var kv = await StartAsync();

        (await kv.HandleAsync(Operation.Update, "config", """{"delete_version_after":-30}""")).IsDone();

        Assert.Equal(
            "-1s",
            (await kv.HandleAsync(Operation.Read, "config")).Data().GetProperty("delete_version_after").GetString()
        );
        (await kv.HandleAsync(Operation.Update, "config", """{"delete_version_after":"-"}""")).Failed(
            FaultKind.Invalid,
            "field delete_version_after: expected a duration, such as 90, \"30m\" or \"-1s\""
        );
    }

    /// <summary>Moves the clock, and calls the engine for each record that has come due.</summary>
    private static async Task<IReadOnlyList<string>> CallDueAsync(EngineHarness kv, TimeSpan after)
    {
        var cancellation = TestContext.Current.CancellationToken;
        kv.Time.Advance(after);
        var until = kv.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var called = new List<string>();
        foreach (var (key, _) in await kv.Store.DueAsync(until, 100, cancellation))
        {
            var path = kv.View.PathOf(key)!;
            called.Add(path);
            await kv.Engine.OnDueAsync(path, cancellation);
        }

        called.Sort(StringComparer.Ordinal);
        return called;
    }
}
