using Mayfly.Core.Engines.Kv;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Kv;

public sealed class VersionedKvTests : VersionedKvTestBase
{
    [Fact]
    public async Task A_written_secret_reads_back_as_it_was_sent()
    {
        await using var kv = await StartAsync();

        var written = await kv.WriteAsync("app/db", """{"data":{"b": 1.50,"a":"\u00e9 é"}}""");
        Assert.Equal(
            """{"created_time":"2026-01-01T00:00:00Z","custom_metadata":null,"deletion_time":"","destroyed":false,"version":1}""",
            written.Text()
        );

        var read = await kv.ReadAsync("app/db");
        Assert.Equal(
            """{"data":{"b": 1.50,"a":"\u00e9 é"},"metadata":{"created_time":"2026-01-01T00:00:00Z","custom_metadata":null,"deletion_time":"","destroyed":false,"version":1}}""",
            read.Text()
        );
    }

    [Fact]
    public async Task A_missing_secret_is_not_found()
    {
        await using var kv = await StartAsync();

        (await kv.ReadAsync("nothing")).Failed(FaultKind.NotFound);
        (await kv.HandleAsync(Operation.Read, "metadata/nothing")).Failed(FaultKind.NotFound);
        (await kv.HandleAsync(Operation.List, "metadata/nothing/")).Failed(FaultKind.NotFound);
        (await kv.HandleAsync(Operation.Delete, "data/nothing")).IsDone();
        (await kv.HandleAsync(Operation.Delete, "metadata/nothing")).IsDone();
        (await kv.HandleAsync(Operation.Update, "destroy/nothing", """{"versions":[1]}""")).IsDone();
    }

    [Fact]
    public async Task Old_versions_stay_readable_by_number()
    {
        await using var kv = await StartAsync();
        for (var i = 1; i <= 3; i++)
        {
            await kv.WriteAsync("app", $$$"""{"data":{"n":{{{i}}}}}""");
            kv.Time.Advance(TimeSpan.FromSeconds(1.5));
        }

        Assert.Equal(3, (await kv.ReadAsync("app")).Data().GetProperty("data").GetProperty("n").GetInt32());
        Assert.Equal(3, (await kv.ReadAsync("app", 0)).Data().GetProperty("data").GetProperty("n").GetInt32());
        for (var i = 1; i <= 3; i++)
        {
            var data = (await kv.ReadAsync("app", i)).Data();
            Assert.Equal(i, data.GetProperty("data").GetProperty("n").GetInt32());
            Assert.Equal(i, data.GetProperty("metadata").GetProperty("version").GetInt32());
        }

        Assert.Equal(
            "2026-01-01T00:00:01.5Z",
            (await kv.ReadAsync("app", 2)).Data().GetProperty("metadata").GetProperty("created_time").GetString()
        );
        (await kv.ReadAsync("app", 4)).Failed(FaultKind.NotFound);
    }

    [Fact]
    public async Task A_deleted_version_answers_not_found_with_its_metadata_until_it_is_undeleted()
    {
        await using var kv = await StartAsync();
        await kv.WriteAsync("app", """{"data":{"n":1}}""");
        kv.Time.Advance(TimeSpan.FromMinutes(1));

        (await kv.HandleAsync(Operation.Delete, "data/app")).IsDone();

        var read = await kv.ReadAsync("app");
        read.Failed(FaultKind.NotFound);
        Assert.Equal(
            """{"data":null,"metadata":{"created_time":"2026-01-01T00:00:00Z","custom_metadata":null,"deletion_time":"2026-01-01T00:01:00Z","destroyed":false,"version":1}}""",
            read.FaultData().GetRawText()
        );

        (await kv.HandleAsync(Operation.Update, "undelete/app", """{"versions":[1]}""")).IsDone();
        Assert.Equal(1, (await kv.ReadAsync("app")).Data().GetProperty("data").GetProperty("n").GetInt32());
    }

    [Theory]
    [InlineData(10)]
    [InlineData(KeyChange.LargestRidingValue * 2)]
    public async Task A_destroyed_version_leaves_no_record_behind(int size)
    {
        await using var kv = await StartAsync();
        await kv.WriteAsync("app", $$$"""{"data":{"n":"{{{new string('x', size)}}}"}}""");
        await kv.WriteAsync("app", $$$"""{"data":{"n":"{{{new string('y', size)}}}"}}""");

        (await kv.HandleAsync(Operation.Update, "destroy/app", """{"versions":"1,2"}""")).IsDone();

        Assert.Equal(1, await kv.CountRecordsAsync());
        var read = await kv.ReadAsync("app");
        read.Failed(FaultKind.NotFound);
        Assert.True(read.FaultData().GetProperty("metadata").GetProperty("destroyed").GetBoolean());
        (await kv.HandleAsync(Operation.Update, "undelete/app", """{"versions":[2]}""")).IsDone();
        (await kv.ReadAsync("app")).Failed(FaultKind.NotFound);
        Assert.True(
            (await kv.MetadataAsync("app"))
                .GetProperty("versions")
                .GetProperty("1")
                .GetProperty("destroyed")
                .GetBoolean()
        );
    }

