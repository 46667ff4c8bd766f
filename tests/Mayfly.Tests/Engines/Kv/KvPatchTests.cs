using System.Text;
using System.Text.Json;
using Mayfly.Core.Engines.Kv;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Engines.Kv;

public sealed class KvPatchTests : VersionedKvTestBase
{
    // The examples of RFC 7396, appendix A, and what happens to repeated names.
    [Theory]
    [InlineData("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"a":null}""", """{}""")]
    [InlineData("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [InlineData("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"c"}""", """{"a":["b"]}""", """{"a":["b"]}""")]
    [InlineData("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [InlineData("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [InlineData("""["a","b"]""", """["c","d"]""", """["c","d"]""")]
    [InlineData("""{"a":"b"}""", """["c"]""", """["c"]""")]
    [InlineData("""{"a":"foo"}""", "null", "null")]
    [InlineData("""{"a":"foo"}""", "\"bar\"", "\"bar\"")]
    [InlineData("""{"e":null}""", """{"a":1}""", """{"e":null,"a":1}""")]
    [InlineData("[1,2]", """{"a":"b","c":null}""", """{"a":"b"}""")]
    [InlineData("{}", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    [InlineData("""{"a":1,"a":2}""", """{"b":3,"b":4}""", """{"a":2,"b":4}""")]
    [InlineData("""{"a":1.50}""", """{"\u0062":"\u00e9"}""", """{"a":1.50,"b":"\u00e9"}""")]
    public void A_merge_patch_gives_what_its_standard_says(string target, string patch, string expected)
    {
        using var result = MergePatch.Apply(JsonElement.Parse(target), JsonElement.Parse(patch));

        Assert.Equal(expected, Encoding.UTF8.GetString(result.Span));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(KeyChange.LargestRidingValue * 2)]
    public async Task A_patch_makes_a_new_version_of_the_current_one(int size)
    {
        await using var kv = await StartAsync();
        await kv.WriteAsync("app", $$$"""{"data":{"keep":"{{{new string('x', size)}}}","drop":1,"change":1}}""");

        var patched = await kv.PatchAsync("data/app", """{"data":{"drop":null,"change":2},"options":{"cas":1}}""");

        Assert.Equal(2, patched.Data().GetProperty("version").GetInt32());
        var data = (await kv.ReadAsync("app")).Data().GetProperty("data");
        Assert.Equal($$$"""{"keep":"{{{new string('x', size)}}}","change":2}""", data.GetRawText());
        Assert.True((await kv.ReadAsync("app", 1)).Data().GetProperty("data").TryGetProperty("drop", out _));
    }

    [Fact]
    public async Task Only_a_live_secret_can_be_patched()
    {
        await using var kv = await StartAsync();
        const string Patch = """{"data":{"a":1}}""";

        (await kv.PatchAsync("data/app", Patch)).Failed(FaultKind.NotFound);
        await kv.HandleAsync(Operation.Update, "metadata/app", """{"max_versions":3}""");
        (await kv.PatchAsync("data/app", Patch)).Failed(FaultKind.NotFound);
        await kv.WriteAsync("app", """{"data":{}}""");
        (await kv.PatchAsync("data/app", "{}")).Failed(FaultKind.Invalid, "no data provided");
        (await kv.PatchAsync("data/app", """{"data":{},"options":{"cas":7}}""")).Failed(
            FaultKind.Invalid,
            "check-and-set parameter did not match the current version"
        );
        (await kv.HandleAsync(Operation.Patch, "data/app", Patch, contentType: "application/json")).Failed(
            FaultKind.WrongMediaType,
            "PATCH requires Content-Type of application/merge-patch+json"
        );

        await kv.HandleAsync(Operation.Delete, "data/app");
        var deleted = await kv.PatchAsync("data/app", Patch);
        deleted.Failed(FaultKind.NotFound);
        Assert.Equal(1, deleted.FaultData().GetProperty("version").GetInt32());

        await kv.HandleAsync(Operation.Update, "destroy/app", """{"versions":[1]}""");
        var destroyed = await kv.PatchAsync("data/app", Patch);
        destroyed.Failed(FaultKind.NotFound);
        Assert.True(destroyed.FaultData().GetProperty("destroyed").GetBoolean());
    }
}
