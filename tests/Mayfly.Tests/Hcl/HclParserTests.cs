using Mayfly.Hcl;

namespace Mayfly.Tests.Hcl;

public sealed class HclParserTests
{
    [Fact]
    public void A_server_configuration_reads_as_people_write_it()
    {
        var body = Parse(
            """
            # comment
            ui = true            // another
            api_addr = "http://127.0.0.1:8200"
            max_lease_ttl = "768h" /* and
            another */ default_lease_ttl = 3600
            listener "tcp" {
              address     = "127.0.0.1:8200"
              tls_disable = 1
            }
            listener "unix" { address = "/run/mayfly.sock" }
            storage "file" { path = "/var/lib/mayfly" }
            seal "static" "second" { keys = ["a", "b",] nested = { deep = [1, -2.5, 0x1F, 1e3, false] } }
            """
        );
        var fields = new HclFields(body);

        Assert.True(fields.Bool("ui"));
        Assert.Equal("http://127.0.0.1:8200", fields.String("api_addr"));
        Assert.Equal(TimeSpan.FromHours(768), fields.Duration("max_lease_ttl"));
        Assert.Equal(TimeSpan.FromHours(1), fields.Duration("default_lease_ttl"));
        var listeners = fields.Blocks("listener", labels: 1);
        Assert.Equal(["tcp", "unix"], listeners.Select(listener => listener.Label));
        Assert.True(new HclFields(listeners[0].Body).Bool("tls_disable"));
        Assert.Equal(6, listeners[0].Position.Line);
        Assert.Equal("/var/lib/mayfly", new HclFields(fields.Blocks("storage", 1)[0].Body).String("path"));
        var seal = Assert.Single(fields.Blocks("seal", labels: 2));
        Assert.Equal(["static", "second"], seal.Labels);
        var inner = new HclFields(seal.Body);
        Assert.Equal(["a", "b"], inner.Strings("keys"));
        var deep = (HclList)inner.Object("nested")!.Find("deep")!.Value;
        Assert.Equal([1d, -2.5, 31, 1000], deep.Items.OfType<HclNumber>().Select(number => number.Value));
        Assert.Null(fields.Finish());
    }

    [Theory]
    [InlineData("""{"listener": {"tcp": {"address": "a"}, "unix": {"address": "b"}}}""")]
    [InlineData("""{"listener": [{"tcp": {"address": "a"}}, {"unix": {"address": "b"}}]}""")]
    [InlineData("""{"listener": {"tcp": [{"address": "a"}], "unix": {"address": "b"}}}""")]
    [InlineData("""listener "tcp" { address = "a" } listener "unix" { address = "b" }""")]
    [InlineData("""listener tcp { address = "a" }, listener = { unix = { address = "b" } }""")]
    [InlineData("""listener = [{ tcp = { address = "a" } }, { unix { address = "b" } }]""")]
    public void Json_and_hcl_give_the_same_blocks(string text)
    {
        var fields = new HclFields(Parse(text));
        var blocks = fields.Blocks("listener", labels: 1);
        Assert.Null(fields.Finish());
        Assert.Equal(["tcp", "unix"], blocks.Select(block => block.Label));
        Assert.Equal(["a", "b"], blocks.Select(block => new HclFields(block.Body).String("address")));
    }

    [Theory]
    [InlineData("""a = "tab\tquote\"slash\\ \u00e9\x41\101\U0001F600" """, "tab\tquote\"slash\\ éAA😀")]
    [InlineData("a = \"${file(\"x\ny\")} {{identity.entity.id}}\"", "${file(\"x\ny\")} {{identity.entity.id}}")]
    [InlineData("a = <<EOF\none\n  two\nEOF\n", "one\n  two\n")]
    [InlineData("a = <<-EOF\n    one\n\n      two\n    EOF\n", "one\n\n  two\n")]
    [InlineData("a = <<-EOF\n  one\ntwo\n  EOF", "  one\ntwo\n")]
    [InlineData("a = <<E\r\nline\r\nE\r\n", "line\n")]
    [InlineData("\uFEFFa = \"\"", "")]
    public void Strings_stand_for_what_they_should(string text, string expected) =>
        Assert.Equal(expected, new HclFields(Parse(text)).String("a"));

