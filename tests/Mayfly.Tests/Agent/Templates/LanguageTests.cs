using Mayfly.Agent.Templates;
using Mayfly.Agent.Templates.Functions;

namespace Mayfly.Tests.Agent.Templates;

/// <summary>Go's template language, by its public description and what its users know of it.</summary>
public sealed class LanguageTests
{
    private const string Data =
        """{"a":1,"b":{"c":"deep"},"list":["x","y","z"],"empty":[],"text":"hello","yes":true,"no":false,"nothing":null}""";

    [Theory]
    // Text, comments, trim markers.
    [InlineData("plain", "plain")]
    [InlineData("a {{- 1 -}} b", "a1b")]
    [InlineData("a \n {{- /* gone */ -}} \n b", "ab")]
    [InlineData("a{{/* gone */}}b", "ab")]
    [InlineData("{{/* with }} inside */}}b", "b")]
    [InlineData("{{ 23 -}} < {{- 45 }}", "23<45")]
    [InlineData("{{-3}}", "-3")]
    [InlineData("{{\n  1\n}}", "1")]
    // Constants.
    [InlineData("{{ true }} {{ false }}", "true false")]
    [InlineData("{{ 'a' }} {{ '\\n' }} {{ '\\u00e9' }}", "97 10 233")]
    [InlineData("{{ 0x10 }} {{ 0b101 }} {{ 0o17 }} {{ 017 }} {{ 1_000 }}", "16 5 15 15 1000")]
    [InlineData("{{ 1e3 }} {{ 1.5 }} {{ -2 }} {{ .5 }}", "1000 1.5 -2 0.5")]
    [InlineData("{{ 1234567.0 }} {{ 0.00001 }} {{ 123456.0 }}", "1.234567e+06 1e-05 123456")]
    [InlineData("{{ \"q\\\"uote\\t\" }}", "q\"uote\t")]
    [InlineData("{{ `raw \\n` }}", "raw \\n")]
    // Pipelines, parentheses, chains.
    [InlineData("{{ 1 | print 2 }}", "2 1")]
    [InlineData("{{ printf \"%s-%s\" \"a\" \"b\" | printf \"<%s>\" }}", "<a-b>")]
    [InlineData("{{ (printf \"%d\" 3) }}", "3")]
    [InlineData("{{ 1 | }}", "1")]
    [InlineData("{{ (secret \"data\").b.c }}", "deep")]
    [InlineData("{{ with secret \"data\" }}{{ (.b).c }}{{ end }}", "deep")]
    [InlineData("{{ len (print \"ab\" \"c\") }}", "3")]
    // Variables.
    [InlineData("{{ $x := 1 }}{{ $x }}{{ $x = 2 }}{{ $x }}", "12")]
    [InlineData("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}", "21")]
    [InlineData("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2")]
    [InlineData("{{ $d := secret \"data\" }}{{ $d.b.c }}", "deep")]
    // if, with, else.
    [InlineData("{{ if 0 }}a{{ else if \"\" }}b{{ else }}c{{ end }}", "c")]
    [InlineData("{{ if 1 }}a{{ else }}b{{ end }}", "a")]
    [InlineData("{{ if true }}{{ else }}{{ end }}", "")]
    [InlineData("{{ with \"\" }}a{{ else with \"x\" }}{{ . }}{{ else }}c{{ end }}", "x")]
    [InlineData("{{ with $y := 3 }}{{ $y }}{{ . }}{{ end }}", "33")]
    [InlineData("{{ with 0 }}a{{ else }}{{ . }}{{ end }}", "<no value>")]
    // range.
    [InlineData("{{ with secret \"data\" }}{{ range .list }}{{ . }},{{ end }}{{ end }}", "x,y,z,")]
    [InlineData(
        "{{ with secret \"data\" }}{{ range $i, $e := .list }}{{ $i }}={{ $e }} {{ end }}{{ end }}",
        "0=x 1=y 2=z "
    )]
    [InlineData("{{ with secret \"data\" }}{{ range $k, $v := .b }}{{ $k }}={{ $v }}{{ end }}{{ end }}", "c=deep")]
    [InlineData("{{ with secret \"data\" }}{{ range .empty }}a{{ else }}none{{ end }}{{ end }}", "none")]
    [InlineData("{{ with secret \"data\" }}{{ range .missing }}a{{ else }}none{{ end }}{{ end }}", "none")]
    [InlineData("{{ range 3 }}{{ . }}{{ end }}", "012")]
    [InlineData("{{ range $i := loop 5 8 }}{{ if eq $i 6 }}{{ continue }}{{ end }}{{ $i }}{{ end }}", "57")]
    [InlineData("{{ range $i := loop 9 }}{{ if ge $i 2 }}{{ break }}{{ end }}{{ $i }}{{ end }}", "01")]
    [InlineData("{{ range loop 2 }}{{ range loop 9 }}{{ break }}{{ end }}x{{ end }}", "xx")]
    [InlineData("{{ $l := \"\" }}{{ range $l = loop 3 }}{{ end }}{{ $l }}", "2")]
    // Templates.
    [InlineData("{{ define \"t\" }}<{{ . }}>{{ end }}{{ template \"t\" 1 }}{{ template \"t\" \"x\" }}", "<1><x>")]
    [InlineData("{{ template \"later\" }}{{ define \"later\" }}l{{ . }}{{ end }}", "l<no value>")]
    [InlineData("{{ block \"b\" 7 }}[{{ . }}]{{ end }}", "[7]")]
    [InlineData("{{ define \"t\" }}{{ $ }}{{ end }}{{ template \"t\" 5 }}", "5")]
    // Missing things.
    [InlineData(
        "{{ with secret \"data\" }}{{ .nope }} {{ .nope.deeper }} {{ .nothing }}{{ end }}",
        "<no value> <no value> <no value>"
    )]
    [InlineData("{{ printf \"%v %s\" nil nil }}", "<nil> %!s(<nil>)")]
    // Text that is not UTF-8 stays what it is until it is written.
    [InlineData("{{ len \"é\" }} {{ slice \"héllo\" 0 3 }} {{ index \"abc\" 1 }}", "2 hé 98")]
    public void A_template_renders_as_in_go(string template, string expected) =>
        Assert.Equal(expected, TemplateText.Render(template, Data));

