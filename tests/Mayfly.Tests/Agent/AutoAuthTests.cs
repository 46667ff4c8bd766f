#pragma warning disable CA1416 // The agent runs on Linux.
using System.Text.Json;
using Mayfly.Client;

namespace Mayfly.Tests.Agent;

/// <summary>Logging in by each method, and files with the token, on a real server.</summary>
[Collection(AgentServerTests.Name)]
public sealed class AutoAuthTests(AgentServer server)
{
    [Fact]
    public async Task An_approle_login_is_written_to_every_sink_and_the_agent_ends()
    {
        using var folder = new AgentFolder();
        await server.AppRoleAsync(folder);
        await using var agent = await RunningAgent.StartAsync(
            Configuration(
                folder,
                $$"""
                sink "file" { config = { path = "{{folder.At("token")}}" } }
                sink "file" { wrap_ttl = "5m" config = { path = "{{folder.At("wrapped")}}" mode = "0600" } }
                """
            )
        );

        Assert.Equal(0, await agent.EndedAsync());
        Assert.Contains("agent", await PoliciesAsync(folder.Read("token")));
        Assert.Equal(Convert.ToInt32("640", 8), (int)File.GetUnixFileMode(folder.At("token")));
        Assert.Equal(Convert.ToInt32("600", 8), (int)File.GetUnixFileMode(folder.At("wrapped")));
        using var wrapped = JsonDocument.Parse(folder.Read("wrapped"));
        var unwrapped = await server.Root.SendAsync(
            new MayflyRequest(HttpMethod.Put, "sys/wrapping/unwrap")
            {
                Token = wrapped.RootElement.GetProperty("token").GetString(),
            },
            TestContext.Current.CancellationToken
        );
        Assert.Equal(folder.Read("token"), unwrapped.Data.GetProperty("token").GetString());
        Assert.Equal("sys/wrapping/wrap", wrapped.RootElement.GetProperty("creation_path").GetString());
        Assert.False(folder.Has("secretid"), "the secret id was not removed");
        Assert.DoesNotContain(folder.Read("token"), agent.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrapped_secret_id_is_unwrapped_when_it_was_made_where_it_should_be()
    {
        using var folder = new AgentFolder();
        var role = server.Name("wrapping");
        await AgentServer.AppRoleAsync(server.Root, folder, role, "1h");
        var path = $"auth/approle/role/{role}/secret-id";
        var wrapped = await server.Root.SendAsync(
            new MayflyRequest(HttpMethod.Put, path) { WrapTtl = "60s", Body = "{}"u8.ToArray() },
            TestContext.Current.CancellationToken
        );
        folder.Write("secretid", wrapped.WrapInfo.GetProperty("token").GetString()!);

        await using var agent = await RunningAgent.StartAsync(
            Configuration(folder, Sink(folder), $"secret_id_response_wrapping_path = \"{path}\"")
        );

        Assert.Equal(0, await agent.EndedAsync());
        Assert.Contains("agent", await PoliciesAsync(folder.Read("token")));
    }

    [Fact]
    public async Task A_users_password_is_read_from_its_file()
    {
        using var folder = new AgentFolder();
        folder.Write("password", "s3cret-word\n");
        await using var agent = await RunningAgent.StartAsync(
            $$"""
            vault { address = "{{server.Address}}" }
            exit_after_auth = true
            auto_auth {
              method "userpass" { config = { username = "ann" password_file_path = "{{folder.At("password")}}" } }
              {{Sink(folder)}}
            }
            """
        );

        Assert.Equal(0, await agent.EndedAsync());
        Assert.Contains("agent", await PoliciesAsync(folder.Read("token")));
        Assert.DoesNotContain("s3cret-word", agent.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_file_stands_for_a_login()
    {
        using var folder = new AgentFolder();
        folder.Write("given", ServerProcess.DevToken + "\n");
        await using var agent = await RunningAgent.StartAsync(
            $$"""
            vault { address = "{{server.Address}}" }
            exit_after_auth = true
            auto_auth {
              method "token_file" { config = { token_file_path = "{{folder.At("given")}}" } }
              {{Sink(folder)}}
            }
            """
        );

        Assert.Equal(0, await agent.EndedAsync());
        Assert.Equal(ServerProcess.DevToken, folder.Read("token"));
    }

    [Fact]
    public async Task Exit_on_err_ends_the_agent_at_the_first_refusal()
    {
        using var folder = new AgentFolder();
        await server.AppRoleAsync(folder);
        folder.Write("secretid", "no-such-secret-id");
        await using var agent = await RunningAgent.StartAsync(
            Configuration(folder, Sink(folder))
                .Replace("method \"approle\" {", "method \"approle\" { exit_on_err = true", StringComparison.Ordinal)
        );

        Assert.Equal(1, await agent.EndedAsync());
        Assert.False(folder.Has("token"));
        Assert.DoesNotContain("no-such-secret-id", agent.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exit_after_auth_gives_up_at_its_limit()
    {
        using var folder = new AgentFolder();
        await server.AppRoleAsync(folder);
        folder.Write("secretid", "no-such-secret-id");
        await using var agent = await RunningAgent.StartAsync(
            "exit_after_auth_timeout = \"1s\"\n" + Configuration(folder, Sink(folder))
        );

        Assert.Equal(1, await agent.EndedAsync());
        Assert.Contains("Not everything was written within", agent.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_revoked_token_is_replaced_when_its_renewal_is_refused()
    {
        using var folder = new AgentFolder();
        await server.AppRoleAsync(folder, ttl: "3s");
        await using var agent = await RunningAgent.StartAsync(
            Configuration(folder, Sink(folder)).Replace("exit_after_auth = true", "", StringComparison.Ordinal)
        );
        await agent.UntilAsync(() => folder.Has("token"), "no token was written");
        var first = folder.Read("token");

        await AgentServer.WriteAsync(server.Root, "auth/token/revoke", $$"""{"token":"{{first}}"}""");

        await agent.UntilAsync(() => folder.Read("token") != first, "the token was not replaced");
        Assert.Contains("agent", await PoliciesAsync(folder.Read("token")));
    }

    [Fact]
    public async Task New_credentials_are_used_at_once_when_that_is_asked_for()
    {
        using var folder = new AgentFolder();
        await server.AppRoleAsync(folder);
        await using var agent = await RunningAgent.StartAsync(
            Configuration(
                    folder,
                    "enable_reauth_on_new_credentials = true\n" + Sink(folder),
                    "remove_secret_id_file_after_reading = false"
                )
                .Replace("exit_after_auth = true", "", StringComparison.Ordinal)
        );
        await agent.UntilAsync(() => folder.Has("token"), "no token was written");
        var first = folder.Read("token");

        await server.AppRoleAsync(folder);

        await agent.UntilAsync(() => folder.Read("token") != first, "the token was not replaced");
    }

    private string Configuration(AgentFolder folder, string sinks, string more = "") =>
        $$"""
            vault { address = "{{server.Address}}" }
            exit_after_auth = true
            auto_auth {
              method "approle" {
                config = {
                  role_id_file_path = "{{folder.At("roleid")}}"
                  secret_id_file_path = "{{folder.At("secretid")}}"
                  {{more}}
                }
              }
              {{sinks}}
            }
            """;

    private static string Sink(AgentFolder folder) =>
        $$"""sink "file" { config = { path = "{{folder.At("token")}}" } }""";

    private async Task<IEnumerable<string?>> PoliciesAsync(string token) =>
        (
            await server.Root.SendAsync(
                new MayflyRequest(HttpMethod.Get, "auth/token/lookup-self") { Token = token },
                TestContext.Current.CancellationToken
            )
        )
            .EnsureSuccess()
            .Data.GetProperty("policies")
            .EnumerateArray()
            .Select(policy => policy.GetString());
}
