using System.Diagnostics;
using System.Text.Json;
using Mayfly.Agent.Configuration;
using Mayfly.Client;
using Mayfly.Client.Logins;

namespace Mayfly.Tests.Agent.Rendering;

/// <summary>What goes wrong around a renderer: its last output stays whole, and it recovers by itself.</summary>
public sealed class RenderFaultTests
{
    private const string Template = "{{ with secret \"secret/app\" }}{{ .Data.data.v }}{{ end }}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_full_or_read_only_disk_leaves_the_last_output_whole_and_is_left_behind_by_itself()
    {
        await using var server = await ServerProcess.StartDevAsync();
        await WriteAsync(server, "small");
        var disk = Directory.CreateTempSubdirectory("mayfly-disk-").FullName;
        if (await MountAsync("-t", "tmpfs", "-o", "size=64k", "tmpfs", disk) != 0)
        {
            TestContext.Current.TestOutputHelper?.WriteLine("Left out: mounting a small file system needs root.");
            return;
        }

        try
        {
            using var client = Root(server);
            await using var run = RenderRun.Start(
                client,
                run => [run.Stanza("out", Template) with { Destination = Path.Combine(disk, "out") }]
            );
            var file = Path.Combine(disk, "out");
            await Until(run, () => File.Exists(file) && File.ReadAllText(file) == "small");
            // Full.
            var large = new string('x', 50_000);
            await WriteAsync(server, large + large);
            await run.SaysAsync("disk was full");
            Assert.Equal("small", await File.ReadAllTextAsync(file, Cancellation));
            Assert.Equal([file], Directory.GetFiles(disk));
            await MountAsync("-o", "remount,size=1m", disk);
            await Until(run, () => File.ReadAllText(file) == large + large);
            // Read-only.
            await MountAsync("-o", "remount,ro", disk);
            await WriteAsync(server, "after");
            await run.SaysAsync("Read-only file system");
            Assert.Equal(large + large, await File.ReadAllTextAsync(file, Cancellation));
            await MountAsync("-o", "remount,rw", disk);
            await Until(run, () => File.ReadAllText(file) == "after");
            Assert.DoesNotContain("xxxx", run.Log, StringComparison.Ordinal);
        }
        finally
        {
            await RunAsync("umount", disk);
            Directory.Delete(disk);
        }
    }

