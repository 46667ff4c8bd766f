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
}
