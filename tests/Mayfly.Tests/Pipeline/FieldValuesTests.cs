using System.Text;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Tests.Pipeline;

public sealed class FieldValuesTests
{
    [Fact]
    public void A_body_cannot_replace_what_the_path_says()
    {
        var table = new PathTable(
            new PathEntry("data/{path*}") { Help = "x", Fields = [new FieldSpec("path", FieldType.String, "x")] }
        );
        using var request = new Request
        {
            Id = "1",
            Operation = Operation.Update,
            Path = "data/mine",
            Body = SecretBytes.CopyOf(Encoding.UTF8.GetBytes("""{"path":"theirs"}""")),
        };

        var (fields, fault) = FieldValues.Bind(table.Match("data/mine")!, request, UnknownFields.Refuse, []);

        Assert.Null(fault);
        Assert.Equal("mine", fields!.String("path"));
        fields.Dispose();
    }

    [Fact]
    public void What_a_path_does_not_declare_does_not_reach_it_even_where_unknown_fields_only_warn()
    {
        var fields = Bind(Operation.Update, """{"ttl":"1h","policies":"root"}""", "");

        Assert.True(fields.Has("ttl"));
        Assert.False(fields.Has("policies"));
        Assert.Equal("", fields.String("policies"));
    }

    [Fact]
    public void A_query_cannot_set_what_a_write_takes_from_its_body()
    {
        // Policies allow and deny parameters by looking at the body.
        Assert.False(Bind(Operation.Update, "", "ttl").Has("ttl"));
        Assert.False(Bind(Operation.Patch, "", "ttl").Has("ttl"));
        Assert.True(Bind(Operation.Read, "", "ttl").Has("ttl"));
        Assert.True(Bind(Operation.Delete, "", "ttl").Has("ttl"));
        Assert.False(Bind(Operation.Read, "", "policies").Has("policies"));
    }

    [Theory]
    [InlineData("""{"a":"1","b":"2"}""")]
    [InlineData("""["a=1","b=2"]""")]
    [InlineData(""" "{\"a\":\"1\",\"b\":2}" """)]
    public async Task A_map_is_taken_as_an_object_as_pairs_and_as_the_text_that_command_lines_send(string map)
    {
        await using var vault = await TestVault.StartAsync();
        var token = await vault.TokenAsync($$"""{"meta":{{map}}}""");
        var meta = (await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: token)).GetProperty("meta");
        Assert.Equal(("1", "2"), (meta.GetProperty("a").GetString(), meta.GetProperty("b").GetString()));
    }

    [Theory]
    [InlineData(""" "{\"a\":" """)]
    [InlineData(""" "{\"a\":{\"b\":1}}" """)]
    [InlineData(""" "a" """)]
    [InlineData("""{"a":[1]}""")]
    [InlineData("""[1]""")]
    public async Task What_is_no_map_is_refused(string map)
    {
        await using var vault = await TestVault.StartAsync();
        var message = await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "auth/token/create",
            $$"""{"meta":{{map}}}"""
        );
        Assert.Contains("an object whose values are strings", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_key_that_a_list_of_pairs_has_twice_the_last_one_counts()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await vault.TokenAsync("""{"meta":["a=1","b=2","a=3"]}""");
        var data = await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: token);
        Assert.Equal("3", data.GetProperty("meta").GetProperty("a").GetString());
    }

    [Theory]
    [InlineData(Operation.Update, true)]
    [InlineData(Operation.Patch, true)]
    [InlineData(Operation.Read, false)]
    [InlineData(Operation.Delete, false)]
    public void A_required_field_is_required_of_writes(Operation operation, bool refused)
    {
        // A row that creates, shows and removes one thing declares its fields once.
        var table = new PathTable(
            new PathEntry("key") { Help = "x", Fields = [new("issuer", FieldType.String, "x") { Required = true }] }
        );
        using var request = new Request
        {
            Id = "1",
            Operation = operation,
            Path = "key",
        };

        var (fields, fault) = FieldValues.Bind(table.Match("key")!, request, UnknownFields.Refuse, []);

        Assert.Equal(refused, fault?.Kind == FaultKind.Invalid);
        fields?.Dispose();
    }

    private static FieldValues Bind(Operation operation, string body, string query)
    {
        var entry = new PathEntry("role") { Help = "x", Fields = [new FieldSpec("ttl", FieldType.Duration, "x")] };
        var request = new Request
        {
            Id = "1",
            Operation = operation,
            Path = "role",
            Body = SecretBytes.CopyOf(Encoding.UTF8.GetBytes(body)),
            Query = new Dictionary<string, string>(StringComparer.Ordinal) { [query] = "60" },
        };
        var (fields, fault) = FieldValues.Bind(new PathMatch(entry, default), request, UnknownFields.Warn, []);
        Assert.Null(fault);
        return fields!;
    }
}
