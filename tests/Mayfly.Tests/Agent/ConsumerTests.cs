using System.Text.Json;
using Mayfly.Agent.Configuration;
using Mayfly.Client;
using Mayfly.Tests.Agent.Rendering;
using Mayfly.Tests.Cli;
using Mayfly.Tests.Engines.Database;

namespace Mayfly.Tests.Agent;

/// <summary>Rotations wait for what the agent brings programs: rendered files, started programs, answers that were handed out.</summary>
public sealed class ConsumerTests(DatabaseServers databases)
{
    private const string Static = "database/static-roles/app";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_rotation_goes_back_when_the_command_after_the_file_fails_and_goes_on_when_it_succeeds()
    {
        await using var server = await ServerProcess.StartDevAsync();
        using var root = AgentServer.RootOf(server.Address);
        using var folder = new AgentFolder();
        await PrepareAsync(root, folder, "cmd");
        folder.Write("gate", "");
        await using var agent = await RunningAgent.StartAsync(
            Configuration(server, folder)
                + $$$"""

                template {
                  contents    = "{{ with secret \"database/static-creds/app\" }}{{ .Data.username }}{{ end }}"
                  destination = "{{{folder.At("out")}}}"
                  exec { command = ["/bin/sh", "-c", "test -e {{{folder.At("gate")}}}"] }
                }
                """
        );
        await AcknowledgedAsync(agent, root);
        var first = folder.Read("out");

        File.Delete(folder.At("gate"));
        await RotateAsync(root);
        await agent.UntilAsync(() => folder.Has("out") && folder.Read("out") != first, "the new user is not rendered");
        using var mayfly = new CommandLine(server.Address, ServerProcess.DevToken);
        var told = (await mayfly.RunAsync("rotation", "status", Static)).Succeeded();
        Assert.Contains("shop/web-1", told, StringComparison.Ordinal);
        await UntilIdleAsync(agent, root);
        Assert.Contains(
            "consumers were still behind after 00:00:05: shop/web-1",
            (await StatusAsync(root)).GetProperty("history")[0].GetRawText(),
            StringComparison.Ordinal
        );
        await agent.UntilAsync(() => folder.Read("out") == first, "the file does not go back");

        folder.Write("gate", "");
        await AcknowledgedAsync(agent, root);
        await RotateAsync(root);
        await UntilIdleAsync(agent, root);
        Assert.Equal("rotated", (await StatusAsync(root)).GetProperty("history")[0].GetProperty("outcome").GetString());
        Assert.NotEqual(first, folder.Read("out"));
    }

    [Fact]
    public async Task A_rotation_waits_until_the_program_has_been_started_with_the_new_variables()
    {
        await using var server = await ServerProcess.StartDevAsync();
        using var root = AgentServer.RootOf(server.Address);
        using var folder = new AgentFolder();
        await PrepareAsync(root, folder, "env");
        folder.Write("gate", "");
        await using var agent = await RunningAgent.StartAsync(
            Configuration(server, folder)
                + $$$"""

                env_template "DB_USER" {
                  contents = "{{ with secret \"database/static-creds/app\" }}{{ .Data.username }}{{ end }}"
                }
                exec {
                  command = ["/bin/sh", "-c", "trap 'while [ ! -e {{{folder.At(
                    "gate"
                )}}} ]; do sleep 0.02; done; exit 0' TERM; echo $DB_USER > {{{folder.At(
                    "has"
                )}}}; while :; do sleep 0.02; done"]
                }
                """
        );
        await AcknowledgedAsync(agent, root);
        await agent.UntilAsync(() => folder.Has("has") && folder.Read("has").Length > 1, "it was not started");
        var first = folder.Read("has");

        // The old one does not end, so the new one is not started.
        File.Delete(folder.At("gate"));
        await RotateAsync(root);
        await agent.SaysAsync("Secrets have changed: starting the program anew");
        await UntilIdleAsync(agent, root);
        Assert.Contains(
            "behind",
            (await StatusAsync(root)).GetProperty("history")[0].GetRawText(),
            StringComparison.Ordinal
        );
        Assert.Equal(first, folder.Read("has"));

        folder.Write("gate", "");
        await AcknowledgedAsync(agent, root);
        await RotateAsync(root);
        await UntilIdleAsync(agent, root);
        Assert.Equal("rotated", (await StatusAsync(root)).GetProperty("history")[0].GetProperty("outcome").GetString());
        await agent.UntilAsync(() => folder.Read("has") is { Length: > 1 } now && now != first, "it has the old user");
    }