    [Theory]
    [InlineData("{{ and 1 0 2 }} {{ and 1 2 }} {{ or 0 \"\" 3 }} {{ or 0 \"\" }}|", "0 2 3 |")]
    [InlineData("{{ and 0 (index 1 2) }} {{ or 1 (index 1 2) }}", "0 1")]
    [InlineData("{{ not 0 }} {{ not \"x\" }}", "true false")]
    [InlineData("{{ len \"abc\" }} {{ len (split \",\" \"a,b\") }} {{ len (sprig_dict \"a\" 1) }}", "3 2 1")]
    [InlineData("{{ index (split \",\" \"a,b\") 1 }} {{ index (sprig_dict \"k\" (sprig_list 1 2)) \"k\" 1 }}", "b 2")]
    [InlineData("{{ slice \"abcd\" 1 3 }} {{ slice (split \",\" \"a,b,c\") 1 }}", "bc [b c]")]
    [InlineData("{{ print 1 2 \"x\" 3 4 \"y\" }} {{ println \"a\" 1 }}", "1 2x3 4y a 1\n")]
    [InlineData("{{ html \"<a href='x'>&\\\"\" }}", "&lt;a href=&#39;x&#39;&gt;&amp;&#34;")]
    [InlineData("{{ js \"it's <b> & \\\"x\\\"\" }}", "it\\'s \\u003Cb\\u003E \\u0026 \\\"x\\\"")]
    [InlineData("{{ urlquery \"a b&c=ü\" }}", "a+b%26c%3D%C3%BC")]
    [InlineData(
        "{{ eq 1 1 }} {{ eq 1 2 3 1 }} {{ ne \"a\" \"b\" }} {{ eq nil nil }} {{ eq \"x\" nil }}",
        "true true true true false"
    )]
    [InlineData("{{ lt 1 2 }} {{ le 2 2 }} {{ gt \"b\" \"a\" }} {{ ge 1.5 2.5 }}", "true true true false")]
    [InlineData("{{ eq (parseUint \"3\") 3 }} {{ lt -1 (parseUint \"3\") }}", "true true")]
    public void Built_in_functions_do_what_gos_do(string template, string expected) =>
        Assert.Equal(expected, TemplateText.Render(template));

