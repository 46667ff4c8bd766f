using System.Text;
using System.Text.Json;
using Mayfly.Core.Auth;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Tests.Auth;

public sealed class TokenParametersTests
{
    private static readonly string[] Older = ["ttl", "policies"];

    [Fact]
    public void Every_field_is_taken_and_shown_with_its_type()
    {
        var parameters = Apply(
            """
            {"token_ttl":"1h","token_max_ttl":7200,"token_explicit_max_ttl":"3h","token_period":"0","token_num_uses":"5",
             "token_policies":"B, a,a","token_bound_cidrs":["10.0.0.0/8","192.168.1.1/32"],"token_type":"service",
             "token_no_default_policy":true,"token_strictly_bind_ip":"false"}
            """
        );
        Assert.Equal(
            """{"token_bound_cidrs":["10.0.0.0/8","192.168.1.1"],"token_explicit_max_ttl":10800,"token_max_ttl":7200"""
                + ""","token_no_default_policy":true,"token_num_uses":5,"token_period":0,"token_policies":["a","b"]"""
                + ""","token_strictly_bind_ip":false,"token_ttl":3600,"token_type":"service"}""",
            Written(parameters)
        );
    }

    [Fact]
    public void Unset_parameters_are_shown_with_defaults()
    {
        Assert.Equal(
            """{"token_bound_cidrs":[],"token_explicit_max_ttl":0,"token_max_ttl":0,"token_no_default_policy":false"""
                + ""","token_num_uses":0,"token_period":0,"token_policies":[],"token_strictly_bind_ip":false"""
                + ""","token_ttl":0,"token_type":"default"}""",
            Written(new TokenParameters())
        );
    }

    [Fact]
    public void A_partial_update_keeps_what_was_not_sent()
    {
        var before = Apply("""{"token_ttl":60,"token_policies":["a"],"token_num_uses":3}""");
        var after = Apply("""{"token_ttl":"2m"}""", before);
        Assert.Equal(TimeSpan.FromMinutes(2), after.Ttl);
        Assert.Equal(["a"], after.Policies);
        Assert.Equal(3, after.NumUses);
        Assert.Empty(Apply("""{"token_policies":[]}""", after).Policies);
        Assert.Equal(TimeSpan.Zero, Apply("""{"token_ttl":""}""", after).Ttl);
    }

    [Theory]
    [InlineData("""{"token_ttl":"2h","token_max_ttl":"1h"}""", "'token_ttl' cannot be greater than 'token_max_ttl'")]
    [InlineData("""{"token_bound_cidrs":"10.0.0.0/33"}""", "10.0.0.0/33")]
    [InlineData("""{"token_bound_cidrs":["10"]}""", "10")]
    [InlineData("""{"token_type":"sevice"}""", "'token_type' must be")]
    [InlineData("""{"token_type":"batch","token_period":60}""", "cannot be 'batch'")]
    [InlineData("""{"token_type":"batch","token_num_uses":1}""", "cannot be 'batch'")]
    [InlineData("""{"token_num_uses":-1}""", "'token_num_uses' cannot be negative")]
    [InlineData("""{"token_num_uses":99999999999}""", "'token_num_uses' is too large")]
    [InlineData("""{"token_ttl":-1}""", "field token_ttl")]
    [InlineData("""{"token_ttl":"500ms"}""", "'token_ttl' must be whole seconds")]
    [InlineData("""{"token_ttl":"9999999999h"}""", "field token_ttl")]
    [InlineData("""{"token_ttl":{}}""", "field token_ttl")]
    [InlineData("""{"token_policies":{"a":1}}""", "field token_policies")]
    [InlineData("""{"token_policies":"a\u0000b"}""", "control character")]
    [InlineData("""{"ttl":-5}""", "field ttl")]
    public void Wrong_values_are_refused_by_name(string body, string message)
    {
        var (parameters, fault) = TryApply(body, new TokenParameters());
        Assert.Null(parameters);
        Assert.Equal(FaultKind.Invalid, fault!.Kind);
        Assert.Contains(message, fault.Messages[0], StringComparison.Ordinal);
    }

    [Fact]
    public void An_update_that_contradicts_what_is_kept_is_refused()
    {
        var before = Apply("""{"token_max_ttl":"1h"}""");
        var (_, fault) = TryApply("""{"token_ttl":"2h"}""", before);
        Assert.NotNull(fault);
    }

    [Fact]
    public void Older_names_are_taken_and_shown_until_the_new_name_is_used()
    {
        var older = Apply("""{"ttl":60,"policies":"a"}""");
        Assert.Equal(TimeSpan.FromMinutes(1), older.Ttl);
        Assert.EndsWith("\"policies\":[\"a\"],\"ttl\":60}", Written(older), StringComparison.Ordinal);

        var mixed = Apply("""{"token_ttl":120}""", older);
        Assert.EndsWith("\"policies\":[\"a\"]}", Written(mixed), StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromMinutes(2), Apply("""{"token_ttl":120,"ttl":60}""").Ttl);
    }

    [Fact]
    public void What_is_stored_is_read_back_the_same()
    {
        var parameters = Apply(
            """{"ttl":60,"token_policies":["a"],"token_bound_cidrs":["::1"],"token_type":"default-batch","token_period":9}"""
        );
        using var stored = JsonDocument.Parse(Written(parameters));
        Assert.Equal(Written(parameters), Written(TokenParameters.ReadFrom(stored.RootElement)));
        using var empty = JsonDocument.Parse("{}");
        Assert.Equal(Written(new TokenParameters()), Written(TokenParameters.ReadFrom(empty.RootElement)));
    }

    [Fact]
    public void Root_among_policies_stands_alone() =>
        Assert.Equal(["root"], Apply("""{"token_policies":["a","ROOT"]}""").Policies);

    private static TokenParameters Apply(string body, TokenParameters? onto = null)
    {
        var (parameters, fault) = TryApply(body, onto ?? new TokenParameters());
        Assert.Null(fault);
        return parameters!;
    }

    private static (TokenParameters? Parameters, Fault? Fault) TryApply(string body, TokenParameters onto)
    {
        var entry = new PathEntry("role")
        {
            Help = "",
            Fields = [.. TokenParameters.Fields, .. TokenParameters.OlderFields(Older)],
        };
        using var request = new Request
        {
            Id = "",
            Operation = Operation.Update,
            Path = "role",
            Body = SecretBytes.CopyOf(Encoding.UTF8.GetBytes(body)),
        };
        var (fields, fault) = FieldValues.Bind(new PathMatch(entry, default), request, UnknownFields.Refuse, []);
        using (fields)
        {
            return fault is null ? onto.Apply(fields!, Older) : (null, fault);
        }
    }

    private static string Written(TokenParameters parameters)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Json.WriterOptions))
        {
            writer.WriteStartObject();
            parameters.WriteTo(writer);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