    [Fact]
    public async Task A_version_counts_as_used_when_the_last_of_its_templates_has_it()
    {
        await using var server = await ServerProcess.StartDevAsync();
        using var root = AgentServer.RootOf(server.Address);
        await PutAsync(root, "secret/data/app", new { data = new { v = "one" } });
        const string Text = "{{ with secret \"secret/app\" }}{{ .Data.data.v }}{{ end }}";
        await using var run = RenderRun.Start(
            root,
            run =>
                [
                    run.Stanza("quick", Text),
                    run.Stanza("slow", Text) with
                    {
                        Command = new ChangeCommand([$"test ! -e {run.PathOf("gate")}"]),
                    },
                    run.Stanza("first", "{{ with secret \"secret/app?version=1\" }}{{ .Data.data.v }}{{ end }}"),
                ],
            consumer: "shop/web-1"
        );
        await run.UntilAsync(() => Acknowledged(root) == "1", () => "the first version is not acknowledged");

        await File.WriteAllTextAsync(run.PathOf("gate"), "", Cancellation);
        await PutAsync(root, "secret/data/app", new { data = new { v = "two" } });
        await run.ShowsAsync("quick", "two");
        await run.SaysAsync("the command ended with exit code 1");
        Assert.Equal("1", Acknowledged(root));

        File.Delete(run.PathOf("gate"));
        await run.UntilAsync(() => Acknowledged(root) == "2", () => "the second version is not acknowledged");
        Assert.Equal("one", run.Read("first"));
    }

    [Fact]
    public async Task An_answer_in_the_form_of_aws_counts_as_used_when_it_is_handed_out()
    {
        await using var server = await ServerProcess.StartDevAsync();
        using var root = AgentServer.RootOf(server.Address);
        using var folder = new AgentFolder();
        await AgentServer.PrepareAsync(root);
        await AgentServer.AppRoleAsync(root, folder, "app", "1h");
        await PutAsync(root, "secret/data/app", new { data = new { v = "one" } });
        await using var agent = await RunningAgent.StartAsync(
            Configuration(server, folder) + "\nlistener \"secretsmanager\" { address = \"127.0.0.1:0\" }",
            environment: name => name == "AWS_TOKEN" ? "ssrf" : null
        );
        using var http = new HttpClient { BaseAddress = new Uri(agent.Address) };
        http.DefaultRequestHeaders.Add("X-Aws-Parameters-Secrets-Token", "ssrf");

        await http.GetStringAsync("/secretsmanager/get?secretId=app", Cancellation);
        await agent.UntilAsync(() => Acknowledged(root, "shop/web-1/secretsmanager") == "1", "it is not acknowledged");
        await PutAsync(root, "secret/data/app", new { data = new { v = "two" } });
        await agent.UntilAsync(
            () =>
                http.GetStringAsync("/secretsmanager/get?secretId=app", Cancellation)
                    .Result.Contains("two", StringComparison.Ordinal),
            "the new value is not handed out"
        );
        await agent.UntilAsync(() => Acknowledged(root, "shop/web-1/secretsmanager") == "2", "it is not acknowledged");
    }

    [Fact]
    public async Task A_policy_that_lets_the_agent_be_no_consumer_is_told_once_and_hinders_nothing()
    {
        await using var server = await ServerProcess.StartDevAsync();
        using var root = AgentServer.RootOf(server.Address);
        using var folder = new AgentFolder();
        await AgentServer.PrepareAsync(root);
        await AgentServer.AppRoleAsync(root, folder, "app", "1h", ""","token_no_default_policy":true""");
        await PutAsync(root, "secret/data/app", new { data = new { v = "one" } });
        await using var agent = await RunningAgent.StartAsync(
            Configuration(server, folder)
                + $$$"""

                template {
                  contents    = "{{ with secret \"secret/app\" }}{{ .Data.data.v }}{{ end }}"
                  destination = "{{{folder.At("out")}}}"
                }
                """
        );
        await agent.SaysAsync("No rotation waits for this agent's use of secret/app");
        await PutAsync(root, "secret/data/app", new { data = new { v = "two" } });
        await agent.UntilAsync(() => folder.Read("out") == "two", "it does not follow");
        await PutAsync(root, "secret/data/app", new { data = new { v = "three" } });
        await agent.UntilAsync(() => folder.Read("out") == "three", "it does not follow");
        Assert.Equal(2, agent.Log.Split("No rotation waits").Length);
    }

