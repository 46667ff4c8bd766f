using System.Globalization;
using System.Runtime.Versioning;

namespace Mayfly.Tests.Agent;

/// <summary>An agent that stands for a program (<c>exec</c>), as a process with signals and exit codes.</summary>
[Collection(AgentServerTests.Name)]
[SupportedOSPlatform("linux")]
public sealed class SupervisorTests(AgentServer server)
{
    private const int Interrupt = 2;
    private const int User1 = 10;
    private const int Terminate = 15;

    [Fact]
    public async Task The_exit_code_of_the_program_is_the_agents()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(
            folder,
            """exec { command = ["/bin/sh", "-c", "echo token-is-$(stat -c %a token); exit 23"] }"""
        );

        Assert.Equal(23, await agent.EndedAsync());
        Assert.Contains("its program has ended", agent.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_is_not_there_ends_the_agent()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, """exec { command = ["/no/such/program"] }""");

        Assert.Equal(1, await agent.EndedAsync());
        Assert.Contains("/no/such/program cannot be started", agent.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Terminate, "TERM", 3)]
    [InlineData(Interrupt, "INT", 3)]
    public async Task A_signal_that_stops_the_agent_is_passed_on_and_waited_for(int signal, string name, int code)
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(
            folder,
            $$"""exec { command = ["/bin/sh", "-c", "trap 'echo got-{{name}}; exit {{code}}' {{name}}; echo ready; while :; do sleep 0.05; done"] }"""
        );
        await agent.SaysAsync("ready");

        agent.Signal(signal);

        Assert.Equal(code, await agent.EndedAsync());
        Assert.Contains($"got-{name}", agent.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Other_signals_are_passed_on_while_it_runs()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(
            folder,
            """exec { command = ["/bin/sh", "-c", "trap 'echo got-USR1' USR1; echo ready; while :; do sleep 0.05; done"] }"""
        );
        await agent.SaysAsync("ready");

        agent.Signal(User1);
        await agent.SaysAsync("got-USR1");
        agent.Signal(Terminate);

        Assert.Equal(128 + Terminate, await agent.EndedAsync());
    }

    [Fact]
    public async Task A_program_that_ignores_the_signal_is_killed_after_the_limit()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(
            folder,
            """exec { restart_kill_timeout = "1s" command = ["/bin/sh", "-c", "trap '' TERM; echo ready-$$; while :; do sleep 0.05; done"] }"""
        );
        await agent.SaysAsync("ready-");
        var child = int.Parse(agent.Output.Split("ready-")[1].Split('\n')[0], CultureInfo.InvariantCulture);

        agent.Signal(Terminate);

        Assert.Equal(128 + 9, await agent.EndedAsync());
        Assert.Contains("was killed", agent.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists($"/proc/{child}"), "the program is still there");
    }

    [Theory]
    [InlineData("", "[][][kept]")]
    [InlineData("keep_token = true", "[of-the-agent][of-the-agent][kept]")]
    public async Task The_program_does_not_get_the_agents_own_identity(string more, string shown)
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(
            folder,
            $$"""exec { {{more}} command = ["/bin/sh", "-c", "echo [$VAULT_TOKEN][$MAYFLY_SECRET_ID][$OTHER_TOKEN]"] }""",
            ("VAULT_TOKEN", "of-the-agent"),
            ("MAYFLY_SECRET_ID", "of-the-agent"),
            ("OTHER_TOKEN", "kept")
        );

        Assert.Equal(0, await agent.EndedAsync());
        Assert.Contains(shown, agent.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_is_started_anew_with_the_new_value_when_its_secret_has_changed()
    {
        using var folder = new AgentFolder();
        var name = server.Name("exec");
        await AgentServer.WriteAsync(server.Root, $"secret/data/{name}", """{"data":{"value":"canary-one"}}""");
        await using var agent = await StartAsync(
            folder,
            $$$"""
            env_template "SECRET" { contents = "{{ with secret \"secret/data/{{{name}}}\" }}{{ .Data.data.value }}{{ end }}" }
            exec { command = ["/bin/sh", "-c", "trap 'echo stopped; exit 0' TERM; echo has-$SECRET > {{{folder.At(
                "has"
            )}}}; while :; do sleep 0.05; done"] }
            """
        );
        await agent.UntilAsync(
            () => folder.Has("has") && folder.Read("has") == "has-canary-one\n",
            "it was not started"
        );

        await AgentServer.WriteAsync(server.Root, $"secret/data/{name}", """{"data":{"value":"canary-two"}}""");

        await agent.UntilAsync(() => folder.Read("has") == "has-canary-two\n", "it was not started anew");
        Assert.Contains("stopped", agent.Output, StringComparison.Ordinal);
        agent.Signal(Terminate);
        Assert.Equal(0, await agent.EndedAsync());
        Assert.DoesNotContain("canary", agent.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_after_a_change_is_looked_up_as_a_shell_does_and_not_in_the_working_folder()
    {
        using var folder = new AgentFolder();
        await server.AppRoleAsync(folder);
        var trap = folder.Write("touch", "#!/bin/sh\n/bin/echo trapped > trapped\n");
        File.SetUnixFileMode(trap, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var file = folder.Write(
            "agent.hcl",
            $$"""
            exit_after_auth = true
            vault { address = "{{server.Address}}" }
            auto_auth {
              method "approle" {
                config = { role_id_file_path = "roleid" secret_id_file_path = "secretid" }
              }
            }
            template {
              contents    = "x"
              destination = "out"
              exec { command = ["touch", "touched"] }
            }
            """
        );
        await using var agent = AgentProcess.StartProgram(
            "/bin/sh",
            ["-c", "cd \"$0\" && exec \"$@\"", folder.Path, ServerProcess.Program("mayfly"), "agent", $"-config={file}"]
        );

        Assert.Equal(0, await agent.EndedAsync());
        Assert.True(folder.Has("touched"), agent.Output);
        Assert.False(folder.Has("trapped"), agent.Output);
    }

    private async Task<AgentProcess> StartAsync(
        AgentFolder folder,
        string exec,
        params (string Name, string Value)[] environment
    )
    {
        await server.AppRoleAsync(folder);
        var file = folder.Write(
            "agent.hcl",
            $$"""
            vault { address = "{{server.Address}}" }
            auto_auth {
              method "approle" {
                config = { role_id_file_path = "{{folder.At("roleid")}}" secret_id_file_path = "{{folder.At(
                "secretid"
            )}}" }
              }
              sink "file" { config = { path = "{{folder.At("token")}}" } }
            }
            {{exec}}
            """
        );
        return AgentProcess.Start(["agent", $"-config={file}"], environment);
    }
}
