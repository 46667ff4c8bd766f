using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;

namespace Mayfly.Tests.Policy;

/// <summary>Decides as Vault's own tests demand, row by row.</summary>
public sealed class VaultTableTests
{
    [Theory]
    [InlineData(VaultTables.Vault)]
    [InlineData(VaultTables.OpenBao)]
    public void One_policy_allows_what_the_table_says(string file)
    {
        if (VaultTables.Load(file) is { } tables)
        {
            CheckOperations(Compile(tables.Text("aclPolicy")), tables.Rows("testACLSingle", "tcases"));
        }
    }

    [Theory]
    [InlineData(VaultTables.Vault)]
    [InlineData(VaultTables.OpenBao)]
    public void Two_policies_allow_what_the_table_says(string file)
    {
        if (VaultTables.Load(file) is { } tables)
        {
            var acl = Compile(tables.Text("aclPolicy"), tables.Text("aclPolicy2"));
            CheckOperations(acl, tables.Rows("testLayeredACL", "tcases"));
        }
    }

    [Theory]
    [InlineData("dev", 0)]
    [InlineData("dev/", 1)]
    [InlineData("stage/aws/test", 2)]
    public void Capabilities_are_what_the_table_says(string path, int expected)
    {
        if (VaultTables.Load(VaultTables.Vault) is { } tables)
        {
            var names = tables
                .Where(table => table.GetProperty("Func").ValueEquals("testACLCapabilities"))
                .Select(table => Strings(table.GetProperty("Rows")))
                .ElementAt(expected);
            Assert.Equal(names, Compile(tables.Text("aclPolicy")).Capabilities(path));
        }
    }

    [Fact]
    public void Rules_on_one_path_merge_as_the_table_says()
    {
        if (VaultTables.Load(VaultTables.Vault) is not { } tables)
        {
            return;
        }

        var acl = Compile(tables.Text("mergingPolicies"));
        foreach (var row in tables.Rows("testACLPolicyMerge", "tcases").EnumerateArray())
        {
            var rule = acl.Rules.Single(rule => rule.Pattern.Text == row[0].GetString());
            Assert.Equal(Seconds(row[1]) ?? TimeSpan.Zero, rule.MinWrappingTtl);
            Assert.Equal(Seconds(row[2]) ?? TimeSpan.Zero, rule.MaxWrappingTtl);
            CheckParameters(row[3], rule.Parameters!.Allowed);
            CheckParameters(row[4], rule.Parameters.Denied);
            Assert.Equal(
                row[5].ValueKind == JsonValueKind.Null ? [] : Strings(row[5]).Order(StringComparer.Ordinal),
                rule.Parameters.Required.Order(StringComparer.Ordinal)
            );
        }
    }

    [Theory]
    [InlineData(Operation.Update)]
    [InlineData(Operation.Create)]
    public void Parameters_and_wrapping_are_bounded_as_the_table_says(Operation operation)
    {
        if (VaultTables.Load(VaultTables.Vault) is not { } tables)
        {
            return;
        }

        var acl = Compile(tables.Text("permissionsPolicy"));
        foreach (var row in tables.Rows("testACLAllowOperation", "tcases").EnumerateArray())
        {
            using var body = JsonDocument.Parse(
                JsonSerializer.Serialize(Strings(row[2]).ToDictionary(name => name, _ => ""))
            );
            var decision = acl.Decide(operation, row[0].GetString()!, body.RootElement, Seconds(row[1]));
            Assert.True(decision.Allowed == row[3].GetBoolean(), row.ToString());
        }
    }

    [Theory]
    [InlineData(Operation.Update)]
    [InlineData(Operation.Create)]
    public void Values_are_bounded_as_the_table_says(Operation operation)
    {
        if (VaultTables.Load(VaultTables.Vault) is not { } tables)
        {
            return;
        }

        var acl = Compile(tables.Text("valuePermissionsPolicy"));
        foreach (var row in tables.Rows("testACLValuePermissions", "tcases").EnumerateArray())
        {
            var members = Strings(row[1])
                .Zip(row[2].EnumerateArray())
                .ToDictionary(pair => pair.First, pair => pair.Second);
            using var body = JsonDocument.Parse(JsonSerializer.Serialize(members));
            var decision = acl.Decide(operation, row[0].GetString()!, body.RootElement, wrapTtl: null);
            Assert.True(decision.Allowed == row[3].GetBoolean(), row.ToString());
        }
    }

