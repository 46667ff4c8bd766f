using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Kv;

public sealed class KvMetadataTests : VersionedKvTestBase
{
    [Fact]
    public async Task Metadata_reads_as_vault_lays_it_out()
    {
        await using var kv = await StartAsync();
        await kv.WriteAsync("app", """{"data":{}}""");

        var metadata = await kv.HandleAsync(Operation.Read, "metadata/app");

        Assert.Equal(
            """{"cas_required":false,"created_time":"2026-01-01T00:00:00Z","current_metadata_version":1,"current_version":1,"custom_metadata":null,"delete_version_after":"0s","effective":{"cas_required":false,"delete_version_after":"0s","max_versions":10},"max_versions":0,"metadata_cas_required":false,"oldest_version":0,"updated_time":"2026-01-01T00:00:00Z","versions":{"1":{"created_time":"2026-01-01T00:00:00Z","deletion_time":"","destroyed":false}}}""",
            metadata.Text()
        );
    }

    [Fact]
    public async Task The_settings_of_engine_and_key_are_shown_apart_and_together()
    {
        await using var kv = await StartAsync();
        (
            await kv.HandleAsync(
                Operation.Update,
                "config",
                """{"max_versions":5,"cas_required":true,"delete_version_after":"1h30m"}"""
            )
        ).IsDone();
        (
            await kv.HandleAsync(Operation.Update, "metadata/app", """{"max_versions":7,"delete_version_after":"2h"}""")
        ).IsDone();

        Assert.Equal(
            """{"cas_required":true,"delete_version_after":"1h30m0s","max_versions":5,"metadata_cas_required":false}""",
            (await kv.HandleAsync(Operation.Read, "config")).Text()
        );
        var metadata = await kv.MetadataAsync("app");
        Assert.Equal("2h0m0s", metadata.GetProperty("delete_version_after").GetString());
        Assert.Equal(
            """{"cas_required":true,"delete_version_after":"1h30m0s","max_versions":7}""",
            metadata.GetProperty("effective").GetRawText()
        );
    }

    [Fact]
    public async Task Every_change_moves_the_updated_time()
    {
        await using var kv = await StartAsync();
        await kv.WriteAsync("app", """{"data":{}}""");
        await kv.WriteAsync("app", """{"data":{}}""");

        await MovesAsync(Operation.Delete, "data/app", null);
        await MovesAsync(Operation.Update, "undelete/app", """{"versions":[2]}""");
        await MovesAsync(Operation.Update, "delete/app", """{"versions":[2]}""");
        await MovesAsync(Operation.Update, "destroy/app", """{"versions":[1]}""");
        await MovesAsync(Operation.Update, "metadata/app", """{"max_versions":3}""");
        await MovesAsync(Operation.Patch, "metadata/app", """{"max_versions":4}""");

        async Task MovesAsync(Operation operation, string path, string? body)
        {
            kv.Time.Advance(TimeSpan.FromHours(1));
            var outcome = await kv.HandleAsync(operation, path, body, contentType: "application/merge-patch+json");
            outcome.IsDone();
            Assert.Equal(
                kv.Time.GetUtcNow(),
                (await kv.MetadataAsync("app")).GetProperty("updated_time").GetDateTimeOffset()
            );
        }
    }

    [Fact]
    public async Task Custom_metadata_goes_along_with_every_read()
    {
        await using var kv = await StartAsync();
        await kv.WriteAsync("app", """{"data":{}}""");

        (
            await kv.HandleAsync(
                Operation.Update,
                "metadata/app",
                """{"custom_metadata":{"owner":"team é","n":7,"on":true}}"""
            )
        ).IsDone();

        const string Expected = """{"n":"7","on":"1","owner":"team é"}""";
        Assert.Equal(Expected, (await kv.MetadataAsync("app")).GetProperty("custom_metadata").GetRawText());
        var read = (await kv.ReadAsync("app")).Data().GetProperty("metadata");
        Assert.Equal(Expected, read.GetProperty("custom_metadata").GetRawText());
        var written = (await kv.WriteAsync("app", """{"data":{}}""")).Data();
        Assert.Equal(Expected, written.GetProperty("custom_metadata").GetRawText());

        (await kv.PatchAsync("metadata/app", """{"custom_metadata":{"n":null,"new":"x"}}""")).IsDone();
        Assert.Equal(
            """{"new":"x","on":"1","owner":"team é"}""",
            (await kv.MetadataAsync("app")).GetProperty("custom_metadata").GetRawText()
        );
        (await kv.PatchAsync("metadata/app", """{"custom_metadata":null}""")).IsDone();
        Assert.Equal(JsonValueKind.Null, (await kv.MetadataAsync("app")).GetProperty("custom_metadata").ValueKind);
    }