    [Fact]
    public void Agents_on_one_machine_have_names_of_their_own_which_stay_the_same()
    {
        var name = ConsumerName.Default(["/etc/one.hcl"]);
        Assert.True(ConsumerName.IsValid(name));
        Assert.StartsWith("agent/", name, StringComparison.Ordinal);
        Assert.Equal(name, ConsumerName.Default(["/etc/one.hcl"]));
        Assert.NotEqual(name, ConsumerName.Default(["/etc/two.hcl"]));
    }

    /// <summary>Two users in turn in a real PostgreSQL, behind a static role whose rotation waits for five seconds.</summary>
    private async Task PrepareAsync(MayflyClient root, AgentFolder folder, string stem)
    {
        var postgres = await databases.PostgresAsync();
        var user = $"agent_{stem}_{Guid.NewGuid().ToString("N")[..8]}";
        await postgres.ExecuteAsync($"CREATE ROLE {user}_a LOGIN; CREATE ROLE {user}_b LOGIN");
        await AgentServer.PrepareAsync(root);
        await AgentServer.AppRoleAsync(root, folder, "app", "1h");
        await PutAsync(root, "sys/mounts/database", new { type = "database" });
        await PutAsync(root, "database/config/db", postgres.ConfigurationAt(postgres.Port));
        await PutAsync(
            root,
            Static,
            new
            {
                db_name = "db",
                username = user + "_a",
                second_username = user + "_b",
                rotation_period = "24h",
                consumer_wait = "5s",
            }
        );
    }

    private static string Configuration(ServerProcess server, AgentFolder folder) =>
        $$"""
            consumer = "shop/web-1"
            vault { address = "{{server.Address}}" }
            auto_auth {
              method "approle" {
                config = { role_id_file_path = "{{folder.At("roleid")}}" secret_id_file_path = "{{folder.At(
                "secretid"
            )}}" }
              }
            }
            """;

    private static async Task RotateAsync(MayflyClient root) =>
        await PutAsync(root, "sys/rotation/rotate/" + Static, new { reason = "test" });

    private static async Task<JsonElement> StatusAsync(MayflyClient root) =>
        (await root.ReadAsync("sys/rotation/status/" + Static, Cancellation)).EnsureSuccess().Data;

    private static Task UntilIdleAsync(RunningAgent agent, MayflyClient root) =>
        agent.UntilAsync(
            () =>
                StatusAsync(root).Result is var status
                && status.GetProperty("step").GetString() == "idle"
                && status.GetProperty("history").GetArrayLength() > 0,
            "the rotation does not end"
        );

    private static Task AcknowledgedAsync(RunningAgent agent, MayflyClient root) =>
        agent.UntilAsync(
            () =>
                Consumer(root, "database/static-creds/app", "shop/web-1") is { } consumer
                && consumer.GetProperty("acknowledged").ValueKind == JsonValueKind.String,
            "it is not acknowledged"
        );

    private static string? Acknowledged(MayflyClient root, string name = "shop/web-1") =>
        Consumer(root, "secret/data/app", name)?.GetProperty("acknowledged").GetString();

    private static JsonElement? Consumer(MayflyClient root, string path, string name)
    {
        var known = root.SendAsync(
            new MayflyRequest(HttpMethod.Get, "sys/consumers") { Query = [new("path", path)] },
            Cancellation
        ).Result;
        return known.IsSuccess
            ? known
                .Data.GetProperty("consumers")
                .EnumerateArray()
                .Cast<JsonElement?>()
                .FirstOrDefault(each => each!.Value.GetProperty("name").GetString() == name)
            : null;
    }

    private static async Task PutAsync(MayflyClient client, string path, object body) =>
        (await client.WriteAsync(path, JsonSerializer.SerializeToUtf8Bytes(body), Cancellation)).EnsureSuccess();
}
