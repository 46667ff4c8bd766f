using System.Text;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;

namespace Mayfly.Tests.Pipeline;

public sealed class SecretFieldTests
{
    private static readonly PathEntry Entry = new("login")
    {
        Help = "",
        Fields = [new FieldSpec("password", FieldType.String)],
    };

    [Theory]
    [InlineData("\"hunter2\"")]
    [InlineData("\"\"")]
    [InlineData("\"\\u0041\\n\\\"\\u00e9\\ud83d\\ude00\"")]
    [InlineData("\"pässwörd\"")]
    [InlineData("12345")]
    [InlineData("true")]
    public void A_secret_has_the_bytes_that_the_string_would_have(string json)
    {
        using var request = Send(json);
        var (fields, fault) = FieldValues.Bind(new PathMatch(Entry, default), request, UnknownFields.Refuse, []);
        Assert.Null(fault);
        using (fields)
        {
            using var secret = fields!.SecretOrNull("password");
            Assert.Equal(fields.String("password"), Encoding.UTF8.GetString(secret!.Span));
        }
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    public void What_is_no_text_is_refused(string json)
    {
        using var request = Send(json);
        var (_, fault) = FieldValues.Bind(new PathMatch(Entry, default), request, UnknownFields.Refuse, []);
        Assert.Equal("field password: expected a string", fault!.Messages[0]);
    }

    [Fact]
    public void A_secret_that_was_not_sent_is_null()
    {
        using var request = Send("null");
        var (fields, _) = FieldValues.Bind(new PathMatch(Entry, default), request, UnknownFields.Refuse, []);
        using (fields)
        {
            Assert.Null(fields!.SecretOrNull("password"));
        }
    }

    private static Request Send(string json) =>
        new()
        {
            Id = "",
            Operation = Operation.Update,
            Path = "login",
            Body = SecretBytes.CopyOf(Encoding.UTF8.GetBytes($$"""{"password":{{json}}}""")),
        };
}