    public static TheoryData<string, string> BadCustomMetadata =>
        new()
        {
            {
                $$"""{"{{new string('k', 129)}}":"v"}""",
                $"length of key \"{new string('k', 129)}\" is 129 but must be 0 < len(key) <= 128"
            },
            { """{"":"v"}""", "length of key \"\" is 0 but must be 0 < len(key) <= 128" },
            {
                $$"""{"k":"{{new string('é', 257)}}"}""",
                "length of value for key \"k\" is 514 but must be 0 < len(value) <= 512"
            },
            { """{"k":""}""", "length of value for key \"k\" is 0 but must be 0 < len(value) <= 512" },
            { """{"k":null}""", "length of value for key \"k\" is 0 but must be 0 < len(value) <= 512" },
            { """{"k":"a\u0007"}""", "value for key \"k\" contains unprintable characters" },
            {
                $"{{{string.Join(',', Enumerable.Range(0, 65).Select(i => $"\"k{i}\":\"v\""))}}}",
                "payload must contain at most 64 keys, provided 65"
            },
        };

    [Theory]
    [MemberData(nameof(BadCustomMetadata))]
    public async Task Custom_metadata_has_limits(string remarks, string problem)
    {
        await using var kv = await StartAsync();

        var outcome = await kv.HandleAsync(Operation.Update, "metadata/app", $$"""{"custom_metadata":{{remarks}}}""");

        outcome.Failed(FaultKind.Invalid, $"1 error occurred:\n\t* custom_metadata validation failed: {problem}\n\n");
        (await kv.HandleAsync(Operation.Read, "metadata/app")).Failed(FaultKind.NotFound);
    }

    [Fact]
    public async Task Custom_metadata_stays_within_its_limits_when_patched()
    {
        await using var kv = await StartAsync();
        var full = string.Join(',', Enumerable.Range(0, 64).Select(i => $"\"k{i}\":\"v\""));
        await kv.HandleAsync(Operation.Update, "metadata/app", $$$"""{"custom_metadata":{{{{full}}}}}""");

        var outcome = await kv.PatchAsync("metadata/app", """{"custom_metadata":{"more":"v"}}""");

        Assert.Equal(FaultKind.Invalid, outcome.Fault?.Kind);
        (await kv.PatchAsync("metadata/app", """{"custom_metadata":{"more":"v","k0":null}}""")).IsDone();
    }

    [Fact]
    public async Task A_patch_changes_only_what_it_names_and_null_puts_back_the_default()
    {
        await using var kv = await StartAsync();
        (await kv.PatchAsync("metadata/app", """{"max_versions":3}""")).Failed(FaultKind.NotFound);
        await kv.HandleAsync(
            Operation.Update,
            "metadata/app",
            """{"max_versions":3,"cas_required":true,"delete_version_after":"10s"}"""
        );

        (await kv.PatchAsync("metadata/app", """{"cas_required":null,"delete_version_after":null}""")).IsDone();

        var metadata = await kv.MetadataAsync("app");
        Assert.Equal(3, metadata.GetProperty("max_versions").GetInt32());
        Assert.False(metadata.GetProperty("cas_required").GetBoolean());
        Assert.Equal("0s", metadata.GetProperty("delete_version_after").GetString());
        (await kv.PatchAsync("metadata/app", "{}")).IsDone();
        Assert.Equal(2, (await kv.MetadataAsync("app")).GetProperty("current_metadata_version").GetInt32());
    }

    [Fact]
    public async Task Switching_off_what_the_engine_demands_warns()
    {
        await using var kv = await StartAsync();
        await kv.HandleAsync(Operation.Update, "config", """{"cas_required":true}""");

        var outcome = await kv.HandleAsync(Operation.Update, "metadata/app", """{"cas_required":false}""");

        Assert.Equal(
            "\"cas_required\" set to false, but is mandated by backend config. This value will be ignored.",
            Assert.Single(outcome.Response!.Warnings)
        );
    }

    [Fact]
    public async Task Metadata_can_be_changed_by_check_and_set()
    {
        await using var kv = await StartAsync();
        await kv.HandleAsync(Operation.Update, "config", """{"metadata_cas_required":true}""");

        (await kv.HandleAsync(Operation.Update, "metadata/app", """{"max_versions":1}""")).Failed(
            FaultKind.Invalid,
            "metadata check-and-set parameter required for this call"
        );
        (await kv.HandleAsync(Operation.Update, "metadata/app", """{"max_versions":1,"metadata_cas":1}""")).Failed(
            FaultKind.Invalid,
            "metadata_cas must be 0 when creating new metadata"
        );
        (await kv.HandleAsync(Operation.Update, "metadata/app", """{"max_versions":1,"metadata_cas":0}""")).IsDone();
        (await kv.PatchAsync("metadata/app", """{"max_versions":2,"metadata_cas":2}""")).Failed(
            FaultKind.Invalid,
            "metadata check-and-set parameter does not match the current version"
        );
        (await kv.PatchAsync("metadata/app", """{"max_versions":2,"metadata_cas":1}""")).IsDone();
    }

    [Theory]
    [InlineData("""{"max_versions":-1}""")]
    [InlineData("""{"max_versions":2147483648}""")]
    [InlineData("""{"delete_version_after":"-1s"}""")]
    [InlineData("""{"delete_version_after":"soon"}""")]
    [InlineData("""{"custom_metadata":"x"}""")]
    [InlineData("""{"custom_metadata":{"k":{}}}""")]
    public async Task Wrong_settings_are_refused_whole(string body)
    {
        await using var kv = await StartAsync();

        var outcome = await kv.HandleAsync(Operation.Update, "metadata/app", body);

        Assert.Equal(FaultKind.Invalid, outcome.Fault?.Kind);
        Assert.Equal(0, await kv.CountRecordsAsync());
    }

    [Fact]
    public async Task Names_are_listed_by_folder_in_order_and_in_pages()
    {
        await using var kv = await StartAsync();
        foreach (var path in new[] { "b", "a/x", "a/y/z", "a", "c" })
        {
            await kv.WriteAsync(path, """{"data":{}}""");
        }

        await kv.HandleAsync(Operation.Delete, "data/c");

        Assert.Equal(["a", "a/", "b", "c"], (await kv.HandleAsync(Operation.List, "metadata/")).Keys());
        Assert.Equal(["x", "y/"], (await kv.HandleAsync(Operation.List, "metadata/a/")).Keys());
        Assert.Equal(["x", "y/"], (await kv.HandleAsync(Operation.List, "metadata/a")).Keys());
        Assert.Equal(["a/", "b"], (await ListAsync(after: "a", limit: "2")).Keys());
        Assert.Equal(["c"], (await ListAsync(after: "bb", limit: "0")).Keys());
        (await ListAsync(after: "z", limit: "")).Failed(FaultKind.NotFound);

        Task<Outcome> ListAsync(string after, string limit) =>
            kv.HandleAsync(
                Operation.List,
                "metadata/",
                query: new Dictionary<string, string>(StringComparer.Ordinal) { ["after"] = after, ["limit"] = limit }
            );
    }

    [Fact]
    public async Task A_detailed_list_has_the_metadata_of_each_name()
    {
        await using var kv = await StartAsync();
        await kv.WriteAsync("a/x", """{"data":{}}""");
        await kv.WriteAsync("a/y/z", """{"data":{}}""");

        var list = (await kv.HandleAsync(Operation.List, "detailed-metadata/a/")).Data();

        Assert.Equal("""["x","y/"]""", list.GetProperty("keys").GetRawText());
        var info = list.GetProperty("key_info");
        Assert.Equal(1, info.GetProperty("x").GetProperty("current_version").GetInt32());
        Assert.Equal("{}", info.GetProperty("y/").GetRawText());
    }

    [Theory]
    [InlineData(null, """{"a":null,"b":{"c":null,"d":{"e":null}},"f":null}""")]
    [InlineData("0", """{"a":null,"b":{"c":null,"d":{"e":null}},"f":null}""")]
    [InlineData("1", """{"a":null,"b":null,"f":null}""")]
    [InlineData("2", """{"a":null,"b":{"c":null,"d":null},"f":null}""")]
    public async Task Subkeys_show_names_without_values(string? depth, string expected)
    {
        await using var kv = await StartAsync();
        await kv.WriteAsync("app", """{"data":{"a":"canary","b":{"c":[{"x":1}],"d":{"e":1}},"f":{}}}""");

        var subkeys = await kv.HandleAsync(
            Operation.Read,
            "subkeys/app",
            query: depth is null ? null : new Dictionary<string, string>(StringComparer.Ordinal) { ["depth"] = depth }
        );

        Assert.Equal(
            """{"metadata":{"created_time":"2026-01-01T00:00:00Z","custom_metadata":null,"deletion_time":"","destroyed":false,"version":1},"subkeys":"""
                + expected
                + "}",
            subkeys.Text()
        );
    }

    [Fact]
    public async Task Subkeys_of_a_deleted_version_are_not_found()
    {
        await using var kv = await StartAsync();
        await kv.WriteAsync("app", """{"data":{"a":1}}""");
        await kv.HandleAsync(Operation.Delete, "data/app");

        var subkeys = await kv.HandleAsync(Operation.Read, "subkeys/app");

        subkeys.Failed(FaultKind.NotFound);
        Assert.Equal(JsonValueKind.Null, subkeys.FaultData().GetProperty("subkeys").ValueKind);
    }
}
