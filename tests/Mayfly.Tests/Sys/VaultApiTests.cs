using System.Text.Json;
using System.Text.RegularExpressions;
using Mayfly.Core.Pipeline;
using Mayfly.Tests.Policy;

namespace Mayfly.Tests.Sys;

/// <summary>
/// What a live Vault describes in its OpenAPI document, ours describes too: paths, methods and fields, but for the gaps that
/// are named here.
/// </summary>
public sealed partial class VaultApiTests
{
    private static readonly string[] Roots =
    [
        "sys/",
        "auth/token/",
        "auth/userpass/",
        "auth/approle/",
        "cubbyhole/",
        "secret/",
        "kv/",
    ];

    /// <summary>What this server leaves out, each a path with all below it, or one field of a method.</summary>
    private static readonly string[] Gaps =
    [
        // Duo's old integration, gone from Vault since.
        "auth/userpass/duo",
        "auth/userpass/mfa_config",
        "auth/userpass/login/{} post method",
        "auth/userpass/login/{} post passcode",
        // Engines are compiled in, one line of the catalog each.
        "sys/plugins",
        // There is one node.
        "sys/step-down",
        // The configuration file and SIGHUP do that.
        "sys/config/cors",
        "sys/config/reload",
        // There is no web interface.
        "sys/config/ui",
        "sys/internal/ui/feature-flags",
        // Client counting.
        "sys/internal/counters",
        // A view into the process or past the barrier: not over the network.
        "sys/host-info",
        "sys/monitor",
        "sys/pprof",
        "sys/raw",
    ];

    [Fact]
    public async Task Every_path_method_and_field_of_vault_is_here_or_named_as_a_gap()
    {
        if (VaultTables.Folder() is not { } folder)
        {
            Console.WriteLine("left out: conformance/vault18-openapi is not here");
            return;
        }

        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/mounts/kv", """{"type":"kv"}""");
        await vault.DataAsync(Operation.Update, "sys/mounts/secret", """{"type":"kv-v2"}""");
        await vault.DataAsync(Operation.Update, "sys/auth/userpass", """{"type":"userpass"}""");
        await vault.DataAsync(Operation.Update, "sys/auth/approle", """{"type":"approle"}""");
        var ours = Described(await vault.DataAsync(Operation.Read, "sys/internal/specs/openapi"));
        var file = Path.Combine(folder, "vault18-openapi", "openapi.json");
        using var document = JsonDocument.Parse(
            await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)
        );

        var theirs = Described(document.RootElement)
            .Where(line => Roots.Any(root => line.StartsWith(root, StringComparison.Ordinal)))
            .ToHashSet(StringComparer.Ordinal);
        Assert.True(theirs.Count > 300, $"only {theirs.Count} lines were compared");
        var missing = theirs.Except(ours).Order(StringComparer.Ordinal).ToList();
        Assert.DoesNotContain(missing, line => !Gaps.Any(gap => Covers(gap, line)));
        Assert.DoesNotContain(Gaps, gap => !missing.Any(line => Covers(gap, line)));
    }

    private static bool Covers(string gap, string line) =>
        line.StartsWith(gap, StringComparison.Ordinal) && (line.Length == gap.Length || line[gap.Length] is ' ' or '/');

    /// <summary>A line for each method of each path, and for each field of its body.</summary>
    private static HashSet<string> Described(JsonElement document)
    {
        var lines = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in document.GetProperty("paths").EnumerateObject())
        {
            var name = Variable().Replace(path.Name.Trim('/'), "{}");
            foreach (
                var method in path.Value.EnumerateObject().Where(member => member.Name is "get" or "post" or "delete")
            )
            {
                lines.Add($"{name} {method.Name}");
                lines.UnionWith(Fields(method.Value).Select(field => $"{name} {method.Name} {field}"));
            }
        }

        return lines;
    }

    private static IEnumerable<string> Fields(JsonElement operation) =>
        operation.TryGetProperty("requestBody", out var body)
        && body.GetProperty("content").GetProperty("application/json").GetProperty("schema") is var schema
        && schema.TryGetProperty("properties", out var properties)
            ? properties.EnumerateObject().Select(property => property.Name)
            : [];

    [GeneratedRegex(@"\{[^}]*\}", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Variable();
}
