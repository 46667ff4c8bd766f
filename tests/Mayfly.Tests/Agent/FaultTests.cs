#pragma warning disable CA1416 // The agent runs on Linux.
using System.Diagnostics;
using System.Net;
using System.Text;
using Mayfly.Agent.Files;
using Mayfly.Client;
using Mayfly.Tests.Rotation;

namespace Mayfly.Tests.Agent;

/// <summary>What goes wrong around an agent: it keeps what it has, says why without values, and recovers by itself.</summary>
public sealed class FaultTests
{
    private const int HangUp = 1;

    [Fact]
    public async Task A_server_that_is_away_at_the_start_is_waited_for()
    {
        using var folder = new AgentFolder();
        var port = FreePort.Choose();
        await using (var first = await StartServerAsync(folder, port))
        {
            await PrepareAsync(first.Address, folder, "1h");
            await first.StopAsync();
        }

        await using var agent = await RunningAgent.StartAsync(Configuration($"http://127.0.0.1:{port}", folder));
        await agent.SaysAsync("Logging in failed");
        Assert.False(folder.Has("token"));

        await using var server = await StartServerAsync(folder, port);
        await agent.UntilAsync(() => folder.Has("token"), "the agent did not log in when the server came");
    }

    [Fact]
    public async Task A_server_that_is_away_for_ten_minutes_is_found_again()
    {
        using var folder = new AgentFolder();
        var port = FreePort.Choose();
        var time = new ManualTime();
        var first = await StartServerAsync(folder, port);
        await PrepareAsync(first.Address, folder, "15m");
        await using var agent = await RunningAgent.StartAsync(Configuration(first.Address, folder), time);
        await agent.UntilAsync(() => folder.Has("token"), "no token was written");
        var token = folder.Read("token");
        await first.StopAsync();
        await first.DisposeAsync();

        // Ten minutes, in which the time to renew comes (after nine or ten) and is missed.
        await PassAsync(agent, time, TimeSpan.FromMinutes(10) + TimeSpan.FromSeconds(30), () => false);
        Assert.Contains("failed", agent.Log, StringComparison.Ordinal);
        Assert.Equal(token, folder.Read("token"));

        await using var second = await StartServerAsync(folder, port);
        await PassAsync(
            agent,
            time,
            TimeSpan.FromMinutes(10),
            () => agent.Log.Contains("Token renewed", StringComparison.Ordinal)
        );
        Assert.Contains("Token renewed", agent.Log, StringComparison.Ordinal);
        Assert.Equal(token, folder.Read("token"));
    }

    [Fact]
    public async Task A_file_stays_for_ten_minutes_without_the_server_and_changes_by_itself_when_it_is_back()
    {
        using var folder = new AgentFolder();
        var port = FreePort.Choose();
        var time = new ManualTime();
        var first = await StartServerAsync(folder, port);
        await PrepareAsync(first.Address, folder, "1h");
        await PutAsync(first.Address, "one");
        await using var agent = await RunningAgent.StartAsync(
            Configuration(first.Address, folder)
                + $$$"""

                template {
                  contents    = "{{ with secret \"secret/app\" }}{{ .Data.data.v }}{{ end }}"
                  destination = "{{{folder.At("out")}}}"
                }
                """,
            time
        );
        await agent.UntilAsync(() => folder.Has("out"), "it is not rendered");
        await first.StopAsync();
        await first.DisposeAsync();

        await PassAsync(agent, time, TimeSpan.FromMinutes(10) + TimeSpan.FromSeconds(30), () => false);
        Assert.Equal("one", folder.Read("out"));
        Assert.Contains("no answer", agent.Log, StringComparison.Ordinal);
        await using var second = await StartServerAsync(folder, port);
        await PutAsync(second.Address, "two");
        await PassAsync(agent, time, TimeSpan.FromMinutes(30), () => folder.Read("out") == "two");
        Assert.Equal("two", folder.Read("out"));
    }