    [Theory]
    [InlineData(10)]
    [InlineData(KeyChange.LargestRidingValue * 2)]
    public async Task Versions_beyond_the_limit_go_in_the_same_commit(int size)
    {
        await using var kv = await StartAsync();
        for (var i = 1; i <= 12; i++)
        {
            await kv.WriteAsync("app", $$$"""{"data":{"n":"{{{new string('x', size)}}}"}}""");
        }

        var metadata = await kv.MetadataAsync("app");
        Assert.Equal(3, metadata.GetProperty("oldest_version").GetInt32());
        Assert.Equal(12, metadata.GetProperty("current_version").GetInt32());
        Assert.Equal(10, metadata.GetProperty("versions").EnumerateObject().Count());
        Assert.Equal(size > 100 ? 11 : 10, await kv.CountRecordsAsync());

        await kv.HandleAsync(Operation.Update, "metadata/app", """{"max_versions":1}""");
        await kv.HandleAsync(Operation.Update, "config", """{"max_versions":2}""");
        await kv.WriteAsync("app", """{"data":{}}""");

        metadata = await kv.MetadataAsync("app");
        Assert.Equal(12, metadata.GetProperty("oldest_version").GetInt32());
        Assert.Equal(2, await kv.CountRecordsAsync());
        (await kv.ReadAsync("app", 11)).Failed(FaultKind.NotFound);
        Assert.True((await kv.ReadAsync("app", 12)).Succeeded);
    }

    [Fact]
    public async Task Deleting_the_metadata_leaves_nothing()
    {
        await using var kv = await StartAsync();
        await kv.WriteAsync("app", """{"data":{"n":1}}""");
        await kv.WriteAsync("app", $$$"""{"data":{"n":"{{{new string('x', KeyChange.LargestRidingValue)}}}"}}""");
        await kv.WriteAsync("app", """{"data":{"n":3}}""");
        await kv.HandleAsync(Operation.Update, "destroy/app", """{"versions":[1]}""");

        (await kv.HandleAsync(Operation.Delete, "metadata/app")).IsDone();

        Assert.Equal(0, await kv.CountRecordsAsync());
        (await kv.ReadAsync("app")).Failed(FaultKind.NotFound);
        Assert.Equal(1, (await kv.WriteAsync("app", """{"data":{}}""")).Data().GetProperty("version").GetInt32());
    }

    [Fact]
    public async Task Check_and_set_lets_only_the_expected_version_be_replaced()
    {
        await using var kv = await StartAsync();
        const string Mismatch = "check-and-set parameter did not match the current version";

        (await kv.WriteAsync("app", """{"options":{"cas":1},"data":{}}""")).Failed(FaultKind.Invalid, Mismatch);
        Assert.True((await kv.WriteAsync("app", """{"options":{"cas":0},"data":{}}""")).Succeeded);
        (await kv.WriteAsync("app", """{"options":{"cas":0},"data":{}}""")).Failed(FaultKind.Invalid, Mismatch);
        (await kv.WriteAsync("app", """{"options":{"cas":-1},"data":{}}""")).Failed(FaultKind.Invalid, Mismatch);
        Assert.True((await kv.WriteAsync("app", """{"options":{"cas":"1"},"data":{}}""")).Succeeded);
        (await kv.WriteAsync("app", """{"options":{"cas":{}},"data":{}}""")).Failed(
            FaultKind.Invalid,
            "error parsing check-and-set parameter"
        );
    }

    [Theory]
    [InlineData("config")]
    [InlineData("metadata/app")]
    public async Task Check_and_set_can_be_required(string where)
    {
        await using var kv = await StartAsync();
        (await kv.HandleAsync(Operation.Update, where, """{"cas_required":true}""")).IsDone();

        (await kv.WriteAsync("app", """{"data":{}}""")).Failed(
            FaultKind.Invalid,
            "check-and-set parameter required for this call"
        );
        Assert.True((await kv.WriteAsync("app", """{"options":{"cas":0},"data":{}}""")).Succeeded);
    }

    [Fact]
    public async Task A_write_without_data_is_refused()
    {
        await using var kv = await StartAsync();

        (await kv.WriteAsync("app", "{}")).Failed(FaultKind.Invalid, "no data provided");
        (await kv.WriteAsync("app", """{"data":null}""")).Failed(FaultKind.Invalid, "no data provided");
        (await kv.WriteAsync("", """{"data":{}}""")).Failed(FaultKind.Invalid, "missing path");
        (await kv.WriteAsync("app", """{"data":[1]}""")).Failed(
            FaultKind.Invalid,
            "field data: expected a JSON object"
        );
    }

    [Fact]
    public async Task Writes_need_create_only_where_there_is_no_key()
    {
        await using var kv = await StartAsync();
        var match = kv.Engine.Paths.Match("data/app")!;
        var cancellation = TestContext.Current.CancellationToken;

        Assert.False(await match.Entry.Exists!(match, cancellation));
        await kv.WriteAsync("app", """{"data":{}}""");
        await kv.HandleAsync(Operation.Delete, "data/app");
        Assert.True(await match.Entry.Exists!(match, cancellation));
    }

    [Fact]
    public async Task A_path_without_data_gets_the_path_that_was_meant()
    {
        await using var kv = await StartAsync();

        var read = await kv.HandleAsync(Operation.Read, "app/db");
        read.Failed(FaultKind.NotFound);
        Assert.Equal(
            "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. "
                + "If using the Vault CLI, use 'vault kv get' for this operation. The path for this is kv/data/app/db.",
            Assert.Single(read.Fault!.Body!.Warnings)
        );
        var list = await kv.HandleAsync(Operation.List, "app/");
        Assert.EndsWith("The path for this is kv/metadata/app/.", Assert.Single(list.Fault!.Body!.Warnings));
        var write = await kv.HandleAsync(Operation.Update, "app", """{"password":"canary"}""");
        Assert.EndsWith(
            "'vault kv put' for this operation. The path for this is kv/data/app.",
            Assert.Single(write.Fault!.Body!.Warnings)
        );
        var root = await kv.HandleAsync(Operation.Read, "data");
        Assert.Equal(
            "Non-listing operations on the root of a K/V v2 mount are not supported.",
            Assert.Single(root.Fault!.Body!.Warnings)
        );
    }
}
