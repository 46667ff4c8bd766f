using System.Text.Json;
using System.Text.RegularExpressions;
using Mayfly.Core.Auth.AppRole;
using Mayfly.Core.Auth.UserPass;
using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;
using Mayfly.Tests.Engines;
using Mayfly.Tests.Policy;

namespace Mayfly.Tests.Auth;

/// <summary>What a live Vault declares for these methods, we declare too.</summary>
public sealed class VaultPathsTests
{
    // Duo's old integration, gone from Vault since.
    private static readonly string[] LeftOut = ["duo/", "mfa_config"];
    private static readonly string[] FieldsLeftOut = ["method", "passcode"];

    [Fact]
    public Task Every_path_and_field_of_vaults_approle_is_here() => CheckAsync(AppRoleAuth.Type);

    [Fact]
    public Task Every_path_and_field_of_vaults_userpass_is_here() => CheckAsync(UserPassAuth.TypeWith(iterations: 1));

    private static async Task CheckAsync(EngineType type)
    {
        if (VaultTables.Folder() is not { } folder)
        {
            Console.WriteLine("left out: conformance/vault18-openapi is not here");
            return;
        }

        await using var harness = await EngineHarness.StartAsync(type);
        var file = Path.Combine(folder, "vault18-openapi", "openapi.json");
        using var api = JsonDocument.Parse(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
        var prefix = $"/auth/{type.Name}/";
        var looked = 0;
        foreach (var path in api.RootElement.GetProperty("paths").EnumerateObject())
        {
            if (
                !path.Name.StartsWith(prefix, StringComparison.Ordinal)
                || LeftOut.Any(path.Name[prefix.Length..].StartsWith)
            )
            {
                continue;
            }

            looked++;
            var sample = Regex.Replace(
                path.Name[prefix.Length..],
                @"\{[^}]*\}",
                "x",
                RegexOptions.None,
                TimeSpan.FromSeconds(1)
            );
            var entry = harness.Engine.Paths.Match(sample)?.Entry;
            Assert.True(entry is not null, path.Name);
            Assert.True(
                !path.Value.TryGetProperty("get", out _) || entry.Read is not null || entry.List is not null,
                path.Name
            );
            Assert.True(!path.Value.TryGetProperty("delete", out _) || entry.Delete is not null, path.Name);
            if (path.Value.TryGetProperty("post", out var post))
            {
                Assert.True(entry.Write is not null, path.Name);
                Assert.All(
                    Fields(post).Except(FieldsLeftOut),
                    name => Assert.Contains(name, entry.Fields.Select(field => field.Name))
                );
            }
        }

        Assert.True(looked > 4);
    }

    private static IEnumerable<string> Fields(JsonElement operation) =>
        operation.TryGetProperty("requestBody", out var body)
        && body.GetProperty("content").GetProperty("application/json").GetProperty("schema") is var schema
        && schema.TryGetProperty("properties", out var properties)
            ? properties.EnumerateObject().Select(property => property.Name)
            : [];
}