    [Fact]
    public async Task A_clock_that_jumps_changes_nothing()
    {
        using var folder = new AgentFolder();
        await using var server = await ServerProcess.StartDevAsync();
        await PrepareAsync(server.Address, folder, "1h");
        var time = new ManualTime();
        await using var agent = await RunningAgent.StartAsync(Configuration(server.Address, folder), time);
        await agent.UntilAsync(() => folder.Has("token"), "no token was written");
        var token = folder.Read("token");

        foreach (var jump in new[] { 365, -730, 365 })
        {
            time.Jump(TimeSpan.FromDays(jump));
            await PassAsync(agent, time, TimeSpan.FromMinutes(1), () => false);
        }

        Assert.Equal(token, folder.Read("token"));
        Assert.Equal(1, agent.Host.Metrics.AuthSuccess.Value);
        Assert.Equal(0, agent.Host.Metrics.AuthFailure.Value);
    }

    [Fact]
    public async Task A_partition_of_the_network_is_outlived()
    {
        var name = $"mf{Environment.ProcessId % 10000}";
        var subnet = $"10.{200 + Random(50)}.{Random(250)}";
        await using var network = await Partition.CreateAsync(name, subnet);
        using var folder = new AgentFolder();
        await using var server = await ServerProcess.StartDevAsync(
            null,
            $"-dev-listen-address={subnet}.1:0",
            "-dev-allow-plaintext"
        );
        await PrepareAsync(server.Address, folder, "4s");
        var file = folder.Write("agent.hcl", Configuration(server.Address, folder));
        await using var agent = AgentProcess.StartProgram(
            "ip",
            ["netns", "exec", name, ServerProcess.Program("mayfly"), "agent", $"-config={file}", "-log-level=debug"],
            ("VAULT_CLIENT_TIMEOUT", "2s")
        );
        await agent.UntilAsync(() => folder.Has("token"), "no token was written");
        var token = folder.Read("token");

        await network.CutAsync();
        await agent.UntilAsync(
            () => agent.Output.Contains("failed", StringComparison.Ordinal),
            "the partition was not noticed"
        );
        Assert.Equal(token, folder.Read("token"));
        await network.MendAsync();

        await agent.UntilAsync(() => folder.Read("token") != token, "the agent did not log in again");
        Assert.Equal(HttpStatusCode.OK, await LookupAsync(server.Address, folder.Read("token")));
    }

    [Fact]
    public async Task A_program_with_a_live_secret_outlives_a_partition_of_the_network()
    {
        var name = $"mf{Environment.ProcessId % 10000}s";
        var subnet = $"10.{200 + Random(50)}.{Random(250)}";
        await using var network = await Partition.CreateAsync(name, subnet);
        await using var server = await ServerProcess.StartDevAsync(
            null,
            $"-dev-listen-address={subnet}.1:0",
            "-dev-allow-plaintext"
        );
        await PutAsync(server.Address, "one");
        await using var program = HeardProcess.Start(
            "ip",
            [
                "netns",
                "exec",
                name,
                Storage.ChildProcess.Executable,
                "follow-secret",
                server.Address,
                ServerProcess.DevToken,
                "secret/data/app",
            ],
            []
        );
        await SaysAsync("one Fresh");

        await network.CutAsync();
        await PutAsync(server.Address, "two");
        await SaysAsync("one Stale");
        await network.MendAsync();

        await SaysAsync("two Fresh");
        Assert.DoesNotContain("nothing", program.Output, StringComparison.Ordinal);

        async Task SaysAsync(string line) =>
            await RotationFunction.WaitForAsync(
                () => program.HasExited || program.Output.Contains(line + "\n", StringComparison.Ordinal),
                $"it does not come to {line}"
            );
    }

    [Fact]
    public async Task A_full_disk_leaves_the_old_token_and_the_new_one_is_written_when_there_is_room()
    {
        using var folder = new AgentFolder();
        await using var disk = await SmallDisk.MountAsync(folder.At("disk"));
        await using var server = await ServerProcess.StartDevAsync();
        await PrepareAsync(server.Address, folder, "3s");
        File.WriteAllText(folder.At("disk/token"), "the old one");
        disk.Fill();
        await using var agent = await RunningAgent.StartAsync(
            Configuration(server.Address, folder)
                .Replace(folder.At("token"), folder.At("disk/token"), StringComparison.Ordinal)
        );

        await agent.SaysAsync("could not be written, and is as it was");
        Assert.Equal("the old one", folder.Read("disk/token"));
        Assert.Equal(2, Directory.GetFiles(folder.At("disk")).Length);
        disk.Free();

        await agent.UntilAsync(() => folder.Read("disk/token") != "the old one", "the token was not written");
    }

