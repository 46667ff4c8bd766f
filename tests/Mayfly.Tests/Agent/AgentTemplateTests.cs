#pragma warning disable CA1416 // The agent runs on Linux.
using Mayfly.Agent;
using Mayfly.Agent.Files;

namespace Mayfly.Tests.Agent;

/// <summary>Templates of an agent's configuration, on a real server.</summary>
[Collection(AgentServerTests.Name)]
public sealed class AgentTemplateTests(AgentServer server)
{
    [Fact]
    public async Task An_init_container_renders_every_template_once_and_ends()
    {
        using var folder = new AgentFolder();
        await server.AppRoleAsync(folder);
        var name = server.Name("init");
        await WriteAsync(name, "p4ss-one");
        folder.Write("source.ctmpl", "<% with secret \"secret/" + name + "\" %><% .Data.data.v %><% end %>");
        await using var agent = await RunningAgent.StartAsync(
            Configuration(
                folder,
                $$"""
                exit_after_auth = true
                template_config {
                  exit_on_retry_failure         = true
                  static_secret_render_interval = "10m"
                }
                template {
                  source          = "{{folder.At("source.ctmpl")}}"
                  destination     = "{{folder.At("out/app.conf")}}"
                  left_delimiter  = "<%"
                  right_delimiter = "%>"
                  perms           = "0640"
                  exec { command = ["cp", "{{folder.At("out/app.conf")}}", "{{folder.At("copy")}}"] }
                }
                template {
                  contents             = "{{"{{"}} with secret \"secret/data/{{name}}\" {{"}}"}}{{"{{"}} .Data.data.v | toUpper {{"}}"}}{{"{{"}} end {{"}}"}}"
                  destination          = "{{folder.At("upper")}}"
                  error_on_missing_key = true
                }
                """
            )
        );
        Assert.Equal(0, await agent.EndedAsync());
        Assert.Equal("p4ss-one", folder.Read("out/app.conf"));
        Assert.Equal("p4ss-one", folder.Read("copy"));
        Assert.Equal("P4SS-ONE", folder.Read("upper"));
        Assert.Equal(Convert.ToInt32("640", 8), (int)File.GetUnixFileMode(folder.At("out/app.conf")));
        Assert.Equal(Convert.ToInt32("600", 8), (int)File.GetUnixFileMode(folder.At("upper")));
        Assert.DoesNotContain("p4ss-one", agent.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_gets_its_owner_and_group_though_its_content_is_what_it_was()
    {
        using var folder = new AgentFolder();
        if (!AgentFolder.TryGive(folder.Write("other", "")))
        {
            return;
        }

        foreach (
            var more in (string[])["", $"user = \"{AgentFolder.Somebody}\"", $"group = \"{AgentFolder.Somebody}\""]
        )
        {
            // An agent removes the secret id that it has used.
            await server.AppRoleAsync(folder);
            await using var agent = await RunningAgent.StartAsync(
                Configuration(
                    folder,
                    $$"""
                    exit_after_auth = true
                    template {
                      contents    = "the same"
                      destination = "{{folder.At("out")}}"
                      {{more}}
                    }
                    """
                )
            );
            Assert.Equal(0, await agent.EndedAsync());
            var status = FileStatus.Of(folder.At("out"))!.Value;
            Assert.Equal(
                more,
                (status.Owner, status.Group) switch
                {
                    (0, 0) => "",
                    (65534, 0) => $"user = \"{AgentFolder.Somebody}\"",
                    (0, 65534) => $"group = \"{AgentFolder.Somebody}\"",
                    _ => "another",
                }
            );
        }
    }

    [Fact]
    public async Task A_sidecar_follows_changes_and_tells_a_program_by_a_signal()
    {
        using var folder = new AgentFolder();
        await server.AppRoleAsync(folder);
        var name = server.Name("sidecar");
        await WriteAsync(name, "one");
        using var program = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo(
                "/bin/sh",
                [
                    "-c",
                    $"trap 'echo hup >> {folder.At("heard")}' HUP; echo $$ > {folder.At("pid")}; while :; do sleep 0.05; done",
                ]
            )
            {
                UseShellExecute = false,
            }
        )!;
        try
        {
            await using var agent = await RunningAgent.StartAsync(
                Configuration(
                    folder,
                    $$"""
                    template {
                      contents        = "{{"{{"}} with secret \"secret/{{name}}\" {{"}}"}}{{"{{"}} .Data.data.v {{"}}"}}{{"{{"}} end {{"}}"}}"
                      destination     = "{{folder.At("out")}}"
                      signal          = "SIGHUP"
                      signal_pid_file = "{{folder.At("pid")}}"
                    }
                    """
                )
            );
            await agent.UntilAsync(() => folder.Has("out") && folder.Read("out") == "one", "it is not rendered");
            await agent.UntilAsync(() => folder.Has("heard"), "the program was not told");
            var heard = folder.Read("heard").Length;
            await WriteAsync(name, "two");
            await agent.UntilAsync(() => folder.Read("out") == "two", "the change does not arrive");
            await agent.UntilAsync(() => folder.Read("heard").Length > heard, "the program was not told of the change");
        }
        finally
        {
            program.Kill();
        }
    }

    [Fact]
    public async Task A_template_that_cannot_be_rendered_ends_an_agent_that_shall_end()
    {
        using var folder = new AgentFolder();
        await server.AppRoleAsync(folder);
        await using var agent = await RunningAgent.StartAsync(
            Configuration(
                folder,
                $$"""
                template_config { exit_on_retry_failure = true }
                template {
                  contents    = "{{"{{"}} nope {{"}}"}}"
                  destination = "{{folder.At("out")}}"
                }
                """
            )
        );
        Assert.Equal(1, await agent.EndedAsync());
        Assert.Contains("function \"nope\" not defined", agent.Log, StringComparison.Ordinal);
        Assert.False(folder.Has("out"));
    }

    [Fact]
    public async Task Templates_need_a_login()
    {
        var failure = await Assert.ThrowsAsync<AgentException>(() =>
            RunningAgent.StartAsync(
                $$"""
                vault { address = "{{server.Address}}" }
                template {
                  contents    = "x"
                  destination = "/tmp/never-written"
                }
                """
            )
        );
        Assert.Contains("auto_auth", failure.Message, StringComparison.Ordinal);
    }

    private async Task WriteAsync(string name, string value) =>
        await AgentServer.WriteAsync(server.Root, "secret/data/" + name, $$$"""{"data":{"v":"{{{value}}}"}}""");

    private string Configuration(AgentFolder folder, string more) =>
        $$"""
            vault { address = "{{server.Address}}" }
            auto_auth {
              method "approle" {
                config = {
                  role_id_file_path   = "{{folder.At("roleid")}}"
                  secret_id_file_path = "{{folder.At("secretid")}}"
                }
              }
            }
            {{more}}
            """;
}
