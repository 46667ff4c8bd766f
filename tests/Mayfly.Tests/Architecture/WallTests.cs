using System.Reflection;
using Mayfly.Core;
using Mayfly.Crypto;

namespace Mayfly.Tests.Architecture;

/// <summary>The walls between projects and folders: what may not know of what.</summary>
public sealed class WallTests
{
    private static readonly Assembly Crypto = typeof(SecretBytes).Assembly;
    private static readonly Assembly Core = typeof(Catalog).Assembly;
    private static readonly Assembly Server = Assembly.Load("mayflyd");
    private static readonly Assembly Client = Assembly.Load("Mayfly.Client");
    private static readonly Assembly Scanner = Assembly.Load("Mayfly.Scanner");
    private static readonly Assembly Hcl = Assembly.Load("Mayfly.Hcl");
    private static readonly Assembly Hosting = Assembly.Load("Mayfly.Hosting");
    private static readonly Assembly Agent = Assembly.Load("Mayfly.Agent");
    private static readonly Assembly Cli = Assembly.Load("mayfly");

    [Fact]
    public void Crypto_uses_nothing_but_the_base_class_library() => Assert.Empty(References(Crypto));

    [Fact]
    public void Scanner_uses_nothing_but_the_base_class_library() => Assert.Empty(References(Scanner));

    [Fact]
    public void Hcl_uses_nothing_but_the_base_class_library() => Assert.Empty(References(Hcl));

    /// <summary>The server and the agent share how they listen and log, and nothing that they say to each other.</summary>
    [Fact]
    public void Hosting_uses_nothing_but_the_framework()
    {
        Assert.All(
            References(Hosting),
            name =>
                Assert.True(
                    IsExtension(name) || name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal),
                    name
                )
        );
        Assert.Empty(Hosting.GetExportedTypes());
    }

    /// <summary>So that the agent stays a client among others: what it knows of the server is the wire.</summary>
    [Fact]
    public void The_agent_knows_the_client_and_not_the_server() =>
        Assert.All(
            References(Agent),
            name =>
                Assert.True(
                    IsExtension(name)
                        || name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)
                        || name
                            is "Mayfly.Client"
                                or "Mayfly.Hcl"
                                or "Mayfly.Hosting"
                                or "Mayfly.Scanner"
                                or "YamlDotNet",
                    name
                )
        );

    [Fact]
    public void Client_uses_nothing_but_the_framework_and_its_circuit_breaker() =>
        Assert.All(References(Client), name => Assert.True(IsExtension(name) || name == "Polly.Core", name));

    [Fact]
    public void The_packages_beside_the_client_add_one_library_each()
    {
        Assert.Equal(["Mayfly.Client", "Npgsql"], Beside("Mayfly.Client.Npgsql"));
        Assert.Equal(["Mayfly.Client", "OpenTelemetry"], Beside("Mayfly.Client.OpenTelemetry"));

        static IEnumerable<string> Beside(string package) =>
            References(Assembly.Load(package))
                .Where(name => !IsExtension(name) && !name.StartsWith("OpenTelemetry.Api", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal);
    }

    [Fact]
    public void Core_references_crypto_and_the_databases_alone() =>
        Assert.Equal(
            ["Mayfly.Crypto", "Mayfly.Hcl", "Npgsql", "SQLitePCLRaw.core", "SQLitePCLRaw.provider.e_sqlite3"],
            References(Core).Where(name => !IsExtension(name)).Order(StringComparer.Ordinal)
        );

    [Fact]
    public void The_command_line_and_the_server_share_no_types()
    {
        string[] own = ["Mayfly.Agent", "Mayfly.Client", "Mayfly.Crypto", "Mayfly.Hcl", "Mayfly.Scanner"];
        Assert.All(References(Cli), name => Assert.Contains(name, own));
        Assert.DoesNotContain("Mayfly.Client", References(Server));
        Assert.DoesNotContain("Mayfly.Scanner", References(Server));
        Assert.DoesNotContain("Mayfly.Agent", References(Server));
    }

    [Fact]
    public void The_domain_never_sees_the_http_that_requests_come_by() =>
        AssertNone(use => use.Used.Namespace?.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) == true);

    /// <summary>What has an HTTP API of its own is called by the one engine that is made for it; rotation functions by the webhook.</summary>
    [Fact]
    public void Only_engines_for_systems_with_an_http_api_and_webhooks_call_one() =>
        AssertNone(use =>
            use.Used.Namespace?.StartsWith("System.Net.Http", StringComparison.Ordinal) == true
            && !IsWithin(use.User, "Mayfly.Core.Engines.RabbitMq", "Mayfly.Core.Rotation.Webhook")
        );

    [Fact]
    public void No_engine_or_auth_method_knows_another() =>
        AssertNone(use => IsPluggedIn(use.User) && IsPluggedIn(use.Used) && PartOf(use.User) != PartOf(use.Used));

    [Fact]
    public void Engines_and_auth_methods_know_neither_audit_nor_leases_nor_rotation_nor_the_server() =>
        AssertNone(use =>
            IsPluggedIn(use.User)
            && IsWithin(
                use.Used,
                "Mayfly.Core.Audit",
                "Mayfly.Core.Leases",
                "Mayfly.Core.Rotation",
                "Mayfly.Core.Consumers",
                "Mayfly.Core.Sys",
                "Mayfly.Core.Seal"
            )
        );

    /// <summary>auth/token is the exception: the server mounts it itself, and it works on the token store.</summary>
    [Fact]
    public void Only_the_pipeline_and_the_servers_own_engines_mint_tokens() =>
        AssertNone(use =>
            IsPluggedIn(use.User)
            && use.User.Namespace != "Mayfly.Core.Auth.Token"
            && use.Used.Name is "TokenStore" or "TokenRecords" or "TokenRevoker" or "TokenIssuer"
        );

    [Fact]
    public void Storage_knows_nothing_above_it() =>
        AssertNone(use =>
            IsWithin(use.User, "Mayfly.Core.Storage")
            && IsWithin(use.Used, "Mayfly.Core")
            && !IsWithin(use.Used, "Mayfly.Core.Storage")
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
        var named = new[] { Crypto, Hcl, Hosting, Core, Server, Client, Scanner, Agent, Cli }
            .SelectMany(assembly => assembly.GetTypes())
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
                && name != "Microsoft.Win32.Primitives"
            );

    private static bool IsExtension(string reference) =>
        reference.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal);

    private static void AssertNone(Func<(Type User, Type Used), bool> forbidden) =>
        Assert.Empty(TypeUses.Of(Core).Where(forbidden).Select(use => $"{use.User.FullName} uses {use.Used.FullName}"));

    /// <summary>Each engine and auth method is a folder of its own below these two.</summary>
    private static bool IsPluggedIn(Type type) =>
        type.Namespace is { } name
        && (
            name.StartsWith("Mayfly.Core.Engines.", StringComparison.Ordinal)
            || name.StartsWith("Mayfly.Core.Auth.", StringComparison.Ordinal)
        );

    /// <summary>The engine or auth method, whose folder may have folders of its own.</summary>
    private static string PartOf(Type type) => string.Join('.', type.Namespace!.Split('.').Take(4));

    private static bool IsWithin(Type type, params string[] roots) =>
        type.Namespace is { } name
        && roots.Any(root => name == root || name.StartsWith(root + ".", StringComparison.Ordinal));
}
