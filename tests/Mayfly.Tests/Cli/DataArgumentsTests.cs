using System.Text;
using Mayfly.Cli;
using Mayfly.Cli.Flags;

namespace Mayfly.Tests.Cli;

public sealed class DataArgumentsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mayfly-data-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Pairs_are_text_and_keep_their_order() =>
        Assert.Equal("""{"z":"1","a":"x=y","empty":""}""", Json(["z=1", "a=x=y", "empty="]));

    [Fact]
    public void A_key_given_twice_becomes_a_list() =>
        Assert.Equal("""{"a":["1","2"],"b":"3"}""", Json(["a=1", "b=3", "a=2"]));

    [Fact]
    public void Values_come_from_files_and_standard_input()
    {
        var file = Path.Combine(_folder, "value");
        File.WriteAllText(file, "line\n");
        Assert.Equal("""{"f":"line\n","s":"typed"}""", Json([$"f=@{file}", "s=-"], "typed"));
    }

    [Fact]
    public void Whole_objects_come_from_files_and_standard_input()
    {
        var file = Path.Combine(_folder, "all.json");
        File.WriteAllText(file, """{"n":1,"o":{"x":[true]}}""");
        Assert.Equal("""{"n":1,"o":{"x":[true]},"b":"2"}""", Json(["@" + file, "b=2"]));
        Assert.Equal("""{"n":1.50}""", Json(["-"], """{"n":1.50}"""));
    }

    [Theory]
    [InlineData(@"a=\@x", """{"a":"@x"}""")]
    [InlineData(@"a=\-", """{"a":"-"}""")]
    [InlineData(@"a=\\", """{"a":"\\\\"}""")]
    public void A_backslash_makes_special_beginnings_plain(string argument, string json) =>
        Assert.Equal(json, Json([argument]));

    [Theory]
    [InlineData("novalue", "format must be key=value")]
    [InlineData("=x", "format must be key=value")]
    [InlineData("a=@/no/such/file", "error reading /no/such/file")]
    public void What_is_wrong_is_named(string argument, string part) =>
        Assert.Contains(part, Wrong([argument], ""), StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"secret":"canary" """)]
    [InlineData("\"canary\"")]
    public void A_broken_object_is_refused_without_being_quoted(string input)
    {
        var wrong = Wrong(["-"], input);
        Assert.Contains("standard input is not a JSON object", wrong, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", wrong, StringComparison.Ordinal);
    }

    [Fact]
    public void Standard_input_is_read_once() =>
        Assert.Contains("only once", Wrong(["a=-", "b=-"], "x"), StringComparison.Ordinal);

    [Fact]
    public void Bytes_that_are_no_text_are_refused_rather_than_changed()
    {
        var file = Path.Combine(_folder, "bytes");
        File.WriteAllBytes(file, [0xff, 0xfe, 0x00]);
        Assert.Contains("not UTF-8", Wrong([$"a=@{file}"], ""), StringComparison.Ordinal);
    }

    private static string Json(string[] arguments, string input = "")
    {
        var data = new DataArguments();
        Assert.Null(data.Add(arguments, SessionWith(input)));
        return Encoding.UTF8.GetString(data.ToJson());
    }

    private static string Wrong(string[] arguments, string input)
    {
        var wrong = new DataArguments().Add(arguments, SessionWith(input));
        Assert.NotNull(wrong);
        return wrong;
    }

    private static Session SessionWith(string input) =>
        new()
        {
            Out = TextWriter.Null,
            Error = TextWriter.Null,
            Input = () => new MemoryStream(Encoding.UTF8.GetBytes(input)),
            Environment = static _ => null,
            ReadHidden = null,
        };
}