    [Theory]
    [InlineData("path \"a\" {\n  capabilities = [\"read\"\n}", 3, 1, "expected ',' or ']' in the list, found '}'")]
    [InlineData("path \"a\" {\n  policy = \"read\n}", 2, 12, "the string is not closed with '\"' on its line")]
    [InlineData("path \"a\" {", 1, 11, "expected a name or '}', found the end of the document")]
    [InlineData("path \"a\" }", 1, 10, "expected '{' after the label of path, found '}'")]
    [InlineData("a = \n\n b", 3, 2, "expected a value, found b; a string needs quotes")]
    [InlineData("a 1", 1, 3, "expected '=' or '{' after a, found 1")]
    [InlineData("a = 30s", 1, 5, "expected a number; text such as \"30s\" needs quotes")]
    [InlineData("a = 089", 1, 5, "expected a number; text such as \"30s\" needs quotes")]
    [InlineData("a = \"\\q\"", 1, 6, "unknown escape; a backslash itself is written \\\\")]
    [InlineData("a = \"\\u0000\"", 1, 6, "unknown escape; a backslash itself is written \\\\")]
    [InlineData("a = <<EOF\nno end", 1, 5, "the text is not closed with a line 'EOF'")]
    [InlineData("a = \"${x\"", 1, 5, "the '${' in the string is not closed with '}'")]
    [InlineData("/* no end", 1, 1, "the comment is not closed with */")]
    [InlineData("a = 1\n}", 2, 1, "expected a name, found '}'")]
    [InlineData("a = \"x\0y\"", 1, 7, "control character U+0000 is not allowed")]
    [InlineData("a = \u001b", 1, 5, "control character U+001B is not allowed")]
    [InlineData("a = @", 1, 5, "unexpected character '@'")]
    [InlineData("{\n \"a\": [1,\n}", 3, 1, "invalid JSON")]
    [InlineData("{\"a\": \"\\ud800\"}", 1, 7, "invalid JSON: half a surrogate pair in a string")]
    [InlineData("{} x", 1, 4, "invalid JSON")]
    public void Errors_say_where_and_what_was_expected(string text, int line, int column, string message)
    {
        var (body, error) = HclParser.Parse(text);
        Assert.Null(body);
        Assert.StartsWith(message, error!.Message, StringComparison.Ordinal);
        Assert.Equal(new HclPosition(line, column), error.Position);
    }

    [Fact]
    public void Half_a_surrogate_pair_is_refused()
    {
        var error = HclParser.Parse("a = \"" + '\ud800' + "\"").Error;
        Assert.Equal("line 1, column 6: half a surrogate pair is not a character", error?.ToString());
    }

    [Fact]
    public void Depth_and_size_have_limits()
    {
        foreach (var open in (string[])["a {", "[", "a = { b = [", "{\"a\":", "{\"a\":[["])
        {
            var (body, error) = HclParser.Parse("a = " + Repeated(open, 50_000));
            Assert.Null(body);
            Assert.NotNull(error);
            Assert.NotNull(HclParser.Parse(Repeated(open, 50_000)).Error);
        }

        Assert.Equal(
            "nested deeper than 64 levels",
            HclParser.Parse(Repeated("a {", 100) + Repeated("}", 100)).Error!.Message
        );
        Assert.Equal(
            "nested deeper than 64 levels",
            HclParser.Parse("a = " + Repeated("[", 100) + Repeated("]", 100)).Error!.Message
        );
        Assert.Contains(
            "longer",
            HclParser.Parse(new string(' ', HclParser.MaxLength + 1)).Error!.Message,
            StringComparison.Ordinal
        );
        Assert.NotNull(HclParser.Parse(new string(' ', HclParser.MaxLength)).Body);
    }

    [Theory]
    [InlineData("a = 1\na = 2", "line 2, column 1: a is given twice; it is already on line 1")]
    [InlineData("a = [1]", "line 1, column 5: a: expected a string, found a list")]
    [InlineData("b = \"maybe\"", "line 1, column 5: b: expected true or false, found a string")]
    [InlineData("c = \"1.5\"", "line 1, column 5: c: expected an integer, found a string")]
    [InlineData("d = -1", "line 1, column 5: d: expected a duration such as 90, \"90s\", \"1h30m\" or \"1d\"")]
    [InlineData("e = [1]", "line 1, column 6: e: expected a list of strings, found a number in it")]
    [InlineData("f = 1", "line 1, column 5: f: expected an object, found a number")]
    [InlineData("g = 1", "line 1, column 1: expected g with 1 label(s): g \"…\" { … }")]
    [InlineData("g \"x\" \"y\" {}", "line 1, column 1: expected g with 1 label(s): g \"…\" { … }")]
    [InlineData("z = 1", "line 1, column 1: invalid key \"z\"; known here: a, b, c, d, e, f, g")]
    public void Wrong_types_are_told_once_everything_is_read(string text, string expected)
    {
        var fields = new HclFields(Parse(text));
        fields.String("a");
        fields.Bool("b");
        fields.Int("c");
        fields.Duration("d");
        fields.Strings("e");
        fields.Object("f");
        fields.Blocks("g", labels: 1);
        Assert.Equal(expected, fields.Finish()?.ToString());
    }

    private static string Repeated(string text, int times) => string.Concat(Enumerable.Repeat(text, times));

    private static HclBody Parse(string text)
    {
        var (body, error) = HclParser.Parse(text);
        Assert.True(body is not null, error?.ToString());
        return body;
    }
}