    [Fact]
    public async Task A_server_that_is_away_at_the_start_or_later_is_waited_for()
    {
        var port = FreePort.Choose();
        var data = Directory.CreateTempSubdirectory("mayfly-away-").FullName;
        try
        {
            using var client = new MayflyClient(
                new MayflyClientOptions
                {
                    Address = $"http://127.0.0.1:{port}",
                    Token = ServerProcess.DevToken,
                    MaxRetries = 0,
                }
            );
            // A server that has just begun may know no token yet, and refuse events for a while: then the interval helps.
            await using var run = RenderRun.Start(
                client,
                run => [run.Stanza("out", Template)],
                new TemplateSettings { StaticSecretRenderInterval = TimeSpan.FromSeconds(1) }
            );
            await run.SaysAsync("line 1 waits: secret secret/app: no answer");
            Assert.Equal("", run.Read("out"));
            await using (var server = await StartAsync(port, data))
            {
                await WriteAsync(server, "first");
                await run.ShowsAsync("out", "first");
            }

            Assert.Equal("first", run.Read("out"));
            await using (var server = await StartAsync(port, data))
            {
                await WriteAsync(server, "second");
                await run.ShowsAsync("out", "second");
            }
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    [Fact]
    public async Task A_token_that_is_revoked_is_replaced_and_files_go_on_changing()
    {
        await using var server = await ServerProcess.StartDevAsync();
        await WriteAsync(server, "first");
        using var root = Root(server);
        await PutAsync(root, "sys/auth/approle", """{"type":"approle"}""");
        await PutAsync(
            root,
            "sys/policies/acl/app",
            """{"policy":"path \"secret/*\" { capabilities = [\"read\", \"list\"] }"}"""
        );
        await PutAsync(root, "auth/approle/role/app", """{"token_policies":"app","token_ttl":"1h"}""");
        var roleId = (await root.ReadAsync("auth/approle/role/app/role-id", Cancellation))
            .Data.GetProperty("role_id")
            .GetString()!;
        var secretId = (await root.WriteAsync("auth/approle/role/app/secret-id", "{}"u8.ToArray(), Cancellation))
            .Data.GetProperty("secret_id")
            .GetString()!;
        using var anonymous = new MayflyClient(new MayflyClientOptions { Address = server.Address });
        await using var session = new LoginSession(
            anonymous,
            new AppRoleLogin { RoleId = roleId, SecretId = secretId }
        );
        await using var client = new MayflyClient(new MayflyClientOptions { Address = server.Address }, session);
        await using var run = RenderRun.Start(
            client,
            run => [run.Stanza("out", Template)],
            new TemplateSettings { StaticSecretRenderInterval = TimeSpan.FromSeconds(1) }
        );
        await run.ShowsAsync("out", "first");
        var token = session.Current!.Token;
        await PutAsync(
            root,
            "auth/token/revoke",
            JsonSerializer.Serialize(new Dictionary<string, string> { ["token"] = token })
        );
        await WriteAsync(server, "second");
        await run.ShowsAsync("out", "second");
        Assert.NotEqual(token, session.Current!.Token);
        Assert.DoesNotContain(token, run.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Changes_that_come_together_are_rendered_once()
    {
        await using var server = await ServerProcess.StartDevAsync();
        await WriteAsync(server, "first");
        var time = new ManualTime();
        using var client = Root(server);
        await using var run = RenderRun.Start(
            client,
            run =>
                [
                    run.Stanza("out", Template) with
                    {
                        WaitMin = TimeSpan.FromHours(1),
                        WaitMax = TimeSpan.FromHours(10),
                        Command = new ChangeCommand([
                            $"cat {run.PathOf("out")} >> {run.PathOf("all")}; echo >> {run.PathOf("all")}",
                        ]),
                    },
                    run.Stanza("at-once", Template),
                ],
            time: time
        );
        // The first output does not wait.
        await run.ShowsAsync("all", "first\n");
        foreach (var value in new[] { "second", "third" })
        {
            await WriteAsync(server, value);
            await run.UntilAsync(
                () =>
                {
                    time.Advance(TimeSpan.FromMilliseconds(50));
                    return run.Read("at-once") == value;
                },
                () => "the change does not arrive"
            );
        }

        Assert.Equal("first\n", run.Read("all"));
        await run.UntilAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMinutes(10));
                return run.Read("all") == "first\nthird\n";
            },
            () => run.Read("all")
        );
    }

    [Theory]
    [InlineData(400)]
    [InlineData(-400)]
    public async Task A_clock_that_jumps_causes_no_reads_and_ends_nothing(int days)
    {
        await using var server = await ServerProcess.StartDevAsync();
        await WriteAsync(server, "first");
        var time = new ManualTime(DateTimeOffset.UnixEpoch.AddYears(56));
        using var client = Root(server);
        await using var run = RenderRun.Start(
            client,
            run =>
                [
                    run.Stanza("out", Template),
                    run.Stanza(
                        "token",
                        "{{ with secret \"auth/token/create\" \"ttl=1h\" }}{{ .Auth.ClientToken }}{{ end }}"
                    ),
                ],
            time: time
        );
        await run.ShowsAsync("out", "first");
        await run.UntilAsync(() => run.Read("token").Length > 10, () => "no token");
        var token = run.Read("token");
        time.Jump(TimeSpan.FromDays(days));
        await WriteAsync(server, "second");
        await run.UntilAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(50));
                return run.Read("out") == "second";
            },
            () => "the change does not arrive"
        );
        Assert.Equal(token, run.Read("token"));
    }

    [Fact]
    public async Task A_template_that_names_no_path_and_no_program_ends_neither_another_nor_the_renderer()
    {
        await using var server = await ServerProcess.StartDevAsync();
        await WriteAsync(server, "first");
        await using var run = RenderRun.Start(
            server,
            ("bad", "{{ \"x\" | writeToFile \"\" \"\" \"\" \"0600\" }}"),
            ("worse", "{{ \"x\" | writeToFile \"/tmp/a\\x00b\" \"\" \"\" \"0600\" }}"),
            ("worst", "{{ plugin \"\" }}"),
            ("device", "{{ file \"/dev/zero\" }}"),
            ("out", Template)
        );
        await run.SaysAsync("the program is missing");
        await run.SaysAsync("/dev/zero is no regular file");
        await run.SaysAsync("the path is missing, or is none");
        await run.ShowsAsync("out", "first");
        await WriteAsync(server, "second");
        await run.ShowsAsync("out", "second");
        Assert.False(run.Running.IsCompleted);
    }

    private static Task<ServerProcess> StartAsync(int port, string data) =>
        ServerProcess.StartAsync(
            data,
            "-dev",
            $"-dev-listen-address=127.0.0.1:{port}",
            $"-dev-root-token-id={ServerProcess.DevToken}",
            "-dev-no-store-token",
            $"-dev-data={Path.Combine(data, "data")}"
        );

    private static MayflyClient Root(ServerProcess server) =>
        new(new MayflyClientOptions { Address = server.Address, Token = ServerProcess.DevToken });

    private static async Task WriteAsync(ServerProcess server, string value)
    {
        using var client = Root(server);
        await PutAsync(client, "secret/data/app", $$$"""{"data":{"v":"{{{value}}}"}}""");
    }

    private static async Task PutAsync(MayflyClient client, string path, string json) =>
        (await client.WriteAsync(path, System.Text.Encoding.UTF8.GetBytes(json), Cancellation)).EnsureSuccess();

    private static Task Until(RenderRun run, Func<bool> holds) => run.UntilAsync(holds, () => "it does not happen");

    private static Task<int> MountAsync(params string[] arguments) => RunAsync("mount", arguments);

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true }
        )!;
        await process.WaitForExitAsync(CancellationToken.None);
        return process.ExitCode;
    }
}
