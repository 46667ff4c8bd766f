using System.Runtime.Versioning;

namespace Mayfly.Tests.Agent;

/// <summary><c>mayfly run</c>: a program with secrets, without an agent.</summary>
[Collection(AgentServerTests.Name)]
[SupportedOSPlatform("linux")]
public sealed class RunTests(AgentServer server)
{
    private const int Terminate = 15;

    [Fact]
    public async Task Secrets_are_in_variables_and_files_and_the_exit_code_is_the_programs()
    {
        var name = await PutAsync();
        await using var run = Run(
            "-env",
            $"PASSWORD=secret/{name}#password",
            "-env",
            $"ALL=secret/data/{name}",
            "-file",
            $"KEY=secret/{name}#key",
            "--",
            "/bin/sh",
            "-c",
            "printf '%s\\n' \"$PASSWORD $ALL $(cat $KEY) $(cat $KEY) [$MAYFLY_TOKEN]\"; exit 9"
        );

        Assert.Equal(9, await run.EndedAsync());
        Assert.Contains(
            """hunter2 {"key":"line one\nline two","password":"hunter2"}""",
            run.Output,
            StringComparison.Ordinal
        );
        Assert.Contains("line one\nline two line one\nline two []", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_secret_stands_in_the_arguments_of_any_process()
    {
        var name = await PutAsync();
        await using var run = Run(
            "-env",
            $"P=secret/{name}#password",
            "--",
            "/bin/sh",
            "-c",
            "tr '\\0' ' ' < /proc/$PPID/cmdline; tr '\\0' ' ' < /proc/$$/cmdline"
        );

        Assert.Equal(0, await run.EndedAsync());
        Assert.Contains("run -env", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_template_is_rendered_once_into_memory()
    {
        var name = await PutAsync();
        using var folder = new AgentFolder();
        var file = folder.Write(
            "app.tmpl",
            $"{{{{ with secret \"secret/{name}\" }}}}password={{{{ .Data.data.password | toJSON }}}}{{{{ end }}}}"
        );
        await using var run = Run(
            "-template",
            $"CONFIG={file}",
            "--",
            "/bin/sh",
            "-c",
            "cat $CONFIG; echo; echo $CONFIG"
        );

        Assert.Equal(0, await run.EndedAsync());
        Assert.Contains("password=\"hunter2\"\n/dev/fd/", run.Output, StringComparison.Ordinal);
        Assert.Equal([file], Directory.GetFiles(folder.Path));
    }

    [Theory]
    [InlineData("{{ with secret \"secret/none\" }}{{ .Data.data.x }}{{ end }}", "line 1: ")]
    [InlineData("{{ with secret \"{name}\" }}{{ .Data.data.pasword }}{{ end }}", "pasword")]
    [InlineData("{{ nope }}", "function \"nope\" not defined")]
    [InlineData("{{ key \"a\" }}", "is not to be had")]
    [InlineData("{{ file \"/no/such/file\" }}", "is not to be had")]
    [InlineData("{{ \"x\" | writeToFile \"/tmp/x\" \"\" \"\" \"0600\" }}", "writeToFile")]
    public async Task A_template_that_cannot_be_rendered_is_told_and_nothing_is_started(string template, string told)
    {
        var name = await PutAsync();
        using var folder = new AgentFolder();
        var file = folder.Write("app.tmpl", template.Replace("{name}", $"secret/{name}", StringComparison.Ordinal));
        await using var run = Run("-template", $"CONFIG={file}", "--", "/bin/sh", "-c", "echo started");

        Assert.Equal(1, await run.EndedAsync());
        Assert.Contains(told, run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("started\n", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_a_template_asks_does_not_get_the_callers_identity()
    {
        using var folder = new AgentFolder();
        var file = folder.Write("app.tmpl", "{{ plugin \"/bin/sh\" \"-c\" \"echo [$MAYFLY_TOKEN][$HOME]\" }}");
        await using var run = AgentProcess.Start(
            ["run", "-template", $"CONFIG={file}", "--", "/bin/sh", "-c", "cat $CONFIG"],
            ("MAYFLY_ADDR", server.Address),
            ("MAYFLY_TOKEN", ServerProcess.DevToken),
            ("HOME", folder.Path)
        );

        Assert.Equal(0, await run.EndedAsync());
        Assert.Contains($"[][{folder.Path}]", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_a_template_asks_is_looked_up_as_a_shell_does_and_not_in_the_working_folder()
    {
        using var folder = new AgentFolder();
        var file = folder.Write("app.tmpl", "{{ plugin \"printf\" \"of-the-path\" }}");
        var trap = folder.Write("printf", "#!/bin/sh\necho trapped\n");
        File.SetUnixFileMode(trap, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        await using var run = AgentProcess.StartProgram(
            "/bin/sh",
            [
                "-c",
                "cd \"$0\" && exec \"$@\"",
                folder.Path,
                ServerProcess.Program("mayfly"),
                "run",
                "-template",
                $"CONFIG={file}",
                "--",
                "/bin/sh",
                "-c",
                "cat $CONFIG",
            ],
            ("MAYFLY_ADDR", server.Address),
            ("MAYFLY_TOKEN", ServerProcess.DevToken)
        );

        Assert.Equal(0, await run.EndedAsync());
        Assert.Contains("of-the-path", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_generated_configuration_starts_a_program_with_its_variables()
    {
        var name = await PutAsync();
        using var folder = new AgentFolder();
        await AgentServer.WriteAsync(
            server.Root,
            $"secret/data/{name}/deep/x-y",
            """{"data":{"with-dash":"dashed"}}"""
        );
        var file = folder.At("app.hcl");
        (string, string)[] environment =
        [
            ("MAYFLY_ADDR", server.Address),
            ("MAYFLY_TOKEN", ServerProcess.DevToken),
            ("HOME", folder.Path),
        ];
        folder.Write(".mayfly-token", ServerProcess.DevToken);
        await using (
            var generate = AgentProcess.Start(
                [
                    "agent",
                    "generate-config",
                    "-type=env-template",
                    "-exec=/usr/bin/env",
                    $"-path=secret/{name}",
                    $"-path=secret/{name}/*",
                    file,
                ],
                environment
            )
        )
        {
            Assert.Equal(0, await generate.EndedAsync());
            Assert.Contains("with 3 variables", generate.Output, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("hunter2", folder.Read("app.hcl"), StringComparison.Ordinal);
        await using var agent = AgentProcess.Start(["agent", $"-config={file}"], environment);
        Assert.Equal(0, await agent.EndedAsync());
        Assert.Contains($"{name.ToUpperInvariant()}_PASSWORD=hunter2\n", agent.Output, StringComparison.Ordinal);
        Assert.Contains("X_Y_WITH_DASH=dashed\n", agent.Output, StringComparison.Ordinal);

        await using var again = AgentProcess.Start(
            ["agent", "generate-config", "-type=env-template", file],
            environment
        );
        Assert.Equal(1, await again.EndedAsync());
        Assert.Contains("is left as it is", again.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-env", "P=secret/none#password", "none")]
    [InlineData("-env", "password", "-env needs NAME=PATH#FIELD")]
    [InlineData("-file", "=secret/x#y", "-file needs NAME=PATH#FIELD")]
    [InlineData("-env", "P=secret/x#", "-env needs NAME=PATH#FIELD")]
    public async Task What_cannot_be_had_is_told_and_nothing_is_started(string flag, string value, string told)
    {
        await using var run = Run(flag, value, "--", "/bin/sh", "-c", "echo started");

        Assert.Equal(1, await run.EndedAsync());
        Assert.Contains(told, run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("started\n", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_field_that_is_not_there_is_told_without_those_that_are()
    {
        var name = await PutAsync();
        await using var run = Run("-env", $"P=secret/{name}#pasword", "--", "/bin/true");

        Assert.Equal(1, await run.EndedAsync());
        Assert.Contains($"secret/{name} has no field pasword", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signal_reaches_the_program()
    {
        await using var run = Run(
            "--",
            "/bin/sh",
            "-c",
            "trap 'echo got; exit 4' TERM; echo ready; while :; do sleep 0.05; done"
        );
        await run.SaysAsync("ready");

        run.Signal(Terminate);

        Assert.Equal(4, await run.EndedAsync());
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_told()
    {
        await using var run = Run("--", "no-such-program-anywhere");

        Assert.Equal(127, await run.EndedAsync());
        Assert.Contains("there is no program no-such-program-anywhere in PATH", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/no/such/program", 127)]
    [InlineData("{folder}/text", 126)]
    [InlineData("{folder}", 126)]
    [InlineData("text", 126)]
    public async Task A_program_that_cannot_be_started_ends_with_what_a_shell_ends_with(string program, int code)
    {
        using var folder = new AgentFolder();
        folder.Write("text", "no program");
        await using var run = AgentProcess.Start(
            ["run", "--", program.Replace("{folder}", folder.Path, StringComparison.Ordinal)],
            ("MAYFLY_ADDR", server.Address),
            ("MAYFLY_TOKEN", ServerProcess.DevToken),
            ("PATH", folder.Path)
        );

        Assert.Equal(code, await run.EndedAsync());
        Assert.Contains("cannot be started", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_shell_passes_over_in_the_path_is_passed_over()
    {
        using var folder = new AgentFolder();
        folder.Write("true", "no program");
        await using var run = AgentProcess.Start(
            ["run", "--", "true"],
            ("MAYFLY_ADDR", server.Address),
            ("MAYFLY_TOKEN", ServerProcess.DevToken),
            ("PATH", folder.Path + ":/usr/bin:/bin")
        );

        Assert.Equal(0, await run.EndedAsync());
    }

    private AgentProcess Run(params string[] arguments) =>
        AgentProcess.Start(
            ["run", .. arguments],
            ("MAYFLY_ADDR", server.Address),
            ("MAYFLY_TOKEN", ServerProcess.DevToken)
        );

    private async Task<string> PutAsync()
    {
        var name = server.Name("run");
        await AgentServer.WriteAsync(
            server.Root,
            $"secret/data/{name}",
            """{"data":{"key":"line one\nline two","password":"hunter2"}}"""
        );
        return name;
    }
}
