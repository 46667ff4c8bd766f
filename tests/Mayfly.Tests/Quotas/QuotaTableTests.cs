using FsCheck;
using FsCheck.Fluent;
using Mayfly.Core.Quotas;

namespace Mayfly.Tests.Quotas;

public sealed class QuotaTableTests
{
    private static readonly string[] Paths = ["", "a", "a/b", "ab", "*", "a*", "a/*", "ab*", "a/b*"];

    /// <summary>Against the rules as the page has them, over all quotas one by one.</summary>
    [Fact]
    public void The_most_specific_quota_is_found() =>
        Prop.ForAll(
                Scopes().ListOf().ToArbitrary(),
                Requests().ToArbitrary(),
                (drawn, request) =>
                {
                    var scopes = drawn.Distinct().ToList();
                    var table = new QuotaTable<QuotaScope>(scopes.Select(scope => (scope, scope)));
                    var expected = scopes
                        .Where(scope => Holds(scope, request))
                        .OrderByDescending(Specificity)
                        .FirstOrDefault();
                    return table.Find(request.Mount, request.Path, request.Role) == expected
                        && table.LooksAtRoles(request.Mount)
                            == scopes.Exists(scope => scope.Mount == request.Mount && scope.Role.Length > 0);
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));

    private static bool Holds(QuotaScope scope, (string Mount, string Path, string? Role) request) =>
        scope == QuotaScope.Everything
        || scope.Mount == request.Mount
            && (scope.Role.Length == 0 || scope.Role == request.Role)
            && (
                scope.Path.Length == 0
                || scope.Path == request.Path.TrimEnd('/')
                || scope.Path.EndsWith('*')
                    && request.Path.TrimEnd('/').StartsWith(scope.Path[..^1], StringComparison.Ordinal)
            );

    private static int Specificity(QuotaScope scope) =>
        scope.Role.Length > 0 ? 1000
        : scope.Path.EndsWith('*') ? 10 + scope.Path.Length
        : scope.Path.Length > 0 ? 100
        : scope.Mount.Length > 0 ? 1
        : 0;

    private static Gen<QuotaScope> Scopes() =>
        Gen.OneOf(
            Gen.Constant(QuotaScope.Everything),
            from mount in Gen.Elements("m1", "m2")
            from path in Gen.Elements(Paths)
            select new QuotaScope(mount, path, ""),
            from mount in Gen.Elements("m1", "m2")
            from role in Gen.Elements("r", "s")
            select new QuotaScope(mount, "", role)
        );

    private static Gen<(string Mount, string Path, string? Role)> Requests() =>
        from mount in Gen.Elements("m1", "m2", "m3", "")
        from path in Gen.Elements("", "a", "a/", "a/b", "a/b/c", "ab", "abc", "b")
        from role in Gen.Elements("r", "t", null)
        select (mount, path, role);
}
