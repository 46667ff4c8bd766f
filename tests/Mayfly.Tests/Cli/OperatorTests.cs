using System.Runtime.Versioning;
using System.Text.Json;

namespace Mayfly.Tests.Cli;

/// <summary>The life of a server of its own: initialised, unsealed by several people, re-keyed, sealed.</summary>
public sealed class OperatorTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mayfly-operator-").FullName;
    private ServerProcess _server = null!;
    private CommandLine _mayfly = null!;

    public async ValueTask InitializeAsync()
    {
        var config = Path.Combine(_folder, "mayfly.hcl");
        await File.WriteAllTextAsync(
            config,
            "storage \"inmem\" {}\nlistener \"tcp\" {\n  address = \"127.0.0.1:0\"\n  tls_disable = true\n}\n"
        );
        _server = await ServerProcess.StartAsync(_folder, $"-config={config}");
        _mayfly = new CommandLine(_server.Address);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _mayfly.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task A_seal_is_changed_from_the_command_line()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var plain =
            $"storage \"file\" {{ path = \"{_folder}/data\" }}\nlistener \"tcp\" {{\n  address = \"127.0.0.1:0\"\n  tls_disable = true\n}}\n";
        var config = Path.Combine(_folder, "changed.hcl");
        var key = Path.Combine(_folder, "seal.key");
        await File.WriteAllBytesAsync(key, new byte[32], cancellation);
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);

        await File.WriteAllTextAsync(config, plain, cancellation);
        string share;
        await using (var server = await ServerProcess.StartAsync(_folder, $"-config={config}"))
        {
            using var mayfly = new CommandLine(server.Address);
            var init = (await mayfly.RunAsync("operator", "init", "-n=1", "-t=1", "-format=json")).Succeeded();
            share = JsonElement.Parse(init).GetProperty("unseal_keys_b64")[0].GetString()!;
        }

        await File.WriteAllTextAsync(config, $"{plain}seal \"static\" {{ key_file = \"{key}\" }}\n", cancellation);
        await using (var server = await ServerProcess.StartAsync(_folder, $"-config={config}"))
        {
            using var mayfly = new CommandLine(server.Address);
            Assert.Contains("Seal Migration in Progress    true\n", (await mayfly.RunAsync("status")).Output);
            Assert.Contains("\n  -migrate\n", (await mayfly.RunAsync("operator", "unseal", "-help")).Succeeded());
            var unsealed = (await mayfly.RunAsync(["operator", "unseal", "-migrate", "-"], share)).Succeeded();
            Assert.DoesNotContain("Migration", unsealed, StringComparison.Ordinal);
        }

        await using (var server = await ServerProcess.StartAsync(_folder, $"-config={config}"))
        {
            using var mayfly = new CommandLine(server.Address);
            (await mayfly.RunAsync("status")).Succeeded();
        }
    }

    [Fact]
    public async Task A_server_lives_from_init_to_seal()
    {
        Assert.Equal(2, (await _mayfly.RunAsync("operator", "init", "-status")).Code);
        var keys = await InitAsync();
        Assert.Equal(0, (await _mayfly.RunAsync("operator", "init", "-status")).Code);
        Assert.Equal(2, (await _mayfly.RunAsync("status")).Code);

        var half = (await _mayfly.RunAsync(["operator", "unseal", "-"], keys[0] + "\n")).Succeeded();
        Assert.Contains("Unseal Progress    1/2\n", half, StringComparison.Ordinal);
        Assert.Contains(
            "Unseal Progress    0/2\n",
            (await _mayfly.RunAsync("operator", "unseal", "-reset")).Succeeded(),
            StringComparison.Ordinal
        );
        await UnsealAsync(keys);
        Assert.Equal(0, (await _mayfly.RunAsync("status")).Code);

        keys = await RekeyAsync(keys);
        (await _mayfly.RunAsync("operator", "seal")).Succeeded();
        Assert.Equal(2, (await _mayfly.RunAsync("status")).Code);
        await UnsealAsync(keys);
        await NewRootAsync(keys);
    }

    private async Task<string[]> InitAsync()
    {
        var init = JsonElement.Parse(
            (await _mayfly.RunAsync("operator", "init", "-n", "3", "-t=2", "-format=json")).Succeeded()
        );
        Assert.Equal(3, init.GetProperty("unseal_shares").GetInt32());
        Assert.Equal(2, init.GetProperty("unseal_threshold").GetInt32());
        Assert.Equal(3, init.GetProperty("unseal_keys_hex").GetArrayLength());
        _mayfly["MAYFLY_TOKEN"] = init.GetProperty("root_token").GetString();
        return [.. init.GetProperty("unseal_keys_b64").EnumerateArray().Select(static key => key.GetString()!)];
    }

    private async Task UnsealAsync(string[] keys)
    {
        foreach (var key in keys.Take(2))
        {
            _mayfly.Prompt = prompt => prompt == "Unseal Key (will be hidden): " ? key : null;
            (await _mayfly.RunAsync("operator", "unseal")).Succeeded();
        }
    }

    private async Task<string[]> RekeyAsync(string[] keys)
    {
        var started = (
            await _mayfly.RunAsync("operator", "rekey", "-init", "-key-shares=2", "-key-threshold=2")
        ).Succeeded();
        Assert.Contains("Rekey Progress", started, StringComparison.Ordinal);
        var nonce = started
            .Split('\n')
            .Single(static line => line.StartsWith("Nonce", StringComparison.Ordinal))
            .Split(' ')[^1];
        (await _mayfly.RunAsync(["operator", "rekey", $"-nonce={nonce}", "-"], keys[0])).Succeeded();
        var done = (await _mayfly.RunAsync(["operator", "rekey", $"-nonce={nonce}", "-"], keys[1])).Succeeded();
        return
        [
            .. done.Split('\n')
                .Where(static line => line.StartsWith("Key ", StringComparison.Ordinal))
                .Select(static line => line.Split(' ')[^1]),
        ];
    }

    private async Task NewRootAsync(string[] keys)
    {
        var start = JsonElement.Parse(
            (await _mayfly.RunAsync("operator", "generate-root", "-init", "-format=json")).Succeeded()
        );
        var otp = start.GetProperty("otp").GetString()!;
        var end = default(JsonElement);
        foreach (var key in keys)
        {
            _mayfly.Prompt = prompt =>
                prompt.EndsWith("Unseal Key (will be hidden): ", StringComparison.Ordinal) ? key : null;
            end = JsonElement.Parse((await _mayfly.RunAsync("operator", "generate-root", "-format=json")).Succeeded());
        }

        var encoded = end.GetProperty("encoded_token").GetString()!;
        var token = (
            await _mayfly.RunAsync("operator", "generate-root", $"-decode={encoded}", $"-otp={otp}")
        ).Succeeded();
        using var other = new CommandLine(_server.Address, token);
        Assert.Contains("[root]", (await other.RunAsync("token", "lookup")).Succeeded(), StringComparison.Ordinal);
        Assert.Equal(1, (await _mayfly.RunAsync("operator", "generate-root", $"-decode={encoded}", "-otp=short")).Code);
    }
}