    [Fact]
    public async Task A_read_only_disk_leaves_the_old_token_and_the_new_one_is_written_later()
    {
        using var folder = new AgentFolder();
        await using var disk = await SmallDisk.MountAsync(folder.At("disk"));
        await using var server = await ServerProcess.StartDevAsync();
        await PrepareAsync(server.Address, folder, "1h");
        File.WriteAllText(folder.At("disk/token"), "the old one");
        await disk.RemountAsync("ro");
        await using var agent = await RunningAgent.StartAsync(
            Configuration(server.Address, folder)
                .Replace(folder.At("token"), folder.At("disk/token"), StringComparison.Ordinal)
        );

        await agent.SaysAsync("could not be written, and is as it was");
        Assert.Equal("the old one", folder.Read("disk/token"));
        await disk.RemountAsync("rw");

        await agent.UntilAsync(() => folder.Read("disk/token") != "the old one", "the token was not written");
    }

    [Fact]
    public async Task Two_writers_of_one_file_never_mix()
    {
        using var folder = new AgentFolder();
        var path = folder.At("shared");
        var contents = new[] { 'a', 'b' }
            .Select(letter => Encoding.ASCII.GetBytes(new string(letter, letter == 'a' ? 70_000 : 30_000)))
            .ToArray();
        AtomicFile.Write(path, contents[0], null, "", "");
        using var over = new CancellationTokenSource();
        var reading = Task.Run(
            () =>
            {
                var reads = 0;
                while (!over.IsCancellationRequested)
                {
                    var text = File.ReadAllText(path);
                    Assert.True(
                        text.Length is 70_000 or 30_000 && text.Distinct().Count() == 1,
                        "a torn file was read"
                    );
                    reads++;
                }

                return reads;
            },
            CancellationToken.None
        );

        await Task.WhenAll(
            contents.Select(content =>
                Task.Run(() =>
                {
                    for (var i = 0; i < 200; i++)
                    {
                        AtomicFile.Write(path, content, null, "", "");
                    }
                })
            )
        );
        await over.CancelAsync();

        Assert.True(await reading > 0);
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_file_behind_a_link_is_replaced_and_the_link_stays()
    {
        using var folder = new AgentFolder();
        folder.Write("real", "old");
        File.CreateSymbolicLink(folder.At("link"), folder.At("real"));

        AtomicFile.Write(folder.At("link"), "new"u8, UnixFileMode.UserRead | UnixFileMode.UserWrite, "", "");

        Assert.Equal(("new", folder.At("real")), (folder.Read("real"), new FileInfo(folder.At("link")).LinkTarget));
    }

    [Fact]
    public async Task Two_agents_on_one_sink_leave_a_whole_token_of_one_of_them()
    {
        using var folder = new AgentFolder();
        await using var server = await ServerProcess.StartDevAsync();
        await PrepareAsync(server.Address, folder, "2s");
        var configuration = Configuration(server.Address, folder)
            .Replace(
                "secret_id_file_path",
                "remove_secret_id_file_after_reading = false\n secret_id_file_path",
                StringComparison.Ordinal
            );
        await using var one = await RunningAgent.StartAsync(configuration);
        await using var other = await RunningAgent.StartAsync(configuration);

        await one.SaysAsync("Token written", times: 1);
        await other.SaysAsync("Token written", times: 1);

        Assert.Equal(HttpStatusCode.OK, await LookupAsync(server.Address, folder.Read("token")));
        Assert.DoesNotContain(Directory.GetFiles(folder.Path), file => file.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_hang_up_reads_the_log_level_anew_and_goes_on()
    {
        using var folder = new AgentFolder();
        await using var server = await ServerProcess.StartDevAsync();
        await PrepareAsync(server.Address, folder, "3s");
        var file = folder.Write("agent.hcl", Configuration(server.Address, folder));
        await using var agent = AgentProcess.Start(["agent", $"-config={file}"]);
        await agent.SaysAsync("Token written");
        Assert.DoesNotContain("[DEBUG]", agent.Output, StringComparison.Ordinal);
        folder.Write("agent.hcl", "log_level = \"debug\"\n" + folder.Read("agent.hcl"));

        agent.Signal(HangUp);

        await agent.SaysAsync("[DEBUG] auth: Token renewed");
        folder.Write("agent.hcl", "log_level = \"loud\"");
        agent.Signal(HangUp);
        await agent.SaysAsync("The configuration is kept as it was");
        agent.Signal(15);
        Assert.Equal(0, await agent.EndedAsync());
    }

    private static Task<ServerProcess> StartServerAsync(AgentFolder folder, int port)
    {
        Directory.CreateDirectory(folder.At("data"));
        return ServerProcess.StartDevAsync(folder.At("data"), $"-dev-listen-address=127.0.0.1:{port}");
    }

    private static async Task PrepareAsync(string address, AgentFolder folder, string ttl)
    {
        using var root = AgentServer.RootOf(address);
        await AgentServer.PrepareAsync(root);
        await AgentServer.AppRoleAsync(root, folder, "app", ttl);
    }

    private static async Task PutAsync(string address, string value)
    {
        using var root = AgentServer.RootOf(address);
        await AgentServer.WriteAsync(root, "secret/data/app", $$$"""{"data":{"v":"{{{value}}}"}}""");
    }

    private static string Configuration(string address, AgentFolder folder) =>
        $$"""
            vault { address = "{{address}}" }
            auto_auth {
              method "approle" {
                max_backoff = "5s"
                config = {
                  role_id_file_path = "{{folder.At("roleid")}}"
                  secret_id_file_path = "{{folder.At("secretid")}}"
                }
              }
              sink "file" { config = { path = "{{folder.At("token")}}" } }
            }
            """;

    private static async Task PassAsync(RunningAgent agent, ManualTime time, TimeSpan span, Func<bool> isOver)
    {
        for (var passed = TimeSpan.Zero; passed < span && !isOver(); passed += TimeSpan.FromSeconds(5))
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            time.Advance(TimeSpan.FromSeconds(5));
            // What a timer sets going needs the network, which knows no clock of ours.
            await Task.Delay(15, CancellationToken.None);
        }

        Assert.NotNull(agent);
    }

    private static async Task<HttpStatusCode> LookupAsync(string address, string token)
    {
        using var client = new MayflyClient(new MayflyClientOptions { Address = address, Token = token });
        return (HttpStatusCode)
            (await client.ReadAsync("auth/token/lookup-self", TestContext.Current.CancellationToken)).Status;
    }

    private static int Random(int below) => System.Security.Cryptography.RandomNumberGenerator.GetInt32(below);

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var said = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {said}");
    }

    /// <summary>A network of two ends, one of them in a namespace, with a wire that can be cut.</summary>
    private sealed class Partition(string name) : IAsyncDisposable
    {
        public static async Task<Partition> CreateAsync(string name, string subnet)
        {
            await RunAsync("ip", "netns", "add", name);
            var partition = new Partition(name);
            try
            {
                await RunAsync("ip", "link", "add", name, "type", "veth", "peer", "name", name + "p", "netns", name);
                await RunAsync("ip", "address", "add", subnet + ".1/24", "dev", name);
                await RunAsync("ip", "link", "set", name, "up");
                await RunAsync("ip", "-n", name, "address", "add", subnet + ".2/24", "dev", name + "p");
                await RunAsync("ip", "-n", name, "link", "set", name + "p", "up");
                await RunAsync("ip", "-n", name, "link", "set", "lo", "up");
                return partition;
            }
            catch
            {
                await partition.DisposeAsync();
                throw;
            }
        }

        public Task CutAsync() => RunAsync("ip", "-n", name, "link", "set", name + "p", "down");

        public Task MendAsync() => RunAsync("ip", "-n", name, "link", "set", name + "p", "up");

        // The wire goes with the namespace.
        public async ValueTask DisposeAsync() => await RunAsync("ip", "netns", "delete", name);
    }

    /// <summary>A disk of 64 KiB in memory.</summary>
    private sealed class SmallDisk(string path) : IAsyncDisposable
    {
        public static async Task<SmallDisk> MountAsync(string path)
        {
            Directory.CreateDirectory(path);
            await RunAsync("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", path);
            return new SmallDisk(path);
        }

        public void Fill()
        {
            using var filler = File.Create(Path.Combine(path, "filler"), 1, FileOptions.None);
            try
            {
                while (true)
                {
                    filler.Write(new byte[1024]);
                }
            }
            catch (IOException)
            {
                // It is full.
            }
        }

        public void Free() => File.Delete(Path.Combine(path, "filler"));

        public Task RemountAsync(string mode) => RunAsync("mount", "-o", "remount," + mode, path);

        public async ValueTask DisposeAsync() => await RunAsync("umount", path);
    }
}
