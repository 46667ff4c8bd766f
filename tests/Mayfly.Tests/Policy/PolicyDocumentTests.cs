using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;

namespace Mayfly.Tests.Policy;

public sealed class PolicyDocumentTests
{
    [Theory]
    [InlineData("name {}", "line 1, column 6: name: expected a string, found an object")]
    [InlineData(
        "paths \"a\" {}",
        "line 1, column 1: invalid key \"paths\"; did you mean \"path\"? known here: name, path"
    )]
    [InlineData(
        "path \"a\" {\n  capabilites = [\"read\"]\n}",
        "line 2, column 3: path \"a\": invalid key \"capabilites\"; did you mean \"capabilities\"? known here: allowed_parameters, capabilities, comment, denied_parameters, max_wrapping_ttl, "
    )]
    [InlineData(
        "path \"a\" {\n  capabilities = [\"read\", \"wirte\"]\n}",
        "line 2, column 27: path \"a\": invalid capability \"wirte\"; there are: sudo, read,"
    )]
    [InlineData(
        "path \"a\" { capabilities = \"read\" }",
        "line 1, column 27: path \"a\": capabilities: expected a list"
    )]
    [InlineData(
        "path \"a\" { capabilities = [1] }",
        "line 1, column 28: path \"a\": capabilities: expected a list of strings"
    )]
    [InlineData(
        "path \"a\" { policy = \"banana\" }",
        "line 1, column 21: path \"a\": invalid policy; there are: read, write"
    )]
    [InlineData("path \"a\" {}\npath \"foo/+*\" {}", "line 2, column 1: path \"foo/+*\": '+*' is not allowed")]
    [InlineData("path \"a\" { mfa_methods = [\"x\"] }", "line 1, column 26: path \"a\": mfa_methods is not supported")]
    [InlineData("path \"a\" { control_group = { } }", "line 1, column 28: path \"a\": control_group is not supported")]
    [InlineData(
        "path \"a\" { capabilities = [\"approve\"] }",
        "line 1, column 28: path \"a\": invalid capability \"approve\""
    )]
    [InlineData(
        "path \"a\" { min_wrapping_ttl = 60 max_wrapping_ttl = \"30s\" }",
        "line 1, column 1: path \"a\": max_wrapping"
    )]
    [InlineData(
        "path \"a\" { min_wrapping_ttl = \"soon\" }",
        "line 1, column 31: path \"a\": min_wrapping_ttl: expected a dur"
    )]
    [InlineData(
        "path \"a\" { allowed_parameters = { x = 1 } }",
        "line 1, column 35: path \"a\": allowed_parameters: expected a l"
    )]
    [InlineData(
        "path \"a\" { allowed_parameters = { \"*\" = [1] } }",
        "line 1, column 35: path \"a\": allowed_parameters: \"*\""
    )]
    [InlineData(
        "path \"a\" { denied_parameters = { x = [] X = [] } }",
        "line 1, column 41: path \"a\": denied_parameters: a p"
    )]
    [InlineData(
        "path \"a\" { denied_parameters = [] }",
        "line 1, column 32: path \"a\": denied_parameters: expected an obje"
    )]
    [InlineData("path { capabilities = [] }", "line 1, column 8: expected path with 1 label(s)")]
    [InlineData("path = 3", "line 1, column 1: expected path with 1 label(s)")]
    [InlineData(
        "path \"{{identity.entity.shoe}}\" {}",
        "line 1, column 1: path \"{{identity.entity.shoe}}\": unknown templ"
    )]
    [InlineData(
        "path \"{{identity.entity.id\" {}",
        "line 1, column 1: path \"{{identity.entity.id\": a template's '{{'"
    )]
    [InlineData("path \"a}}b{{\" {}", "line 1, column 1: path \"a}}b{{\": a template's '{{'")]
    [InlineData("path \"+{{identity.entity.id}}+*\" {}", "line 1, column 1: path \"+{{identity.entity.id}}+*\": '+*'")]
    [InlineData("path \"a\\nb\" {}", "line 1, column 1: path \"a\nb\": control characters")]
    [InlineData("{\"path\": {\"a\\u0000\": {}}}", "line 1, column 11: path \"a\0\": control characters")]
    [InlineData(
        "{\"path\": {\"a\": {\"capabilities\": [null]}}}",
        "line 1, column 34: path \"a\": capabilities: expected"
    )]
    [InlineData("[]", "line 1, column 1: expected a name, found '['")]
    public void A_wrong_policy_is_refused_with_its_place(string text, string expected)
    {
        var (policy, error) = PolicyDocument.Parse("p", text);
        Assert.Null(policy);
        Assert.StartsWith(expected, error!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Json_and_hcl_mean_the_same()
    {
        var hcl = Compile("path \"secret/*\" { capabilities = [\"read\"] required_parameters = [\"version\"] }");
        var json = Compile(
            """{"path": {"secret/*": {"capabilities": ["read"], "required_parameters": ["version"]}}}"""
        );
        var list = Compile(
            """{"path": [{"secret/*": {"capabilities": ["read"], "required_parameters": ["version"]}}]}"""
        );
        foreach (var acl in (Acl[])[hcl, json, list])
        {
            Assert.False(acl.Decide(Operation.Read, "secret/a", null, null).Allowed);
            Assert.True(acl.Decide(Operation.Read, "secret/a", Json("""{"version": 1}"""), null).Allowed);
            Assert.Equal(["read"], acl.Capabilities("secret/a"));
        }
    }

    [Fact]
    public void A_query_counts_for_reads_and_not_for_writes()
    {
        var acl = Compile(
            """path "a" { capabilities = ["read", "update"] required_parameters = ["v"] denied_parameters = { w = ["1"] } }"""
        );
        var sent = new Dictionary<string, string> { ["v"] = "1" };
        Assert.True(acl.Decide(Operation.Read, "a", null, null, sent).Allowed);
        Assert.False(acl.Decide(Operation.Update, "a", null, null, sent).Allowed);
        sent["w"] = "1";
        Assert.False(acl.Decide(Operation.Read, "a", null, null, sent).Allowed);
        sent["w"] = "2";
        Assert.True(acl.Decide(Operation.Read, "a", null, null, sent).Allowed);
    }

    [Theory]
    [InlineData("""{"n": 5}""", false)]
    [InlineData("""{"n": "5"}""", false)]
    [InlineData("""{"n": 5.0}""", false)]
    [InlineData("""{"N": 5}""", false)]
    [InlineData("""{"n": [4, 5]}""", false)]
    [InlineData("""{"n": "4,5"}""", false)]
    [InlineData("""{"n": 6, "n": 5}""", false)]
    [InlineData("""{"n": 6}""", true)]
    [InlineData("""{"f": "TRUE"}""", false)]
    [InlineData("""{"f": 1}""", false)]
    [InlineData("""{"f": false}""", true)]
    [InlineData("""{"s": "xbadx"}""", false)]
    [InlineData("""{"s": ["ok", "xbadx"]}""", false)]
    [InlineData("""{"s": {"deep": "bad"}}""", true)]
    [InlineData("""{"m": {"a": [1, {"b": null}]}}""", false)]
    [InlineData("""{"m": {"a": [1, {"b": null}], "c": 1}}""", true)]
    [InlineData("""{"s": "\ud800"}""", false)]
    public void A_denied_value_cannot_be_sent_in_another_form(string body, bool allowed)
    {
        var acl = Compile(
            """
            {"path": {"a": {"capabilities": ["update"],
              "denied_parameters": {"n": [5], "f": [true], "s": ["*bad*"], "m": [{"a": [1, {"b": null}]}]}}}}
            """
        );
        Assert.Equal(allowed, acl.Decide(Operation.Update, "a", Json(body), null).Allowed);
    }

    [Theory]
    [InlineData("""{"p": ["a", "b"]}""", true)]
    [InlineData("""{"p": "a,b"}""", true)]
    [InlineData("""{"p": "a, b"}""", true)]
    [InlineData("""{"p": ["a", "c"]}""", false)]
    [InlineData("""{"p": "a,c"}""", false)]
    [InlineData("""{"p": "a,"}""", false)]
    [InlineData("""{"p": []}""", true)]
    [InlineData("""{"p": null}""", false)]
    [InlineData("""{"q": "a"}""", false)]
    [InlineData("{}", true)]
    public void A_list_is_allowed_when_all_of_it_is(string body, bool allowed)
    {
        var acl = Compile("""path "a" { capabilities = ["update"] allowed_parameters = { p = ["a", "b"] } }""");
        Assert.Equal(allowed, acl.Decide(Operation.Update, "a", Json(body), null).Allowed);
    }

    [Fact]
    public void Templates_take_values_that_cannot_widen_the_rule()
    {
        const string Text = """
            path "secret/data/{{identity.entity.name}}/*" { capabilities = ["read"] }
            path "team/{{ identity.groups.names.ops.id }}" { capabilities = ["read"] }
            path "meta/{{identity.entity.metadata.cost.center}}" { capabilities = ["read"] }
            path "alias/{{identity.entity.aliases.acc_1.custom_metadata.x}}" { capabilities = ["read"] }
            """;
        var identity = new PolicyIdentity
        {
            EntityName = "alice",
            Metadata = new Dictionary<string, string> { ["cost.center"] = "42" },
            Groups = [new PolicyIdentityGroup("g-1", "ops")],
            Aliases = new Dictionary<string, PolicyIdentityAlias>
            {
                ["acc_1"] = new("id", "name") { CustomMetadata = new Dictionary<string, string> { ["x"] = "y" } },
            },
        };
        var acl = Compile(Text, identity);
        Assert.True(Reads(acl, "secret/data/alice/x"));
        Assert.False(Reads(acl, "secret/data/bob/x"));
        Assert.True(Reads(acl, "team/g-1"));
        Assert.True(Reads(acl, "meta/42"));
        Assert.True(Reads(acl, "alias/y"));

        var nobody = Compile(Text);
        Assert.Equal(4, nobody.Unresolved.Count);
        Assert.False(Reads(nobody, "secret/data//x"));
        Assert.False(Reads(nobody, "secret/data/{{identity.entity.name}}/x"));

        foreach (var name in (string[])["*", "+", "a/b", "a*", "", "a\0", "{{x}}"])
        {
            var bad = Compile(Text, identity with { EntityName = name });
            Assert.Single(bad.Unresolved);
            Assert.False(Reads(bad, "secret/data/bob/x"));
            Assert.False(Reads(bad, $"secret/data/{name}/x"));
        }
    }

    [Fact]
    public void Explanations_name_rules_conditions_and_likely_mistakes()
    {
        var acl = Acl.Compile([
            Document(
                "base",
                "path \"secret/*\" { capabilities = [\"list\"] }\n\npath \"secret/data/app\" { capabilities = [\"read\"] }"
            ),
            Document(
                "app",
                """
                path "secret/data/app" {
                    capabilities = ["update"]
                    min_wrapping_ttl = "1m"
                    required_parameters = ["data"]
                }
                """
            ),
            Document("mine", "path \"own/{{identity.entity.id}}\" { capabilities = [\"read\"] }"),
        ]);
        Assert.Equal(
            [
                "update on \"secret/data/app\" is allowed.",
                "path \"secret/data/app\" [read, update] (policy base, line 3; policy app, line 1) decides, and allows update.",
                "path \"secret/*\" [list] (policy base, line 1) matches too, but a path without wildcards decides before any pattern.",
                "A write where nothing is yet may need create, which this rule does not allow.",
                "The reply must be wrapped for at least 60 seconds.",
                "These parameters must be sent: data.",
            ],
            acl.Explain(Operation.Update, "secret/data/app").Sentences
        );

        Assert.Equal(
            ["A path that demands sudo is denied all the same: this rule does not give it."],
            Compile("path \"sys/*\" { policy = \"write\" }").Explain(Operation.Update, "sys/rotate").Conditions
        );

        Assert.Equal(
            [
                "path \"own/{{identity.entity.id}}\" (policy mine, line 1) matches nothing: this token has no usable value for its template.",
            ],
            acl.Explain(Operation.Read, "own/me").Hints
        );
        var mistaken = acl.Explain(Operation.Read, "secret/app");
        Assert.Equal(AclReason.MissingCapability, mistaken.Reason);
        Assert.Contains(mistaken.Hints, hint => hint.Contains("\"secret/data/app\"", StringComparison.Ordinal));
        Assert.Equal(AclReason.NoRule, acl.Explain(Operation.Read, "other").Reason);
        Assert.Contains(
            acl.Explain(Operation.List, "secret").Hints,
            hint => hint.Contains("before its slash", StringComparison.Ordinal)
        );
        Assert.Equal(AclReason.Root, Acl.Root.Explain(Operation.Delete, "any").Reason);
        Assert.Equal(AclReason.Denied, Compile("path \"*\" { policy = \"deny\" }").Explain(Operation.Read, "x").Reason);
    }

    [Fact]
    public void A_list_prefers_the_more_specific_rule_for_either_spelling()
    {
        // Vault looked at "foo/bar" first, OpenBao at "foo/bar/": each passes by the other's denial.
        var plus = Compile("path \"foo/*\" { capabilities = [\"list\"] } path \"foo/+\" { policy = \"deny\" }");
        Assert.False(plus.Decide(Operation.List, "foo/bar/", null, null).Allowed);
        var star = Compile("path \"foo/*\" { capabilities = [\"list\"] } path \"foo/bar/*\" { policy = \"deny\" }");
        Assert.False(star.Decide(Operation.List, "foo/bar/", null, null).Allowed);
        var exact = Compile("path \"foo/*\" { capabilities = [\"list\"] } path \"foo/bar\" { policy = \"deny\" }");
        Assert.False(exact.Decide(Operation.List, "foo/bar/", null, null).Allowed);
        Assert.True(
            Compile("path \"foo\" { capabilities = [\"list\"] }").Decide(Operation.List, "foo/", null, null).Allowed
        );
        Assert.False(
            Compile("path \"foo\" { capabilities = [\"read\"] }").Decide(Operation.Read, "foo/", null, null).Allowed
        );
    }

    [Fact]
    public void The_default_policy_lets_a_token_look_after_itself_and_no_more()
    {
        var acl = Acl.Compile([BuiltInPolicies.Default]);
        Assert.True(Reads(acl, "auth/token/lookup-self"));
        foreach (
            var path in (string[])
                [
                    "auth/token/renew-self",
                    "auth/token/revoke-self",
                    "sys/capabilities-self",
                    "sys/leases/renew",
                    "sys/leases/lookup",
                    "sys/wrapping/wrap",
                    "sys/wrapping/lookup",
                    "sys/wrapping/unwrap",
                    "sys/tools/hash",
                    "sys/tools/hash/sha2-256",
                    "sys/control-group/request",
                    "sys/internal/policy-explain",
                    "cubbyhole/mine",
                ]
        )
        {
            Assert.True(acl.Decide(Operation.Update, path, null, null).Allowed, path);
        }

        Assert.True(Reads(acl, "sys/internal/ui/resultant-acl"));
        Assert.False(Reads(acl, "foo/bar"));
        Assert.False(Reads(acl, "secret/data/app"));
        Assert.False(acl.Decide(Operation.Update, "auth/foo", null, null).Allowed);
        Assert.False(Reads(acl, "identity/entity/id/"));
    }

    private static bool Reads(Acl acl, string path) => acl.Decide(Operation.Read, path, null, null).Allowed;

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;

    private static Acl Compile(string text, PolicyIdentity? identity = null) =>
        Acl.Compile([Document("p", text)], identity);

    private static PolicyDocument Document(string name, string text)
    {
        var (policy, error) = PolicyDocument.Parse(name, text);
        Assert.True(policy is not null, error?.ToString());
        return policy;
    }
}