    [Theory]
    [InlineData(
        "%d|%5d|%-5d|%05d|%+d|%x|%X|%#x|%o|%b|%c|%q|%U",
        "42 42 42 42 42 42 42 42 42 42 65 65 65",
        "42|   42|42   |00042|+42|2a|2A|0x2a|52|101010|A|'A'|U+0041"
    )]
    [InlineData(
        "%f|%.2f|%8.3f|%-8.1f|%e|%g|%G|%+.1f|%06.2f",
        "1.5 1.5 1.5 1.5 1.5 1.5 1e30 1.5 1.5",
        "1.500000|1.50|   1.500|1.5     |1.500000e+00|1.5|1E+30|+1.5|001.50"
    )]
    [InlineData(
        "%s|%10s|%-10s|%.2s|%q|%x|% x|%v|%5t",
        "`go` `go` `go` `golang` `g\"o` `go` `go` `go` true",
        "go|        go|go        |go|\"g\\\"o\"|676f|67 6f|go| true"
    )]
    [InlineData("%T %T %T %T %T", "1 1.5 `s` true nil", "int float64 string bool <nil>")]
    [InlineData("%d %s", "`x` 5", "%!d(string=x) %!s(int=5)")]
    [InlineData("%d", "", "%!d(MISSING)")]
    [InlineData("a", "1 `b`", "a%!(EXTRA int=1, string=b)")]
    [InlineData("%!", "", "%!!(MISSING)")]
    [InlineData("100%", "", "100%!(NOVERB)")]
    [InlineData("%%|%z", "1", "%|%!z(int=1)")]
    [InlineData("%[2]d %[1]d", "1 2", "2 1")]
    [InlineData("%*d|%-*d|%.*f", "5 42 5 42 1 2.55", "   42|42   |2.5")]
    [InlineData("%[5]d", "1", "%!d(BADINDEX)")]
    [InlineData("%v %d %q", "(split `,` `a,b`) (sprig_list 1 2) (split `,` `a,b`)", "[a b] [1 2] [\"a\" \"b\"]")]
    [InlineData("%#v %#v %#v", "`x` 1 (split `,` `a,b`)", "\"x\" 1 []string{\"a\", \"b\"}")]
    [InlineData("%v", "(sprig_dict `b` 1 `a` nil)", "map[a:<nil> b:1]")]
    public void Printf_formats_as_go_does(string format, string arguments, string expected) =>
        Assert.Equal(expected, TemplateText.Render($"{{{{ printf `{format}` {arguments} }}}}"));

    [Theory]
    [InlineData("{{ nope }}", "test:1:4: function \"nope\" not defined")]
    [InlineData("a\nb {{ if }}", "test:2:9: missing value for if")]
    [InlineData("{{ if true }}", "test:1:14: unexpected EOF: {{if}} of line 1 has no {{end}}")]
    [InlineData("x{{ end }}", "test:1:2: unexpected {{end}}")]
    [InlineData("{{ else }}", "test:1:1: unexpected {{else}}")]
    [InlineData("{{ $x }}", "test:1:4: undefined variable \"$x\"")]
    [InlineData("{{ (1 }}", "test:1:7: unclosed left paren")]
    [InlineData("{{ 1) }}", "test:1:5: unexpected right paren")]
    [InlineData("{{ \"abc }}", "test:1:4: unterminated quoted string")]
    [InlineData("{{ 1", "test:1:1: unclosed action")]
    [InlineData("{{/* x", "test:1:1: unclosed comment")]
    [InlineData("{{ break }}", "test:1:4: {{break}} outside {{range}}")]
    [InlineData("{{ 1 | 2 }}", "test:1:8: non executable command in pipeline stage 2")]
    [InlineData("{{ 3x }}", "test:1:4: bad number syntax")]
    [InlineData("{{ true.x }}", "test:1:10: unexpected . after term true")]
    [InlineData(
        "{{ define \"a\" }}x{{ end }}{{ define \"a\" }}y{{ end }}",
        "test:1:30: multiple definition of template \"a\""
    )]
    [InlineData("{{ if true }}{{ else }}{{ else }}{{ end }}", "test:1:4: expected end; found {{else}}")]
    public void What_is_no_template_is_told_with_its_place(string template, string message) =>
        Assert.Equal("template: " + message, TemplateText.Failure(template));

