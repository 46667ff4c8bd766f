using System.Reflection;
using Mayfly.Core;
using Mayfly.Crypto;

namespace Mayfly.Tests.Architecture;

/// <summary>The walls between projects and folders: what may not know of what.</summary>
public sealed class WallTests
{
    private static readonly Assembly Crypto = typeof(SecretBytes).Assembly;
    private static readonly Assembly Core = typeof(Catalog).Assembly;

    [Fact]
    public void Crypto_uses_nothing_but_the_framework() => Assert.Empty(References(Crypto));

    [Fact]
    public void Client_uses_nothing_but_the_framework() => Assert.Empty(References(Assembly.Load("Mayfly.Client")));

    [Fact]
    public void Core_references_crypto_and_sqlite_alone() =>
        Assert.Equal(
            ["Mayfly.Crypto", "SQLitePCLRaw.core", "SQLitePCLRaw.provider.e_sqlite3"],
            References(Core).Order(StringComparer.Ordinal)
        );

    [Fact]
    public void The_command_line_and_the_server_share_no_types()
    {
        Assert.DoesNotContain("Mayfly.Core", References(Assembly.Load("mayfly")));
        Assert.DoesNotContain("Mayfly.Client", References(Assembly.Load("mayflyd")));
        Assert.DoesNotContain("Mayfly.Client", References(Core));
    }

    [Fact]
    public void The_domain_never_sees_http() =>
        AssertNone(use =>
            use.Used.Namespace is { } used
            && (
                used.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)
                || used.StartsWith("System.Net.Http", StringComparison.Ordinal)
            )
        );

    [Fact]
    public void No_engine_knows_another() => AssertNone(use => Crosses(use, "Mayfly.Core.Engines."));

    [Fact]
    public void No_auth_method_knows_another() => AssertNone(use => Crosses(use, "Mayfly.Core.Auth."));

    [Fact]
    public void Engines_and_auth_methods_know_neither_audit_nor_leases_nor_the_server() =>
        AssertNone(use =>
            IsBelow(use.User, "Mayfly.Core.Engines.", "Mayfly.Core.Auth.")
            && IsIn(use.Used, "Mayfly.Core.Audit", "Mayfly.Core.Leases", "Mayfly.Core.Sys", "Mayfly.Core.Seal")
        );

    /// <summary>auth/token is the exception: the server mounts it itself, and it works on the token store.</summary>
    [Fact]
    public void Only_the_pipeline_and_the_servers_own_engines_mint_tokens() =>
        AssertNone(use =>
            IsBelow(use.User, "Mayfly.Core.Engines.", "Mayfly.Core.Auth.")
            && use.User.Namespace != "Mayfly.Core.Auth.Token"
            && use.Used.Name is "TokenStore" or "TokenIssuer"
            && IsBelow(use.User, "Mayfly.Core.Engines.", "Mayfly.Core.Auth.UserPass", "Mayfly.Core.Auth.AppRole")
        );

    [Fact]
    public void Storage_knows_nothing_above_it() =>
        AssertNone(use =>
            IsIn(use.User, "Mayfly.Core.Storage", "Mayfly.Core.Storage.Sqlite", "Mayfly.Core.Storage.Memory")
            && use.Used.Namespace is { } used
            && used.StartsWith("Mayfly.Core.", StringComparison.Ordinal)
            && !used.StartsWith("Mayfly.Core.Storage", StringComparison.Ordinal)
        );

    [Fact]
    public void An_authorized_request_is_made_by_the_policy_check_alone() =>
        Assert.All(
            typeof(Mayfly.Core.Pipeline.AuthorizedRequest).GetConstructors(
                BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance
            ),
            constructor => Assert.True(constructor.IsPrivate)
        );

    [Fact]
    public void Names_say_what_a_thing_is()
    {
        string[] empty = ["Manager", "Helper", "Util", "Utils", "Service", "Impl"];
        var named = Core.GetTypes()
            .Concat(Crypto.GetTypes())
            .Where(type => empty.Any(word => type.Name.EndsWith(word, StringComparison.Ordinal)));
        Assert.Empty(named);
    }

    private static IEnumerable<string> References(Assembly assembly) =>
        assembly
            .GetReferencedAssemblies()
            .Select(reference => reference.Name!)
            .Where(name =>
                name is not ("System" or "netstandard" or "mscorlib")
                && !name.StartsWith("System.", StringComparison.Ordinal)
                && !name.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal)
                && name != "Microsoft.Win32.Primitives"
            );

    private static void AssertNone(Func<(Type User, Type Used), bool> forbidden) =>
        Assert.Empty(TypeUses.Of(Core).Where(forbidden).Select(use => $"{use.User.FullName} uses {use.Used.FullName}"));

    private static bool Crosses((Type User, Type Used) use, string root) =>
        IsBelow(use.User, root) && IsBelow(use.Used, root) && use.User.Namespace != use.Used.Namespace;

    private static bool IsBelow(Type type, params string[] roots) =>
        roots.Any(root => type.Namespace?.StartsWith(root, StringComparison.Ordinal) == true);

    private static bool IsIn(Type type, params string[] namespaces) => namespaces.Contains(type.Namespace);
}
