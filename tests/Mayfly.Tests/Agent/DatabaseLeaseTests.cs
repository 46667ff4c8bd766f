using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Mayfly.Client;
using Mayfly.Tests.Engines.Database;

namespace Mayfly.Tests.Agent;

/// <summary>Users of a real PostgreSQL that come through the proxy, or with <c>mayfly run</c>.</summary>
public sealed class DatabaseLeaseTests(DatabaseServers databases)
{
    private const int Terminate = 15;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_clients_of_the_proxy_get_one_user_until_it_is_revoked()
    {
        await using var server = await ServerProcess.StartDevAsync();
        using var root = AgentServer.RootOf(server.Address);
        using var folder = new AgentFolder();
        var (postgres, stem) = await PrepareAsync(root, ttl: "1h");
        await using var agent = await StartAsync(server, root, folder);
        using var one = new HttpClient { BaseAddress = new Uri(agent.Address) };
        using var other = new HttpClient { BaseAddress = new Uri(agent.Address) };

        var (first, how) = await ReadAsync(one);
        Assert.Equal("MISS", how);
        var again = await ReadAsync(other);
        Assert.Equal((first, "HIT"), again);
        Assert.Equal([first.User], await postgres.UsersAsync(stem));

        using var revoked = await one.PutAsJsonAsync(
            "/v1/sys/leases/revoke",
            new { lease_id = first.Lease },
            Cancellation
        );
        revoked.EnsureSuccessStatusCode();
        var (second, _) = await ReadAsync(other);
        Assert.NotEqual(first.User, second.User);
        await agent.UntilAsync(() => !postgres.UsersAsync(stem).Result.Contains(first.User), "the user is still there");
    }

    [Fact]
    public async Task A_user_that_is_revoked_elsewhere_is_let_go_when_its_renewal_is_refused()
    {
        await using var server = await ServerProcess.StartDevAsync();
        using var root = AgentServer.RootOf(server.Address);
        using var folder = new AgentFolder();
        await PrepareAsync(root, ttl: "3s");
        await using var agent = await StartAsync(server, root, folder);
        using var http = new HttpClient { BaseAddress = new Uri(agent.Address) };
        var (first, _) = await ReadAsync(http);
        await agent.UntilAsync(() => agent.Host.Metrics.Renewals.Value > 0, "it is not renewed");
        Assert.Equal((first, "HIT"), await ReadAsync(http));

        await PutAsync(root, "sys/leases/revoke", new { lease_id = first.Lease });

        await agent.UntilAsync(() => ReadAsync(http).Result.Answer.User != first.User, "the dead user is handed out");
    }

    [Theory]
    [InlineData(false, 7)]
    [InlineData(true, 9)]
    public async Task The_user_of_a_program_that_is_run_ends_with_it(bool isSignalled, int code)
    {
        await using var server = await ServerProcess.StartDevAsync();
        using var root = AgentServer.RootOf(server.Address);
        using var folder = new AgentFolder();
        var (postgres, stem) = await PrepareAsync(root, ttl: "1h");
        await using var run = AgentProcess.Start(
            [
                "run",
                "-env",
                "DB_USER=database/creds/app#username",
                "-file",
                "DB_PASSWORD_FILE=database/creds/app#password",
                "--",
                "/bin/sh",
                "-c",
                $"trap 'exit 9' TERM; echo \"$DB_USER $(cat $DB_PASSWORD_FILE)\" > {folder.At("has")}; echo ready; while [ ! -e {folder.At("gate")} ]; do sleep 0.05; done; exit 7",
            ],
            ("MAYFLY_ADDR", server.Address),
            ("MAYFLY_TOKEN", ServerProcess.DevToken)
        );
        await run.SaysAsync("ready");
        var credential = folder.Read("has").Trim().Split(' ');
        Assert.Equal([credential[0]], await postgres.UsersAsync(stem));
        Assert.True(await postgres.LetsInAsync(credential[0], credential[1]));

        if (isSignalled)
        {
            run.Signal(Terminate);
        }
        else
        {
            folder.Write("gate", "");
        }

        Assert.Equal(code, await run.EndedAsync());
        await run.UntilAsync(() => postgres.UsersAsync(stem).Result.Length == 0, "the user is still there");
        Assert.DoesNotContain(credential[1], run.Output, StringComparison.Ordinal);
    }

    /// <summary>A role whose users have names of their own.</summary>
    private async Task<(PostgresServer Postgres, string Stem)> PrepareAsync(MayflyClient root, string ttl)
    {
        var postgres = await databases.PostgresAsync();
        var stem = "agl" + Guid.NewGuid().ToString("N")[..8];
        await AgentServer.PrepareAsync(root);
        await PutAsync(root, "sys/mounts/database", new { type = "database" });
        await PutAsync(root, "database/config/db", postgres.ConfigurationAt(postgres.Port));
        await PutAsync(root, "database/config/db", new { username_template = stem + "_{{random 8}}" });
        await PutAsync(
            root,
            "database/roles/app",
            new
            {
                db_name = "db",
                creation_statements = postgres.Creation,
                default_ttl = ttl,
                max_ttl = "24h",
            }
        );
        return (postgres, stem);
    }

    private static async Task<RunningAgent> StartAsync(ServerProcess server, MayflyClient root, AgentFolder folder)
    {
        await AgentServer.AppRoleAsync(root, folder, "app", "1h");
        return await RunningAgent.StartAsync(
            $$"""
            vault { address = "{{server.Address}}" }
            auto_auth {
              method "approle" {
                config = { role_id_file_path = "{{folder.At("roleid")}}" secret_id_file_path = "{{folder.At(
                "secretid"
            )}}" }
              }
            }
            api_proxy { use_auto_auth_token = true }
            cache { }
            listener "tcp" { address = "127.0.0.1:0" tls_disable = true }
            """
        );
    }

    private static async Task<(Answer Answer, string How)> ReadAsync(HttpClient http)
    {
        using var reply = await http.GetAsync("/v1/database/creds/app", Cancellation);
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        using var json = JsonDocument.Parse(await reply.Content.ReadAsStringAsync(Cancellation));
        var answer = new Answer(
            json.RootElement.GetProperty("lease_id").GetString()!,
            json.RootElement.GetProperty("data").GetProperty("username").GetString()!
        );
        return (answer, reply.Headers.GetValues("X-Cache").Single());
    }

    private static async Task PutAsync(MayflyClient client, string path, object body) =>
        (await client.WriteAsync(path, JsonSerializer.SerializeToUtf8Bytes(body), Cancellation)).EnsureSuccess();

    private sealed record Answer(string Lease, string User);
}