    [Theory]
    [InlineData("{{ toUpper 1 }}", "at <1>: expected string; found 1")]
    [InlineData("{{ toUpper }}", "wrong number of args for toUpper: want 1 got 0")]
    [InlineData("{{ print 1 | toUpper \"x\" }}", "wrong number of args for toUpper: want 1 got 2")]
    [InlineData("{{ with secret \"data\" }}{{ toUpper .nope }}{{ end }}", "at <.nope>: invalid value; expected string")]
    [InlineData(
        "{{ with secret \"data\" }}{{ toUpper .list }}{{ end }}",
        "at <.list>: wrong type for value; expected string; got []interface {}"
    )]
    [InlineData(
        "{{ with secret \"data\" }}{{ .text.x }}{{ end }}",
        "at <.text.x>: can't evaluate field x in type string"
    )]
    [InlineData(
        "{{ with secret \"data\" }}{{ .text 1 }}{{ end }}",
        "at <.text>: text is not a method but has arguments"
    )]
    [InlineData("{{ eq 1 \"a\" }}", "error calling eq: incompatible types for comparison")]
    [InlineData("{{ lt true false }}", "error calling lt: invalid type for comparison")]
    [InlineData("{{ index (split \",\" \"a\") 5 }}", "error calling index: index out of range")]
    [InlineData("{{ range true }}{{ end }}", "range can't iterate over a value of type bool")]
    [InlineData("{{ template \"none\" }}", "template \"none\" not defined")]
    [InlineData("{{ nil }}", "nil is not a command")]
    [InlineData("{{ 1 2 }}", "can't give argument to non-function 1")]
    [InlineData("{{ parseJSON \"{\" }}", "error calling parseJSON: invalid JSON in line 1, byte 2")]
    [InlineData("{{ divide 0 1 }}", "error calling divide: division by zero")]
    public void What_fails_while_it_runs_is_told_with_its_place(string template, string message)
    {
        var failure = TemplateText.Failure(template, Data);
        Assert.StartsWith("template: test:1:", failure, StringComparison.Ordinal);
        Assert.EndsWith(message, failure, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ with secret \"data\" }}{{ .nope }}{{ end }}", "map has no entry for key \"nope\"")]
    [InlineData("{{ .nope }}", "nil data; no entry for key \"nope\"")]
    public void A_missing_key_is_an_error_when_it_shall_be(string template, string message) =>
        Assert.EndsWith(message, TemplateText.Failure(template, Data, strict: true), StringComparison.Ordinal);

    [Theory]
    [InlineData("<% 1 %>{{", "1{{", "<%", "%>")]
    [InlineData("[[ if true ]]a[[ end ]]", "a", "[[", "]]")]
    [InlineData("a <<- 1 ->> b", "a1b", "<<", ">>")]
    public void Delimiters_can_be_others(string template, string expected, string left, string right) =>
        Assert.Equal(
            expected,
            Template
                .Parse("test", template, FunctionTable.Default, left, right)
                .Execute(new ExecutionSettings { Data = new MapData() }, TestContext.Current.CancellationToken)
                .Output
        );

    [Fact]
    public void A_failure_tells_no_value_and_nothing_that_is_written()
    {
        const string Secret = "s3cr3t-canary";
        var json = $$"""{"text":"{{Secret}}","list":["{{Secret}}"]}""";
        string[] templates =
        [
            "{{ with secret \"data\" }}{{ parseJSON .text }}{{ end }}",
            "{{ with secret \"data\" }}{{ parseYAML (printf \"a: [%s\" .text) }}{{ end }}",
            "{{ with secret \"data\" }}{{ parseInt .text }}{{ end }}",
            "{{ with secret \"data\" }}{{ parseBool .text }}{{ end }}",
            "{{ with secret \"data\" }}{{ base64Decode .text }}{{ end }}",
            "{{ with secret \"data\" }}{{ range .text }}{{ end }}{{ end }}",
            "{{ with secret \"data\" }}{{ .text.a }}{{ end }}",
            "{{ with secret \"data\" }}{{ add .text 1 }}{{ end }}",
            "{{ with secret \"data\" }}{{ regexMatch \"(\" .text }}{{ end }}",
            "{{ with secret \"data\" }}{{ toUpper .list }}{{ end }}",
            "{{ with secret \"data\" }}{{ loop .text }}{{ end }}",
            "{{ with secret \"data\" }}{{ toTOML .list }}{{ end }}",
            "{{ with secret \"data\" }}{{ index .list .text }}{{ end }}",
            $"{{{{ with secret \"a/path\" \"password={Secret}\" \"b\" }}}}{{{{ end }}}}",
            $"{{{{ secret \"a/path\" \"password={Secret}\" 5 }}}}",
        ];
        Assert.All(
            templates,
            template => Assert.DoesNotContain(Secret, TemplateText.Failure(template, json), StringComparison.Ordinal)
        );
    }
}
