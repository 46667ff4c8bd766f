using System.Text;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage.Sqlite;

namespace Mayfly.Tests;

/// <summary>Plants words that appear nowhere else, and looks for them where they must not be.</summary>
public sealed class CanaryTests
{
    private const string Value = "canary-value-1f0e5c77";
    private const string Name = "canary-name-9ab2d3f4";
    private const string Password = "canary-password-5c21";

    [Fact]
    public async Task Neither_values_nor_names_nor_tokens_are_in_the_data_files()
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-canary").FullName;
        try
        {
            var tokens = new List<string>();
            await using (var vault = await TestVault.StartAsync(store: SqliteStore.Open(folder)))
            {
                tokens.Add(vault.RootToken);
                tokens.Add(vault.Shares[0]);
                await PlantAsync(vault, tokens);
            }

            AssertAbsent(folder, [Value, Name, Password, .. tokens]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task The_log_of_the_audit_has_no_values_and_no_tokens()
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-canary").FullName;
        try
        {
            var tokens = new List<string>();
            await using (var vault = await TestVault.StartAsync())
            {
                var log = Path.Combine(folder, "audit.log");
                await vault.DataAsync(
                    Operation.Update,
                    "sys/audit/file",
                    $$$"""{"type":"file","options":{"file_path":"{{{log}}}"}}"""
                );
                tokens.Add(vault.RootToken);
                await PlantAsync(vault, tokens);
            }

            // Paths are in the clear in an audit log: without them it would be of no use.
            AssertAbsent(folder, [Value, Password, .. tokens]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task PlantAsync(TestVault vault, List<string> tokens)
    {
        await vault.DataAsync(Operation.Update, $"sys/mounts/{Name}", """{"type":"kv-v2"}""");
        var body = $$$"""{"data":{"{{{Name}}}":"{{{Value}}}"}}""";
        await vault.DataAsync(Operation.Update, $"{Name}/data/{Name}/{Name}", body);
        await vault.DataAsync(Operation.Read, $"{Name}/data/{Name}/{Name}");
        await vault.DataAsync(
            Operation.Update,
            $"{Name}/metadata/{Name}/{Name}",
            $$$"""{"custom_metadata":{"{{{Name}}}":"{{{Value}}}"}}"""
        );
        await vault.DataAsync(Operation.Update, $"cubbyhole/{Name}", $$$"""{"k":"{{{Value}}}"}""");
        await vault.DataAsync(
            Operation.Update,
            $"sys/policies/acl/{Name}",
            $$$"""{"policy":"path \"{{{Name}}}/*\" { capabilities = [\"read\"] }"}"""
        );
        await vault.DataAsync(Operation.Update, "sys/auth/userpass", """{"type":"userpass"}""");
        await vault.DataAsync(Operation.Update, $"auth/userpass/users/{Name}", $$$"""{"password":"{{{Password}}}"}""");
        var login = await vault.HandleAsync(
            Operation.Update,
            $"auth/userpass/login/{Name}",
            $$$"""{"password":"{{{Password}}}"}""",
            token: ""
        );
        tokens.Add(login.Response!.Auth!.Token);
        await vault.DataAsync(Operation.Update, "sys/auth/approle", """{"type":"approle"}""");
        await vault.DataAsync(Operation.Update, $"auth/approle/role/{Name}", "{}");
        var secretId = await vault.DataAsync(Operation.Update, $"auth/approle/role/{Name}/secret-id", "{}");
        tokens.Add(secretId.GetProperty("secret_id").GetString()!);
        var wrapped = await vault.HandleAsync(
            Operation.Update,
            "sys/wrapping/wrap",
            $$$"""{"k":"{{{Value}}}"}""",
            wrapTtl: TimeSpan.FromMinutes(5)
        );
        tokens.Add(wrapped.Response!.WrapInfo!.Token);
        tokens.Add(await vault.TokenAsync($$$"""{"meta":{"k":"{{{Name}}}"},"ttl":"1h"}"""));
    }

    private static void AssertAbsent(string folder, IEnumerable<string> words)
    {
        var files = Directory.GetFiles(folder, "*", SearchOption.AllDirectories);
        Assert.NotEmpty(files);
        foreach (var file in files)
        {
            var bytes = File.ReadAllBytes(file);
            foreach (var word in words)
            {
                var text = Encoding.UTF8.GetBytes(word);
                Assert.True(bytes.AsSpan().IndexOf(text) < 0, $"{word} is in {Path.GetFileName(file)}");
                var base64 = Encoding.UTF8.GetBytes(Convert.ToBase64String(text)[..^4]);
                Assert.True(bytes.AsSpan().IndexOf(base64) < 0, $"{word} is in {Path.GetFileName(file)}, in base64");
            }
        }
    }
}