    [Fact]
    public void A_policy_parses_into_the_rules_of_the_table()
    {
        if (VaultTables.Load(VaultTables.Vault) is not { } tables)
        {
            return;
        }

        // What this server cannot enforce is refused with its line; the rest of the text must parse.
        var text = tables.Text("rawPolicy");
        var (none, error) = PolicyDocument.Parse("dev", text);
        Assert.Null(none);
        Assert.Contains("mfa_methods", error!.Message, StringComparison.Ordinal);
        var lines = text.Split('\n');
        Assert.Contains("mfa_methods", lines[error.Position.Line - 1], StringComparison.Ordinal);
        lines[error.Position.Line - 1] = "";

        var expected = tables.Rows("TestPolicy_Parse", "expect").EnumerateArray().ToList();
        var policy = Parse("dev", string.Join('\n', lines));
        Assert.Equal(expected.Count, policy.Rules.Count);
        for (var i = 0; i < expected.Count; i++)
        {
            var row = expected[i];
            var pattern = policy.Rules[i].Pattern!;
            Assert.Equal(row.GetProperty("Path").GetString(), pattern.HasSegments ? pattern.Text : pattern.Body);
            Assert.Equal(Flag(row, "HasSegmentWildcards"), pattern.HasSegments);
            Assert.Equal(Flag(row, "IsPrefix"), pattern.IsPrefix && !pattern.HasSegments);
            Assert.Equal(
                Strings(row.GetProperty("Capabilities")).Order(StringComparer.Ordinal),
                CapabilityNames.Of(policy.Rules[i].Capabilities).Order(StringComparer.Ordinal)
            );
            CheckParameters(Member(row, "AllowedParametersHCL"), policy.Rules[i].Parameters?.Allowed);
            CheckParameters(Member(row, "DeniedParametersHCL"), policy.Rules[i].Parameters?.Denied);
            var wrapping = row.TryGetProperty("MinWrappingTTLHCL", out _);
            Assert.Equal(wrapping ? 300 : 0, policy.Rules[i].MinWrappingTtl.TotalSeconds);
            Assert.Equal(wrapping ? 3600 : 0, policy.Rules[i].MaxWrappingTtl.TotalSeconds);
        }
    }

    [Fact]
    public void A_list_never_slips_past_a_more_specific_denial()
    {
        if (VaultTables.Load(VaultTables.OpenBao) is not { } tables)
        {
            return;
        }

        var acl = Compile(tables.Text("listScanDenyPolicy"));
        Assert.True(List(acl, "foo/metadata/"));
        Assert.True(List(acl, "foo/metadata/public/"));
        Assert.False(List(acl, "foo/metadata/private/"));
        Assert.False(List(acl, "foo/metadata/private/inner/"));
        Assert.True(List(acl, "foo/metadata/private/granted/"));
        Assert.Equal(["deny"], acl.Capabilities("foo/metadata/private/"));
    }

    [Fact]
    public void Granting_policies_are_those_that_give_the_capability()
    {
        if (VaultTables.Load(VaultTables.OpenBao) is not { } tables)
        {
            return;
        }

        var acl = Acl.Compile([
            Parse("one", tables.Text("grantingTestPolicy")),
            Parse("two", tables.Text("grantingTestPolicyMerged")),
        ]);
        Assert.Equal(["one", "two"], acl.Decide(Operation.Read, "kv/foo", null, null).GrantingPolicies);
        Assert.Equal(["two"], acl.Decide(Operation.Read, "kv/bar", null, null).GrantingPolicies);
        Assert.Equal(["one"], acl.Decide(Operation.Update, "kv/path/longer", null, null).GrantingPolicies);
        Assert.Equal(["one", "two"], acl.Decide(Operation.Read, "kv/path/longer", null, null).GrantingPolicies);
        Assert.False(acl.Decide(Operation.Update, "kv/deny", null, null).Allowed);
        Assert.Empty(acl.Decide(Operation.Update, "kv/deny", null, null).GrantingPolicies);
    }

    private static void CheckOperations(Acl acl, JsonElement rows)
    {
        foreach (var row in rows.EnumerateArray())
        {
            var path = row[1].GetString()!;
            var name = row[0].GetProperty("$go").GetString()!["logical.".Length..^"Operation".Length];
            if (name == "Scan")
            {
                // There is no such operation here, but the capability is known.
                Assert.True(acl.Capabilities(path).Contains("scan") == row[2].GetBoolean(), row.ToString());
                continue;
            }

            var decision = acl.Decide(Enum.Parse<Operation>(name), path, body: null, wrapTtl: null);
            Assert.True(decision.Allowed == row[2].GetBoolean(), row.ToString());
            Assert.True(decision.Sudo == row[3].GetBoolean(), row.ToString());
        }
    }

    private static void CheckParameters(
        JsonElement expected,
        IReadOnlyDictionary<string, IReadOnlyList<Mayfly.Hcl.HclValue>>? actual
    )
    {
        if (expected.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined)
        {
            Assert.True(actual is null or { Count: 0 });
            return;
        }

        Assert.Equal(expected.EnumerateObject().Count(), actual!.Count);
        foreach (var member in expected.EnumerateObject())
        {
            var values = actual[member.Name];
            Assert.Equal(member.Value.GetArrayLength(), values.Count);
            foreach (var value in member.Value.EnumerateArray())
            {
                Assert.True(new ParameterValue(value).IsAllowedBy(values));
            }
        }
    }

    private static bool List(Acl acl, string path) => acl.Decide(Operation.List, path, null, null).Allowed;

    private static JsonElement Member(JsonElement row, string name) =>
        row.TryGetProperty(name, out var value) ? value : default;

    private static bool Flag(JsonElement row, string name) => Member(row, name) is { ValueKind: JsonValueKind.True };

    private static List<string> Strings(JsonElement list) =>
        [.. list.EnumerateArray().Select(item => item.GetString()!)];

    /// <summary>The tables write <c>createDuration(50)</c>.</summary>
    private static TimeSpan? Seconds(JsonElement value) =>
        value.ValueKind == JsonValueKind.Null
            ? null
            : TimeSpan.FromSeconds(int.Parse(value.GetProperty("$go").GetString()!["createDuration(".Length..^1]));

    private static Acl Compile(params string[] texts) =>
        Acl.Compile(texts.Select((text, i) => Parse($"policy{i}", text)));

    private static PolicyDocument Parse(string name, string text)
    {
        var (policy, error) = PolicyDocument.Parse(name, text);
        Assert.True(policy is not null, error?.ToString());
        return policy;
    }
}
