using System.Text;
using System.Text.Json;
using Mayfly.Agent;
using Mayfly.Agent.Configuration;
using Mayfly.Client;
using Mayfly.Client.Redaction;
using Mayfly.Tests.Cli;

namespace Mayfly.Tests.Agent.Rendering;

#pragma warning disable CA1416 // The agent runs on Linux alone, and so do its tests.

/// <summary>Templates rendered to files, from a real server.</summary>
[Collection(DevServerTests.Name)]
public sealed class RenderingTests(DevServer server)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private MayflyClient Client() =>
        new(new MayflyClientOptions { Address = server.Process.Address, Token = ServerProcess.DevToken });

    private async Task WriteAsync(string path, params (string Name, string Value)[] fields)
    {
        using var client = Client();
        var data = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["data"] = fields.ToDictionary(field => field.Name, field => field.Value, StringComparer.Ordinal),
        };
        (await client.WriteAsync(path, JsonSerializer.SerializeToUtf8Bytes(data), Cancellation)).EnsureSuccess();
    }

    [Fact]
    public async Task A_file_is_private_and_follows_the_secret_as_it_changes()
    {
        var name = server.Name("follow");
        await WriteAsync("secret/data/" + name, ("user", "app"), ("password", "first"));
        await using var run = RenderRun.Start(
            server.Process,
            (
                "app.conf",
                $"{{{{ with secret \"secret/{name}\" }}}}{{{{ .Data.data.user }}}}:{{{{ .Data.data.password }}}}{{{{ end }}}}"
            )
        );
        await run.ShowsAsync("app.conf", "app:first");
        Assert.Equal(Private, File.GetUnixFileMode(run.PathOf("app.conf")));
        await WriteAsync("secret/data/" + name, ("user", "app"), ("password", "second"));
        await run.ShowsAsync("app.conf", "app:second");
        Assert.Equal(["app.conf"], Directory.GetFiles(run.Folder).Select(Path.GetFileName));
        Assert.DoesNotContain("first", run.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("second", run.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Paths_versions_lists_and_writes_are_asked_for_as_people_write_them()
    {
        var name = server.Name("forms");
        await WriteAsync($"secret/data/{name}/a", ("v", "one"));
        await WriteAsync($"secret/data/{name}/a", ("v", "two"));
        await WriteAsync($"secret/data/{name}/b", ("v", "b"));
        await using var run = RenderRun.Start(
            server.Process,
            (
                "versions",
                $"{{{{ with secret \"secret/{name}/a?version=1\" }}}}{{{{ .Data.data.v }}}}{{{{ end }}}} {{{{ with secret \"secret/data/{name}/a\" }}}}{{{{ .Data.data.v }}}} {{{{ .Data.metadata.version }}}}{{{{ end }}}}"
            ),
            (
                "list",
                $"{{{{ range secrets \"secret/{name}\" }}}}{{{{ . }}}},{{{{ end }}}}{{{{ len (secrets \"secret/none-of-{name}\") }}}}"
            ),
            (
                "all",
                $"{{{{ range secrets \"secret/metadata/{name}\" }}}}{{{{ with secret (printf \"secret/{name}/%s\" .) }}}}{{{{ .Data.data.v }}}} {{{{ end }}}}{{{{ end }}}}"
            ),
            (
                "write",
                "{{ with secret \"sys/tools/hash/sha2-256\" \"input=aGVsbG8=\" \"format=hex\" }}{{ .Data.sum }}{{ end }}"
            ),
            (
                "token",
                "{{ with secret \"auth/token/create\" \"ttl=1h\" \"no_default_policy=true\" }}{{ .Auth.ClientToken }}{{ end }}"
            ),
            (
                "same",
                "{{ with secret \"auth/token/create\" \"ttl=1h\" \"no_default_policy=true\" }}{{ .Auth.ClientToken }}{{ end }}"
            )
        );
        await run.ShowsAsync("versions", "one two 2");
        await run.ShowsAsync("list", "a,b,0");
        await run.ShowsAsync("all", "two b ");
        await run.UntilAsync(() => run.Read("token").Length > 10, () => "there is no token");
        // What is written the same is written once, and shared.
        await run.ShowsAsync("same", run.Read("token"));
        await WriteAsync($"secret/data/{name}/c", ("v", "c"));
        await run.ShowsAsync("list", "a,b,c,0");
        await run.ShowsAsync("all", "two b c ");
    }

    [Fact]
    public async Task A_token_that_was_rendered_is_redacted_whatever_its_form()
    {
        var token = $"own-{server.Name("token")}-7f3a91c2";
        await using var run = RenderRun.Start(
            server.Process,
            (
                "own",
                $"{{{{ with secret \"auth/token/create\" \"ttl=1h\" \"id={token}\" }}}}{{{{ .Auth.ClientToken }}}}{{{{ end }}}}"
            )
        );
        await run.ShowsAsync("own", token);

        Assert.Equal("token=[redacted];", Redactor.Shared.Redact($"token={token};"));
    }

    [Fact]
    public async Task A_template_that_fails_keeps_its_last_output_and_is_felt_by_no_other()
    {
        var name = server.Name("apart");
        await WriteAsync("secret/data/" + name, ("a", "s3cret-a"), ("b", "s3cret-b"));
        await using var run = RenderRun.Start(
            Client(),
            run =>
                [
                    run.Stanza(
                        "bad",
                        $"{{{{ with secret \"secret/{name}\" }}}}{{{{ .Data.data.a }}}}{{{{ .Data.data.b }}}}{{{{ end }}}}",
                        strict: true
                    ),
                    run.Stanza("good", $"{{{{ with secret \"secret/{name}\" }}}}{{{{ .Data.data.a }}}}{{{{ end }}}}"),
                    run.Stanza(
                        "token",
                        "{{ with secret \"auth/token/create\" \"ttl=1h\" }}{{ .Auth.ClientToken }}{{ end }}"
                    ),
                    run.Stanza("unknown", "{{ nope }}"),
                    run.Stanza("syntax", "{{ if }}"),
                    run.Stanza("consul", "line\n{{ key \"a\" }}"),
                ],
            ownsClient: true
        );
        await run.ShowsAsync("bad", "s3cret-as3cret-b");
        await run.ShowsAsync("good", "s3cret-a");
        await run.UntilAsync(() => run.Read("token").Length > 10, () => "there is no token");
        var token = run.Read("token");
        var executions = run.Renderer.Tasks[2].Executions;
        await WriteAsync("secret/data/" + name, ("a", "s3cret-2"));
        await run.ShowsAsync("good", "s3cret-2");
        await run.SaysAsync("map has no entry for key \"b\"");
        // Several tries of the bad ones later the others have done nothing.
        await run.UntilAsync(() => run.Renderer.Tasks[0].Executions > 6, () => "it is not tried again");
        Assert.Equal("s3cret-as3cret-b", run.Read("bad"));
        Assert.Equal(token, run.Read("token"));
        Assert.Equal(executions, run.Renderer.Tasks[2].Executions);
        await run.SaysAsync("unknown:1:4: function \"nope\" not defined");
        await run.SaysAsync("syntax:1:7: missing value for if");
        await run.SaysAsync("consul:2:1: key asks Consul or Nomad");
        Assert.DoesNotContain("s3cret", run.Log, StringComparison.Ordinal);
        // Recovery needs no hand.
        await WriteAsync("secret/data/" + name, ("a", "a3"), ("b", "b3"));
        await run.ShowsAsync("bad", "a3b3");
        await run.SaysAsync("bad is well again");
    }

    [Fact]
    public async Task A_mount_that_becomes_versioned_is_found_again()
    {
        var mount = server.Name("kv");
        using var client = Client();
        await PutAsync(client, $"sys/mounts/{mount}", """{"type":"kv","options":{"version":"1"}}""");
        await PutAsync(client, $"{mount}/app", """{"v":"old"}""");
        await using var run = RenderRun.Start(
            Client(),
            run =>
                [
                    run.Stanza(
                        "out",
                        $"{{{{ with secret \"{mount}/app\" }}}}{{{{ with .Data.data }}}}{{{{ .v }}}}{{{{ else }}}}{{{{ .Data.v }}}}{{{{ end }}}}{{{{ end }}}}"
                    ),
                ],
            new TemplateSettings { StaticSecretRenderInterval = TimeSpan.FromSeconds(1) },
            ownsClient: true
        );
        await run.ShowsAsync("out", "old");
        await PutAsync(client, $"sys/mounts/{mount}/tune", """{"options":{"version":"2"}}""");
        await run.UntilAsync(
            () =>
                client
                    .WriteAsync($"{mount}/data/app", """{"data":{"v":"new"}}"""u8.ToArray(), Cancellation)
                    .GetAwaiter()
                    .GetResult()
                    .IsSuccess,
            () => "the mount is not upgraded"
        );
        await run.ShowsAsync("out", "new");
    }

    private static async Task PutAsync(MayflyClient client, string path, string json) =>
        (await client.WriteAsync(path, Encoding.UTF8.GetBytes(json), Cancellation)).EnsureSuccess();

    [Fact]
    public async Task A_source_that_is_mended_is_rendered_without_a_restart()
    {
        await using var run = RenderRun.Start(
            Client(),
            run =>
            {
                File.WriteAllText(run.PathOf("source"), "{{ broken }}");
                return
                [
                    run.Stanza("out", "") with
                    {
                        Text = new TemplateText { Source = run.PathOf("source"), Name = "source" },
                    },
                ];
            },
            ownsClient: true
        );
        await run.SaysAsync("source:1:4: function \"broken\" not defined");
        await File.WriteAllTextAsync(run.PathOf("source"), "{{ print `mended` }}", Cancellation);
        await run.ShowsAsync("out", "mended");
    }

    [Fact]
    public async Task A_reader_of_a_large_secret_never_sees_a_part_of_it()
    {
        var name = server.Name("large");
        const int Size = 1024 * 1024;
        await WriteAsync("secret/data/" + name, ("v", new string('a', Size)));
        await using var run = RenderRun.Start(
            server.Process,
            ("large", $"{{{{ with secret \"secret/{name}\" }}}}{{{{ .Data.data.v }}}}{{{{ end }}}}")
        );
        await run.UntilAsync(() => run.Read("large").Length == Size, () => "it is not there");
        using var stop = new CancellationTokenSource();
        var reads = 0;
        var reader = Task.Run(
            () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    var seen = File.ReadAllBytes(run.PathOf("large"));
                    Assert.Equal(Size, seen.Length);
                    Assert.Equal(-1, seen.AsSpan().IndexOfAnyExcept(seen[0]));
                    reads++;
                }
            },
            Cancellation
        );
        for (var letter = 'b'; letter < 'j'; letter++)
        {
            var value = new string(letter, Size);
            await WriteAsync("secret/data/" + name, ("v", value));
            await run.UntilAsync(() => run.Read("large") == value, () => $"{letter} does not arrive");
        }

        await stop.CancelAsync();
        await reader;
        Assert.True(reads > 8);
    }

    [Fact]
    public async Task Only_a_change_runs_the_command_and_a_command_that_fails_is_run_again()
    {
        var name = server.Name("command");
        await WriteAsync("secret/data/" + name, ("v", "c0mmand-canary"));
        await using var run = RenderRun.Start(
            Client(),
            run =>
                [
                    run.Stanza(
                        "out",
                        $"{{{{ with secret \"secret/{name}\" }}}}{{{{ .Data.data.v }}}}{{{{ end }}}}"
                    ) with
                    {
                        Command = new ChangeCommand([
                            $"echo ran >> {run.PathOf("ran")}; cat {run.PathOf("out")}; env | grep -c TOKEN; test -e {run.PathOf("allowed")}",
                        ]),
                    },
                    run.Stanza("slow", "{{ print 1 }}") with
                    {
                        Command = new ChangeCommand(["sleep", "600"]) { Timeout = TimeSpan.FromMilliseconds(200) },
                    },
                    run.Stanza("none", "{{ print 1 }}") with
                    {
                        Command = new ChangeCommand(["/no/such/program", "x"]),
                    },
                ],
            ownsClient: true
        );
        await run.SaysAsync("the command ended with exit code 1");
        await run.SaysAsync("the command did not end within 0.2 s");
        await run.SaysAsync("the command cannot be started");
        // The files are there, and the log does not say otherwise.
        Assert.DoesNotContain("nothing is rendered yet", run.Log, StringComparison.Ordinal);
        Assert.Equal("c0mmand-canary", run.Read("out"));
        Assert.DoesNotContain("c0mmand-canary", run.Log, StringComparison.Ordinal);
        await File.WriteAllTextAsync(run.PathOf("allowed"), "", Cancellation);
        await run.SaysAsync("The command ended well");
        var times = run.Read("ran");
        // A new version with the same values makes the same output, and nobody is told.
        var executions = run.Renderer.Tasks[0].Executions;
        await WriteAsync("secret/data/" + name, ("v", "c0mmand-canary"));
        await run.UntilAsync(() => run.Renderer.Tasks[0].Executions > executions, () => "it is not executed");
        Assert.Equal(times, run.Read("ran"));
        await WriteAsync("secret/data/" + name, ("v", "other"));
        await run.ShowsAsync("ran", times + "ran\n");
    }

    [Fact]
    public async Task A_file_has_the_permissions_the_backup_and_the_place_that_are_asked_for()
    {
        var name = server.Name("place");
        await WriteAsync("secret/data/" + name, ("v", "one"));
        await using var run = RenderRun.Start(
            Client(),
            run =>
            {
                var template = $"{{{{ with secret \"secret/{name}\" }}}}{{{{ .Data.data.v }}}}{{{{ end }}}}";
                Directory.CreateDirectory(run.PathOf("real"));
                File.WriteAllText(run.PathOf("real/target"), "before");
                File.CreateSymbolicLink(run.PathOf("link"), "real/target");
                return
                [
                    run.Stanza("deep/er/file", template) with
                    {
                        Mode = Private | UnixFileMode.GroupRead,
                        Owner = "0",
                        Group = "root",
                        Backup = true,
                    },
                    run.Stanza("link", template),
                    run.Stanza("absent/file", template) with
                    {
                        CreateFolders = false,
                    },
                    run.Stanza("binary", "{{ base64Decode \"AP+AQQ==\" }}"),
                    run.Stanza(
                        "beside",
                        $"{{{{ with secret \"secret/{name}\" }}}}{{{{ .Data.data.v | writeToFile \"{run.PathOf("side/file")}\" \"\" \"\" \"0640\" \"newline\" }}}}{{{{ end }}}}done"
                    ),
                ];
            },
            ownsClient: true
        );
        await run.ShowsAsync("deep/er/file", "one");
        await run.ShowsAsync("link", "one");
        await run.ShowsAsync("beside", "done");
        await run.ShowsAsync("side/file", "one\n");
        await run.UntilAsync(() => File.Exists(run.PathOf("binary")), () => "no file");
        Assert.Equal([0, 0xFF, 0x80, 0x41], await File.ReadAllBytesAsync(run.PathOf("binary"), Cancellation));
        Assert.Equal(Private | UnixFileMode.GroupRead, File.GetUnixFileMode(run.PathOf("deep/er/file")));
        Assert.Equal(Private | UnixFileMode.GroupRead, File.GetUnixFileMode(run.PathOf("side/file")));
        Assert.Equal("real/target", new FileInfo(run.PathOf("link")).LinkTarget);
        await run.SaysAsync("absent/file");
        Assert.False(Directory.Exists(run.PathOf("absent")));
        await WriteAsync("secret/data/" + name, ("v", "two"));
        await run.ShowsAsync("deep/er/file", "two");
        await run.ShowsAsync("deep/er/file.bak", "one");
        await run.ShowsAsync("side/file", "two\n");
    }

    [Fact]
    public async Task Variables_are_rendered_and_files_of_the_machine_are_followed()
    {
        var name = server.Name("variable");
        await WriteAsync("secret/data/" + name, ("v", "one"));
        var input = Path.GetTempFileName();
        await File.WriteAllTextAsync(input, "first", Cancellation);
        try
        {
            await using var run = RenderRun.Start(
                Client(),
                run => [run.Stanza("copy", $"{{{{ file \"{input}\" }}}}")],
                variables:
                [
                    new EnvironmentTemplateStanza(
                        "PASSWORD",
                        new TemplateText
                        {
                            Name = "PASSWORD",
                            Contents = $"{{{{ with secret \"secret/{name}\" }}}}{{{{ .Data.data.v }}}}{{{{ end }}}}",
                        }
                    ),
                ],
                ownsClient: true
            );
            await run.Renderer.Rendered.WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
            Assert.Equal("one", run.Renderer.ForProgram().Variables["PASSWORD"]);
            Assert.Equal("first", run.Read("copy"));
            await File.WriteAllTextAsync(input, "changed", Cancellation);
            await run.ShowsAsync("copy", "changed");
        }
        finally
        {
            File.Delete(input);
        }
    }

    [Fact]
    public async Task An_agent_that_shall_end_on_failure_does()
    {
        var name = server.Name("fatal");
        await WriteAsync("secret/data/" + name, ("v", "one"));
        await using var run = RenderRun.Start(
            Client(),
            run =>
                [
                    run.Stanza(
                        "out",
                        $"{{{{ with secret \"secret/{name}\" }}}}{{{{ .Data.data.nope }}}}{{{{ end }}}}",
                        strict: true
                    ),
                ],
            new TemplateSettings { ExitOnRetryFailure = true },
            ownsClient: true
        );
        var failure = await Assert.ThrowsAsync<AgentException>(() =>
            run.Running.WaitAsync(TimeSpan.FromSeconds(60), Cancellation)
        );
        Assert.Contains("map has no entry for key \"nope\"", failure.Message, StringComparison.Ordinal);
    }
}
