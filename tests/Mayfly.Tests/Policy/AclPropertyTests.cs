using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;

namespace Mayfly.Tests.Policy;

public sealed class AclPropertyTests
{
    private static readonly Operation[] Operations =
    [
        Operation.Read,
        Operation.List,
        Operation.Create,
        Operation.Update,
        Operation.Patch,
        Operation.Delete,
    ];

    private static readonly Gen<string> Paths =
        from segments in Gen.Elements("a", "b", "ab", "c", "abc").NonEmptyListOf().Resize(4)
        from slash in Gen.Elements("", "/")
        select string.Join('/', segments) + slash;

    private static readonly Gen<string> Patterns =
        from segments in Gen.Elements("a", "b", "ab", "+", "+", "abc").NonEmptyListOf().Resize(4)
        from end in Gen.Elements("", "", "/", "*", "/*")
        let path = string.Join('/', segments) + end
        select path.EndsWith("+*", StringComparison.Ordinal) ? path[..^1] : path;

    private static readonly Gen<ReferenceRule> Rules =
        from policy in Gen.Elements("one", "two", "three")
        from path in Gen.Frequency((9, Patterns), (1, Gen.Elements("*", "+", "+/*")))
        from capabilities in Gen.Frequency<string[]>(
            (
                6,
                Gen.SubListOf("create", "read", "update", "patch", "delete", "list", "sudo", "scan")
                    .Select(some => some.ToArray())
            ),
            (1, Gen.Constant<string[]>(["deny"]))
        )
        select new ReferenceRule(policy, path, capabilities);

    private static readonly Gen<ReferenceRule[]> Sets = Rules.ArrayOf().Resize(30);

    [Fact]
    public void Decides_as_the_plain_reference_does() =>
        Prop.ForAll(
                Sets.ToArbitrary(),
                Paths.ArrayOf().Resize(12).ToArbitrary(),
                (rules, paths) =>
                {
                    var acl = Compile(rules);
                    var ordered = InOrderOfPolicies(rules);
                    return paths
                        .SelectMany(path => Operations.Select(operation => (path, operation)))
                        .All(asked =>
                        {
                            var (allowed, sudo, granting) = ReferenceAcl.Decide(ordered, asked.operation, asked.path);
                            var decision = acl.Decide(asked.operation, asked.path, null, null);
                            return decision.Allowed == allowed
                                && decision.Sudo == sudo
                                && string.Join(' ', decision.GrantingPolicies) == string.Join(' ', granting);
                        });
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void Explains_the_rule_that_decides() =>
        Prop.ForAll(
                Sets.ToArbitrary(),
                Paths.ToArbitrary(),
                Gen.Elements(Operations).ToArbitrary(),
                (rules, path, operation) =>
                {
                    var acl = Compile(rules);
                    var explanation = acl.Explain(operation, path);
                    var matching = rules
                        .Select(rule => rule.Path)
                        .Distinct()
                        .Count(pattern => Matches(pattern, path, operation));
                    return explanation.Allowed == acl.Decide(operation, path, null, null).Allowed
                        && explanation.Deciding?.Pattern
                            == ReferenceAcl.Winner(rules, operation == Operation.List, path)
                        && explanation.Others.Count == Math.Max(0, matching - 1)
                        && explanation.Others.All(other => other.WhyNot is { Length: > 0 })
                        && explanation.Sentences.Count > 0;
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void The_order_of_rules_and_policies_does_not_matter() =>
        Prop.ForAll(
                Sets.ToArbitrary(),
                Paths.ToArbitrary(),
                Gen.Elements(Operations).ToArbitrary(),
                (rules, path, operation) =>
                {
                    var one = Compile(rules).Decide(operation, path, null, null);
                    var other = Compile([.. rules.Reverse()]).Decide(operation, path, null, null);
                    return one.Allowed == other.Allowed && one.Sudo == other.Sudo;
                }
            )
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Any_text_as_a_policy_has_an_answer() =>
        Prop.ForAll(
                ArbMap.Default.ArbFor<string>(),
                ArbMap.Default.ArbFor<string>(),
                (key, value) =>
                {
                    var text = $"path \"{key}\" {{ {value} capabilities = [\"read\"] }}";
                    var (policy, error) = PolicyDocument.Parse("any", text);
                    return (policy is null) != (error is null);
                }
            )
            .QuickCheckThrowOnFailure();

    private static bool Matches(string pattern, string path, Operation operation) =>
        ReferenceAcl.Winner([new("x", pattern, ["read"])], operation == Operation.List, path) is not null;

    private static Acl Compile(IReadOnlyList<ReferenceRule> rules) =>
        Acl.Compile(
            rules
                .GroupBy(rule => rule.Policy)
                .Select(group =>
                {
                    var text = string.Concat(
                        group.Select(rule =>
                            $"path \"{rule.Path}\" {{ capabilities = [{string.Join(", ", rule.Capabilities.Select(word => $"\"{word}\""))}] }}\n"
                        )
                    );
                    var (policy, error) = PolicyDocument.Parse(group.Key, text);
                    return policy ?? throw new InvalidOperationException(error!.ToString());
                })
        );

    private static List<ReferenceRule> InOrderOfPolicies(IReadOnlyList<ReferenceRule> rules) =>
        [.. rules.GroupBy(rule => rule.Policy).SelectMany(group => group)];
}
