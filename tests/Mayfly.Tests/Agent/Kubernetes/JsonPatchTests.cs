using System.Text.Json.Nodes;
using Mayfly.Agent.Kubernetes;

namespace Mayfly.Tests.Agent.Kubernetes;

/// <summary>The examples of RFC 6902, appendix A, and what lies beside them.</summary>
public sealed class JsonPatchTests
{
    [Theory]
    [InlineData("""{"foo":"bar"}""", """[{"op":"add","path":"/baz","value":"qux"}]""", """{"baz":"qux","foo":"bar"}""")]
    [InlineData(
        """{"foo":["bar","baz"]}""",
        """[{"op":"add","path":"/foo/1","value":"qux"}]""",
        """{"foo":["bar","qux","baz"]}"""
    )]
    [InlineData("""{"baz":"qux","foo":"bar"}""", """[{"op":"remove","path":"/baz"}]""", """{"foo":"bar"}""")]
    [InlineData(
        """{"foo":["bar","qux","baz"]}""",
        """[{"op":"remove","path":"/foo/1"}]""",
        """{"foo":["bar","baz"]}"""
    )]
    [InlineData(
        """{"baz":"qux","foo":"bar"}""",
        """[{"op":"replace","path":"/baz","value":"boo"}]""",
        """{"baz":"boo","foo":"bar"}"""
    )]
    [InlineData(
        """{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}""",
        """[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]""",
        """{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"""
    )]
    [InlineData(
        """{"foo":["all","grass","cows","eat"]}""",
        """[{"op":"move","from":"/foo/1","path":"/foo/3"}]""",
        """{"foo":["all","cows","eat","grass"]}"""
    )]
    [InlineData(
        """{"baz":"qux","foo":["a",2,"c"]}""",
        """[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]""",
        """{"baz":"qux","foo":["a",2,"c"]}"""
    )]
    [InlineData(
        """{"foo":"bar"}""",
        """[{"op":"add","path":"/child","value":{"grandchild":{}}}]""",
        """{"foo":"bar","child":{"grandchild":{}}}"""
    )]
    [InlineData(
        """{"foo":"bar"}""",
        """[{"op":"add","path":"/baz","value":"qux","xyz":123}]""",
        """{"foo":"bar","baz":"qux"}"""
    )]
    [InlineData("""{"/":9,"~1":10}""", """[{"op":"test","path":"/~01","value":10}]""", """{"/":9,"~1":10}""")]
    [InlineData(
        """{"foo":["bar"]}""",
        """[{"op":"add","path":"/foo/-","value":["abc","def"]}]""",
        """{"foo":["bar",["abc","def"]]}"""
    )]
    [InlineData("""{"a":1}""", """[{"op":"copy","from":"/a","path":"/b"}]""", """{"a":1,"b":1}""")]
    [InlineData("""{"a":1}""", """[{"op":"add","path":"","value":[]}]""", "[]")]
    [InlineData("""{"a":null}""", """[{"op":"test","path":"/a","value":null}]""", """{"a":null}""")]
    public void A_patch_gives_what_the_standard_says(string document, string patch, string expected) =>
        Assert.True(
            JsonNode.DeepEquals(
                JsonNode.Parse(expected),
                JsonPatch.Apply(JsonNode.Parse(document)!, JsonNode.Parse(patch)!.AsArray())
            )
        );

    [Theory]
    [InlineData("""{"baz":"qux"}""", """[{"op":"test","path":"/baz","value":"bar"}]""")]
    [InlineData("""{"/":9,"~1":10}""", """[{"op":"test","path":"/~01","value":"10"}]""")]
    [InlineData("""{"foo":"bar"}""", """[{"op":"add","path":"/baz/bat","value":"qux"}]""")]
    [InlineData("""{"foo":[1]}""", """[{"op":"add","path":"/foo/2","value":"qux"}]""")]
    [InlineData("""{"foo":[1]}""", """[{"op":"remove","path":"/foo/-"}]""")]
    [InlineData("""{"foo":[1]}""", """[{"op":"replace","path":"/foo/01","value":2}]""")]
    [InlineData("""{"foo":1}""", """[{"op":"replace","path":"/bar","value":2}]""")]
    [InlineData("""{"foo":1}""", """[{"op":"remove","path":"/bar"}]""")]
    [InlineData("""{"foo":{}}""", """[{"op":"move","from":"/foo","path":"/foo/a"}]""")]
    [InlineData("""{"foo":1}""", """[{"op":"add","path":"bar","value":2}]""")]
    [InlineData("""{"foo":1}""", """[{"op":"add","path":"/bar"}]""")]
    [InlineData("""{"foo":1}""", """[{"path":"/bar","value":1}]""")]
    [InlineData("""{"foo":1}""", """["add"]""")]
    public void What_does_not_apply_is_refused_and_changes_nothing(string document, string patch)
    {
        var given = JsonNode.Parse(document)!;
        Assert.Throws<JsonPatchException>(() => JsonPatch.Apply(given, JsonNode.Parse(patch)!.AsArray()));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(document), given));
    }
}
