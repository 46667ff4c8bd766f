using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Output;
using Mayfly.Hcl;

namespace Mayfly.Tests.Cli;

public sealed class OutputTests
{
    [Fact]
    public void A_table_is_laid_out_as_vaults() =>
        Assert.Equal(
            """
            Key                  Value
            ---                  -----
            token                hvs.x
            identity_policies    []
            empty                n/a
            """,
            Columns.Table(
                ["Key", "Value"],
                [
                    ["token", "hvs.x"],
                    ["identity_policies", "[]"],
                    ["empty", ""],
                ]
            )
        );

    [Theory]
    [InlineData("""["a","b"]""", "[a b]")]
    [InlineData("""{"b":1,"a":null}""", "map[a:<nil> b:1]")]
    [InlineData("1.50", "1.50")]
    [InlineData("true", "true")]
    [InlineData("null", "<nil>")]
    public void Values_are_written_as_scripts_expect_them(string json, string text) =>
        Assert.Equal(text, PlainText.Of(JsonElement.Parse(json)));

    [Theory]
    [InlineData("ttl", "2764800", "768h")]
    [InlineData("creation_ttl", "3661", "1h1m1s")]
    [InlineData("period", "3605", "1h5s")]
    [InlineData("token_ttl", "90", "1m30s")]
    [InlineData("lease_duration", "0", "0s")]
    [InlineData("version", "90", "90")]
    [InlineData("ttl", "\"90\"", "90")]
    public void Seconds_become_durations_in_fields_that_hold_them(string name, string json, string text) =>
        Assert.Equal(text, PlainText.OfField(name, JsonElement.Parse(json)));

    [Theory]
    [InlineData("Secret Path", 15, "== Secret Path ==")]
    [InlineData("Metadata", 24, "======= Metadata =======")]
    [InlineData("Data", 16, "===== Data =====")]
    public void Titles_are_as_wide_as_what_they_stand_over(string title, int width, string text) =>
        Assert.Equal(text, Printer.Title(title, width));

    [Fact]
    public void Json_keeps_order_numbers_and_letters() =>
        Assert.Equal(
            """
            {
              "z": 1.50,
              "a": "ü <&>",
              "n": [
                null
              ]
            }
            """,
            JsonText.Of(JsonElement.Parse("""{"z":1.50,"a":"ü <&>","n":[null]}"""))
        );

    [Fact]
    public void Half_a_surrogate_pair_is_shown_rather_than_stumbled_over()
    {
        var value = JsonElement.Parse("""{"a":"x\ud800"}""");
        Assert.Equal("""map[a:x\ud800]""", PlainText.Of(value));
        Assert.Equal("""{"a":"x\ud800"}""", JsonText.Of(value));
        Assert.Equal("a: \"x\\\\ud800\"", YamlText.Of(value));
    }

    [Fact]
    public void Yaml_is_block_style_and_quotes_what_could_be_misread() =>
        Assert.Equal(
            """
            request_id: abc
            empty: ""
            number: "1"
            real: 1.5
            yes: "no"
            list:
            - a
            - b: 1
              c: "x: y"
            - - nested
            none: []
            map: {}
            policy: |
              path "x" {
                capabilities = ["read"]
              }
            tab: "a\tb"
            """.Replace("\nyes:", "\n\"yes\":", StringComparison.Ordinal),
            YamlText.Of(
                JsonElement.Parse(
                    """
                    {"request_id":"abc","empty":"","number":"1","real":1.5,"yes":"no","list":["a",{"b":1,"c":"x: y"},["nested"]],
                    "none":[],"map":{},"policy":"path \"x\" {\n  capabilities = [\"read\"]\n}\n","tab":"a\tb"}
                    """
                )
            )
        );

    [Fact]
    public void No_text_breaks_out_of_its_yaml_line() =>
        Prop.ForAll<string>(value =>
            {
                value ??= "";
                var json = JsonText.Element(writer =>
                {
                    writer.WriteStartObject();
                    writer.WriteString("a", value);
                    writer.WriteString("b", "end");
                    writer.WriteEndObject();
                });
                var lines = YamlText.Of(json).Split('\n');
                Assert.StartsWith("a: ", lines[0], StringComparison.Ordinal);
                Assert.Equal("b: end", lines[^1]);
                Assert.All(
                    lines[1..^1],
                    static line => Assert.True(line.Length == 0 || line.StartsWith("  ", StringComparison.Ordinal))
                );
            })
            .QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("gett", "get")]
    [InlineData("lst", "list")]
    [InlineData("udnelete", "undelete")]
    [InlineData("xyzzy", null)]
    public void A_mistyped_name_is_guessed(string typed, string? meant) =>
        Assert.Equal(meant, Suggestion.For(typed, ["get", "put", "list", "delete", "undelete"]));
}
