using System.Net;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text.Json;
using Mayfly.Tests.Cli;

namespace Mayfly.Tests.Server;

[SupportedOSPlatform("linux")]
public sealed class ProcessTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Development_server_prints_what_scripts_read_and_answers()
    {
        await using var server = await ServerRun.StartAsync("-dev", "-dev-listen-address=127.0.0.1:0");
        var token = server.Line("Root Token:");
        Assert.Equal(32, Convert.FromBase64String(server.Line("Unseal Key:")).Length);

        using var written = await server.SendAsync(HttpMethod.Post, "secret/data/a", token, "{\"data\":{\"k\":\"v\"}}");
        using var read = await server.SendAsync(HttpMethod.Get, "secret/data/a", token);

        Assert.Equal(HttpStatusCode.OK, written.StatusCode);
        var json = JsonDocument
            .Parse(await read.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))
            .RootElement;
        Assert.Equal("v", json.GetProperty("data").GetProperty("data").GetProperty("k").GetString());
        Assert.Equal("kv", json.GetProperty("mount_type").GetString());
    }

    [Theory]
    [InlineData("MAYFLY_DEV_ROOT_TOKEN_ID")]
    [InlineData("VAULT_DEV_ROOT_TOKEN_ID")]
    public async Task Root_token_comes_from_the_environment(string name)
    {
        await using var server = await ServerRun.StartAsync(
            [(name, "dev-token")],
            "-dev",
            "-dev-listen-address=127.0.0.1:0"
        );

        using var reply = await server.SendAsync(HttpMethod.Get, "auth/token/lookup-self", "dev-token");

        Assert.Equal("dev-token", server.Line("Root Token:"));
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
    }

    [Theory]
    [InlineData("-dev-no-store-token=false", "dev-token")]
    [InlineData("-dev-no-store-token", "of another server")]
    public async Task Development_server_leaves_its_token_at_home_unless_told_not_to(string flag, string expected)
    {
        var path = Path.Combine(_folder.Path, ".vault-token");
        await File.WriteAllTextAsync(path, "of another server", TestContext.Current.CancellationToken);
        await using var server = await ServerRun.StartAsync(
            [("HOME", _folder.Path)],
            "-dev",
            "-dev-listen-address=127.0.0.1:0",
            "-dev-root-token-id=dev-token",
            flag
        );
        Assert.Equal(expected, await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        if (expected == "dev-token")
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }
    }

    [Fact]
    public async Task Development_server_starts_without_a_place_for_its_token()
    {
        await using var server = await ServerRun.StartAsync(
            [("HOME", Path.Combine(_folder.Path, "missing"))],
            "-dev",
            "-dev-listen-address=127.0.0.1:0"
        );
        Assert.Contains("the root token was not left in", server.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Development_server_with_a_folder_keeps_its_data_and_audits()
    {
        string[] arguments = ["-dev", "-dev-listen-address=127.0.0.1:0", $"-dev-data={_folder.Path}"];
        string token;
        await using (var first = await ServerRun.StartAsync(arguments))
        {
            token = first.Line("Root Token:");
            using var written = await first.SendAsync(
                HttpMethod.Post,
                "secret/data/a",
                token,
                "{\"data\":{\"k\":\"canary-5e1d\"}}"
            );
            Assert.Equal(HttpStatusCode.OK, written.StatusCode);
            first.Signal("TERM");
            Assert.Equal(0, await first.ExitAsync());
        }

        await using var second = await ServerRun.StartAsync([("MAYFLY_DEV_ROOT_TOKEN_ID", "other")], arguments);
        using var read = await second.SendAsync(HttpMethod.Get, "secret/data/a", "other");
        using var old = await second.SendAsync(HttpMethod.Get, "secret/data/a", token);

        Assert.Contains("canary-5e1d", await read.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(HttpStatusCode.Forbidden, old.StatusCode);
        second.Signal("TERM");
        Assert.Equal(0, await second.ExitAsync());
        Assert.Contains("secret/data/a", File.ReadAllText(_folder.File("audit.log")));
        foreach (var file in Directory.EnumerateFiles(_folder.Path))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            Assert.DoesNotContain("canary-5e1d", File.ReadAllText(file));
        }
    }

    [Fact]
    public async Task Its_first_address_is_where_clients_reach_it_unless_the_operator_says_otherwise()
    {
        await using var server = await ServerProcess.StartDevAsync();
        using var mayfly = new CommandLine(server.Address, ServerProcess.DevToken);

        var shown = (await mayfly.RunAsync("read", "-field=api_addr", "sys/config/state/sanitized")).Succeeded();

        Assert.Equal(server.Address, shown.Trim());
    }

    [Fact]
    public async Task SIGTERM_stops_it_gracefully()
    {
        var pid = _folder.File("pid");
        var configuration = Configuration($"pid_file = \"{pid}\"");
        await using var server = await ServerRun.StartAsync($"-config={configuration}");
        Assert.Equal(server.Id, int.Parse(File.ReadAllText(pid)));

        server.Signal("TERM");

        Assert.Equal(0, await server.ExitAsync());
        Assert.False(File.Exists(pid));
        Assert.Contains("Stopping", server.Output);
    }

    [Fact]
    public async Task SIGHUP_changes_the_log_level_and_a_broken_file_changes_nothing()
    {
        var configuration = Configuration("log_level = \"info\"");
        await using var server = await ServerRun.StartAsync($"-config={configuration}");

        File.WriteAllText(configuration, "listener {");
        server.Signal("HUP");
        await server.OutputAsync("The configuration is kept as it was");
        await server.OutputAsync("Reloaded");

        using var reply = await server.SendAsync(HttpMethod.Get, "sys/health");
        Assert.Equal(HttpStatusCode.NotImplemented, reply.StatusCode);
    }

    [Fact]
    public async Task Second_server_on_the_same_folder_refuses_to_start()
    {
        var configuration = Configuration();
        await using var first = await ServerRun.StartAsync($"-config={configuration}");

        var (code, output) = await ServerRun.RunAsync($"-config={configuration}");

        Assert.Equal(2, code);
        Assert.Contains(_folder.Path, output);
        using var reply = await first.SendAsync(HttpMethod.Get, "sys/health");
        Assert.Equal(HttpStatusCode.NotImplemented, reply.StatusCode);
    }

    [Fact]
    public async Task Address_in_use_is_said_in_one_line()
    {
        await using var first = await ServerRun.StartAsync("-dev", "-dev-listen-address=127.0.0.1:0");

        var (code, output) = await ServerRun.RunAsync(
            "-dev",
            $"-dev-listen-address=127.0.0.1:{first.Client.BaseAddress!.Port}"
        );

        Assert.Equal(2, code);
        Assert.Contains("mayflyd: cannot listen: ", output);
        Assert.DoesNotContain("   at ", output);
    }

    [Fact]
    public async Task Example_configuration_starts_with_a_message_for_each_stanza_that_is_not_supported()
    {
        var file = _folder.File("vault.hcl");
        File.WriteAllText(
            file,
            $$"""
            listener "tcp" {
              address = "0.0.0.0:0"
              tls_disable = 1
            }
            storage "file" {
              path = "{{_folder.File("data")}}"
            }
            api_addr = "http://127.0.0.1:8200"
            cluster_addr = "https://127.0.0.1:8201"
            plugin_directory = "/vault/plugins"
            seal "transit" {
              address = "https://vault-transit:8200"
              token = "${VAULT_TRANSIT_TOKEN}"
            }
            """
        );

        await using var server = await ServerRun.StartAsync("server", $"-config={file}");

        Assert.Contains("plugin_directory is not supported yet", server.Output);
        Assert.Contains("seal \"transit\" is not supported yet", server.Output);
        Assert.Contains("without TLS", server.Output);
        using var status = await server.SendAsync(HttpMethod.Get, "sys/seal-status");
        Assert.Contains("\"shamir\"", await status.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Static_seal_opens_the_vault_after_a_restart()
    {
        var key = _folder.File("seal.key");
        File.WriteAllBytes(key, RandomNumberGenerator.GetBytes(32));
        File.SetUnixFileMode(key, UnixFileMode.UserRead);
        var configuration = Configuration($"seal \"static\" {{ key_file = \"{key}\" }}");
        await using (var first = await ServerRun.StartAsync($"-config={configuration}"))
        {
            using var made = await first.SendAsync(
                HttpMethod.Put,
                "sys/init",
                body: "{\"recovery_shares\":1,\"recovery_threshold\":1}"
            );
            Assert.Equal(HttpStatusCode.OK, made.StatusCode);
            first.Signal("TERM");
            Assert.Equal(0, await first.ExitAsync());
        }

        await using var second = await ServerRun.StartAsync($"-config={configuration}");
        using var reply = await second.SendAsync(HttpMethod.Get, "sys/health");

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
    }

    [Fact]
    public async Task Core_dumps_are_off()
    {
        await using var server = await ServerRun.StartAsync("-dev", "-dev-listen-address=127.0.0.1:0");

        var limits = File.ReadAllLines($"/proc/{server.Id}/limits");

        Assert.Matches(
            "^Max core file size +0 +0 ",
            limits.First(line => line.StartsWith("Max core", StringComparison.Ordinal))
        );
    }

    [Fact]
    public async Task The_runtime_listens_to_no_debugger()
    {
        await using var server = await ServerRun.StartAsync("-dev", "-dev-listen-address=127.0.0.1:0");

        Assert.Empty(Directory.GetFileSystemEntries(Path.GetTempPath(), $"dotnet-diagnostic-{server.Id}-*"));
        Assert.Empty(Directory.GetFileSystemEntries(Path.GetTempPath(), $"clr-debug-pipe-{server.Id}-*"));
    }

    [Theory]
    [InlineData(1, "start with -dev", "-log-level=info")]
    [InlineData(1, "unknown flag -nonsense", "-nonsense")]
    [InlineData(1, "there is no such file or folder", "-config=/nonexistent.hcl")]
    [InlineData(1, "-dev-allow-plaintext", "-dev", "-dev-listen-address=0.0.0.0:0")]
    [InlineData(0, "+mayfly.", "-version")]
    [InlineData(0, "usage: mayflyd", "-help")]
    public async Task Exit_code_and_message_say_what_happened(int code, string message, params string[] arguments)
    {
        var (actual, output) = await ServerRun.RunAsync(arguments);

        Assert.Equal(code, actual);
        Assert.Contains(message, output);
    }

    /// <summary>A server with its data in the test's folder, on a port that the system chooses.</summary>
    private string Configuration(string more = "")
    {
        var file = _folder.File("mayfly.hcl");
        File.WriteAllText(
            file,
            $$"""
            listener "tcp" {
              address = "127.0.0.1:0"
              tls_disable = true
            }
            storage "sqlite" { path = "{{_folder.File("data")}}" }
            {{more}}
            """
        );
        return file;
    }
}
