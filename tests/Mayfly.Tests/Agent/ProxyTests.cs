using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Mayfly.Agent.Configuration;
using Mayfly.Agent.Listeners;
using Mayfly.Client;
using Mayfly.Hosting.Listeners;

namespace Mayfly.Tests.Agent;

/// <summary>The local listener: the agent's token in requests, what is kept, and who is turned away.</summary>
[Collection(AgentServerTests.Name)]
public sealed class ProxyTests(AgentServer server)
{
    [Fact]
    public async Task A_request_without_a_token_goes_with_the_agents()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "");
        using var http = Client(agent);
        var name = await PutAsync("hunter2");

        var reply = await http.GetAsync($"/v1/secret/data/{name}", Cancellation);

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Contains("hunter2", await reply.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", agent.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_requests_own_token_stays_unless_the_agents_is_forced()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "");
        await using var forced = await StartAsync(folder, "", use: "\"force\"");
        using var own = Client(agent, token: "no-such-token");
        using var http = Client(forced, token: "no-such-token");

        Assert.Equal(
            HttpStatusCode.Forbidden,
            (await own.GetAsync("/v1/auth/token/lookup-self", Cancellation)).StatusCode
        );
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/v1/auth/token/lookup-self", Cancellation)).StatusCode);
    }

    [Fact]
    public async Task A_forwarded_request_is_refused_and_so_is_one_without_the_header_that_is_asked_for()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "", listener: "require_request_header = true");
        using var http = Client(agent);

        Assert.Equal(
            HttpStatusCode.PreconditionFailed,
            (await http.GetAsync("/v1/sys/health", Cancellation)).StatusCode
        );
        http.DefaultRequestHeaders.Add("X-Vault-Request", "true");
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/v1/sys/health", Cancellation)).StatusCode);
        http.DefaultRequestHeaders.Add("X-Forwarded-For", "10.0.0.1");
        Assert.Equal(HttpStatusCode.BadRequest, (await http.GetAsync("/v1/sys/health", Cancellation)).StatusCode);
    }

    [Theory]
    [InlineData("attacker.example", "", false)]
    [InlineData("attacker.example:8200", "", false)]
    [InlineData("127.0.0.1.attacker.example", "", false)]
    [InlineData("localhost", "", true)]
    [InlineData("agent:8200", "", true)]
    [InlineData("10.0.0.7:8200", "", true)]
    [InlineData("[::1]:8200", "", true)]
    [InlineData("agent.shop.internal:8200", "allowed_hosts = [\"agent.shop.internal\"]", true)]
    [InlineData("AGENT.shop.internal.", "allowed_hosts = [\"agent.shop.internal\"]", true)]
    [InlineData("attacker.example", "allowed_hosts = [\"agent.shop.internal\"]", false)]
    [InlineData("attacker.example", "allowed_hosts = \"*\"", true)]
    public async Task A_request_under_a_name_that_leads_here_from_elsewhere_is_refused(
        string host,
        string more,
        bool isAnswered
    )
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "", listener: more);
        using var http = Client(agent);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/auth/token/lookup-self");
        request.Headers.Host = host;

        using var reply = await http.SendAsync(request, Cancellation);

        Assert.Equal(isAnswered ? HttpStatusCode.OK : HttpStatusCode.Forbidden, reply.StatusCode);
        if (!isAnswered)
        {
            Assert.Contains(
                "allowed_hosts",
                await reply.Content.ReadAsStringAsync(Cancellation),
                StringComparison.Ordinal
            );
        }
    }

    [Fact]
    public async Task A_request_that_the_agents_revoked_token_is_refused_for_goes_again_with_another()
    {
        using var folder = new AgentFolder();
        // Nothing but the proxy: no cache, no template, no sink that would find out by itself.
        await using var agent = await StartAsync(folder, "");
        using var http = Client(agent);
        var name = await PutAsync("hunter2");
        using var self = JsonDocument.Parse(await http.GetStringAsync("/v1/auth/token/lookup-self", Cancellation));
        var accessor = self.RootElement.GetProperty("data").GetProperty("accessor").GetString();

        await AgentServer.WriteAsync(server.Root, "auth/token/revoke-accessor", $$"""{"accessor":"{{accessor}}"}""");

        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync($"/v1/secret/data/{name}", Cancellation)).StatusCode);
        await agent.SaysAsync("Logged in", times: 2);
    }

    [Fact]
    public async Task What_the_policy_refuses_causes_no_logins()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "");
        using var http = Client(agent);

        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(HttpStatusCode.Forbidden, (await http.GetAsync("/v1/sys/mounts", Cancellation)).StatusCode);
        }

        Assert.Equal(2, agent.Log.Split("Logged in").Length);
    }

    [Fact]
    public async Task What_was_wrapped_is_told_once_and_the_second_who_asks_is_refused()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "cache { cache_static_secrets = true }");
        using var http = Client(agent);
        var wrapped = await server.Root.SendAsync(
            new MayflyRequest(HttpMethod.Put, "auth/token/create")
            {
                Body = """{"policies":["default"],"ttl":"1h"}"""u8.ToArray(),
                WrapTtl = "60s",
            },
            Cancellation
        );
        var token = wrapped.WrapInfo.GetProperty("token").GetString();
        using var body = new StringContent($$"""{"token":"{{token}}"}""", Encoding.UTF8, "application/json");

        var first = await http.PutAsync("/v1/sys/wrapping/unwrap", body, Cancellation);
        var second = await http.PutAsync("/v1/sys/wrapping/unwrap", body, Cancellation);

        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, second.StatusCode);
    }

    [Theory]
    [InlineData("GET http://127.0.0.1:1/v1/sys/health", "127.0.0.1:1")]
    [InlineData("CONNECT 1:1", "1:1")]
    [InlineData("OPTIONS *", "x")]
    public async Task A_target_that_is_no_path_is_refused(string request, string host)
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "");
        using var connection = new TcpClient();
        await connection.ConnectAsync("127.0.0.1", new Uri(agent.Address).Port, Cancellation);
        await using var stream = connection.GetStream();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes($"{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
            Cancellation
        );
        using var reader = new StreamReader(stream);

        Assert.StartsWith("HTTP/1.1 400 ", await reader.ReadLineAsync(Cancellation), StringComparison.Ordinal);
        Assert.DoesNotContain("A request failed", agent.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_static_secret_is_kept_until_it_changes()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "cache { cache_static_secrets = true }");
        using var http = Client(agent);
        var name = await PutAsync("old");
        await HitAsync(agent, http, $"/v1/secret/data/{name}");

        await PutAsync("new", name);

        await agent.UntilAsync(
            () =>
                http.GetStringAsync($"/v1/secret/data/{name}", Cancellation)
                    .GetAwaiter()
                    .GetResult()
                    .Contains("\"new\"", StringComparison.Ordinal),
            "the new value is not seen"
        );
    }

    [Fact]
    public async Task A_read_that_tells_who_uses_the_secret_reaches_the_server()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "cache { cache_static_secrets = true }");
        using var http = Client(agent);
        var name = await PutAsync("used");
        await HitAsync(agent, http, $"/v1/secret/data/{name}");

        foreach (var consumer in new[] { "web/1", "web/2" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/secret/data/{name}");
            request.Headers.Add("X-Mayfly-Consumer", consumer);
            using var reply = await http.SendAsync(request, Cancellation);
            Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
            Assert.False(reply.Headers.Contains("X-Cache"));
        }

        var known = await server.Root.SendAsync(
            new MayflyRequest(HttpMethod.Get, "sys/consumers") { Query = [new("path", $"secret/data/{name}")] },
            Cancellation
        );
        Assert.Contains("web/1", known.Data.GetRawText(), StringComparison.Ordinal);
        Assert.Contains("web/2", known.Data.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_write_through_the_agent_is_seen_by_the_next_read()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "cache { cache_static_secrets = true }");
        using var http = Client(agent);
        var name = await PutAsync("v0");
        await HitAsync(agent, http, $"/v1/secret/data/{name}");

        for (var i = 1; i <= 20; i++)
        {
            var body = new StringContent($$$"""{"data":{"value":"v{{{i}}}"}}""", Encoding.UTF8, "application/json");
            (await http.PutAsync($"/v1/secret/data/{name}", body, Cancellation)).EnsureSuccessStatusCode();
            Assert.Contains(
                $"\"v{i}\"",
                await http.GetStringAsync($"/v1/secret/data/{name}", Cancellation),
                StringComparison.Ordinal
            );
        }
    }

    [Fact]
    public async Task A_secret_without_a_lease_is_not_kept_unless_that_is_asked_for()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "cache { }");
        using var http = Client(agent);
        var name = await PutAsync("x");

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("MISS", await CacheAsync(http, $"/v1/secret/data/{name}"));
        }
    }

    [Fact]
    public async Task A_token_that_the_agent_made_is_kept_and_evicted_when_it_is_revoked()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "cache { }");
        using var http = Client(agent);
        var first = await CreateTokenAsync(http);
        Assert.Equal(first, await CreateTokenAsync(http));

        using var revoke = new StringContent($$"""{"token":"{{first}}"}""", Encoding.UTF8, "application/json");
        (await http.PostAsync("/v1/auth/token/revoke", revoke, Cancellation)).EnsureSuccessStatusCode();

        Assert.NotEqual(first, await CreateTokenAsync(http));
    }

    [Fact]
    public async Task A_kept_token_is_renewed_and_let_go_when_that_is_refused()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "cache { }");
        using var http = Client(agent);
        var first = await CreateTokenAsync(http, ttl: "3s");
        await agent.UntilAsync(() => agent.Host.Metrics.Renewals.Value > 0, "the token was not renewed");
        Assert.Equal(first, await CreateTokenAsync(http, ttl: "3s"));

        // Behind the agent's back.
        await AgentServer.WriteAsync(server.Root, "auth/token/revoke", $$"""{"token":"{{first}}"}""");

        await agent.SaysAsync("its renewal was refused");
        Assert.NotEqual(first, await CreateTokenAsync(http, ttl: "3s"));
    }

    [Theory]
    [InlineData("""{"type":"all"}""", true)]
    [InlineData("""{"type":"request_path","value":"/v1/auth/token/cr"}""", true)]
    [InlineData("""{"type":"request_path","value":"/v1/secret"}""", false)]
    [InlineData("""{"type":"token","value":"TOKEN"}""", true)]
    [InlineData("""{"type":"token_accessor","value":"ACCESSOR"}""", true)]
    [InlineData("""{"type":"lease","value":"database/creds/x"}""", false)]
    public async Task The_cache_is_cleared_by_what_is_named(string body, bool isCleared)
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "cache { }");
        using var http = Client(agent);
        var (token, accessor) = await CreateAsync(http, "1h");
        body = body.Replace("TOKEN", token, StringComparison.Ordinal)
            .Replace("ACCESSOR", accessor, StringComparison.Ordinal);

        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        Assert.Equal(
            HttpStatusCode.OK,
            (await http.PostAsync("/agent/v1/cache-clear", content, Cancellation)).StatusCode
        );

        Assert.Equal(isCleared, token != await CreateTokenAsync(http));
    }

    [Theory]
    [InlineData("""{"type":"everything"}""")]
    [InlineData("""{"type":"token"}""")]
    [InlineData("[]")]
    [InlineData("nothing")]
    public async Task A_request_to_clear_that_names_nothing_is_refused(string body)
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "cache { }");
        using var http = Client(agent);
        using var content = new StringContent(body, Encoding.UTF8, "application/json");

        Assert.Equal(
            HttpStatusCode.BadRequest,
            (await http.PostAsync("/agent/v1/cache-clear", content, Cancellation)).StatusCode
        );
    }

    [Fact]
    public async Task The_same_request_many_times_at_once_is_asked_once()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "cache { }");
        using var http = Client(agent);

        var tokens = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => CreateTokenAsync(http)));

        Assert.Single(tokens.Distinct());
    }

    [Fact]
    public async Task A_body_of_eight_mebibytes_goes_through_both_ways()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "cache { cache_static_secrets = true }");
        using var http = Client(agent);
        var name = server.Name("big");
        var value = new string('x', 1 << 20);
        using var body = new StringContent(
            "{\"data\":{" + string.Join(',', Enumerable.Range(0, 8).Select(i => $"\"k{i}\":\"{value}\"")) + "}}",
            Encoding.UTF8,
            "application/json"
        );

        (await http.PutAsync($"/v1/secret/data/{name}", body, Cancellation)).EnsureSuccessStatusCode();

        Assert.Contains(
            value,
            await http.GetStringAsync($"/v1/secret/data/{name}", Cancellation),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_stream_of_events_comes_through_as_it_is_sent()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "cache { }");
        using var through = new MayflyClient(
            new MayflyClientOptions { Address = agent.Address, Token = ServerProcess.DevToken }
        );
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        var connected = new TaskCompletionSource();
        var name = server.Name("seen");
        var writing = connected
            .Task.ContinueWith(
                _ => PutAsync("x", name),
                Cancellation,
                TaskContinuationOptions.None,
                TaskScheduler.Default
            )
            .Unwrap();

        await foreach (
            var change in through.SubscribeAsync(
                "kv*",
                new SubscriptionOptions { Connected = () => connected.TrySetResult() },
                limit.Token
            )
        )
        {
            if (change.DataPath == $"secret/data/{name}")
            {
                break;
            }
        }

        await writing;
    }

    [Fact]
    public async Task Metrics_are_told_in_both_forms_and_a_listener_can_be_for_them_alone()
    {
        using var folder = new AgentFolder();
        await using var agent = await StartAsync(folder, "", listener: "role = \"metrics_only\"");
        using var http = Client(agent);
        await agent.SaysAsync("Logged in");

        Assert.Contains(
            "vault_agent_auth_success 1\n",
            await http.GetStringAsync("/agent/v1/metrics?format=prometheus", Cancellation),
            StringComparison.Ordinal
        );
        using var json = JsonDocument.Parse(await http.GetStringAsync("/agent/v1/metrics", Cancellation));
        Assert.NotEmpty(json.RootElement.GetProperty("Gauges").EnumerateArray());
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/v1/sys/health", Cancellation)).StatusCode);
    }

    [Fact]
    public async Task Quit_ends_the_agent_only_where_that_is_enabled()
    {
        using var folder = new AgentFolder();
        await using var closed = await StartAsync(folder, "");
        using var cannot = Client(closed);
        Assert.Equal(
            HttpStatusCode.NotFound,
            (await cannot.PostAsync("/agent/v1/quit", null, Cancellation)).StatusCode
        );

        await using var open = await StartAsync(folder, "", listener: "agent_api { enable_quit = true }");
        using var can = Client(open);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await can.GetAsync("/agent/v1/quit", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await can.PostAsync("/agent/v1/quit", null, Cancellation)).StatusCode);
        Assert.Equal(0, await open.EndedAsync());
    }

    [Theory]
    [InlineData("allowed_uids = [0]", true)]
    [InlineData("allowed_gids = [0]", true)]
    [InlineData("allowed_uids = [12345]", false)]
    [InlineData("allowed_gids = [12345]", false)]
    [InlineData("", true)]
    public async Task A_unix_socket_is_for_the_programs_that_are_named(string allowed, bool isLetIn)
    {
        using var folder = new AgentFolder();
        var path = folder.At("socket");
        await server.AppRoleAsync(folder);
        await using var agent = await RunningAgent.StartAsync(
            Configuration(folder, "")
                + $$"""

                listener "unix" { address = "{{path}}" {{allowed}} }
                """
        );
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var http = new HttpClient(handler) { BaseAddress = new Uri("http://localhost") };

        if (isLetIn)
        {
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/v1/sys/health", Cancellation)).StatusCode);
        }
        else
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync("/v1/sys/health", Cancellation));
            await agent.SaysAsync("Turned away process");
        }
    }

    [Fact]
    public void A_peer_is_let_in_by_any_of_its_groups() =>
        Assert.All(
            new (PeerCredentials, ListenerStanza, bool)[]
            {
                (new(1, 5, 6), new(new UnixAddress("/x")), true),
                (new(1, 5, 6), new(new UnixAddress("/x")) { AllowedUsers = [5] }, true),
                (new(1, 5, 6), new(new UnixAddress("/x")) { AllowedGroups = [6] }, true),
                (
                    new(int.MaxValue, 5, 6),
                    new(new UnixAddress("/x")) { AllowedUsers = [6], AllowedGroups = [5] },
                    false
                ),
            },
            each => Assert.Equal(each.Item3, each.Item1.MayUse(each.Item2))
        );

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private async Task<RunningAgent> StartAsync(
        AgentFolder folder,
        string more,
        string use = "true",
        string listener = ""
    )
    {
        await server.AppRoleAsync(folder);
        return await RunningAgent.StartAsync(
            Configuration(folder, more, use)
                + $$"""

                listener "tcp" {
                  address = "127.0.0.1:0"
                  tls_disable = true
                  {{listener}}
                }
                """
        );
    }

    private string Configuration(AgentFolder folder, string more, string use = "true") =>
        $$"""
            vault { address = "{{server.Address}}" }
            auto_auth {
              method "approle" {
                config = {
                  role_id_file_path = "{{folder.At("roleid")}}"
                  secret_id_file_path = "{{folder.At("secretid")}}"
                }
              }
            }
            api_proxy { use_auto_auth_token = {{use}} }
            {{more}}
            """;

    private static HttpClient Client(RunningAgent agent, string? token = null)
    {
        var http = new HttpClient { BaseAddress = new Uri(agent.Address) };
        if (token is not null)
        {
            http.DefaultRequestHeaders.Add("X-Vault-Token", token);
        }

        return http;
    }

    private async Task<string> PutAsync(string value, string? name = null)
    {
        name ??= server.Name("static");
        await AgentServer.WriteAsync(server.Root, $"secret/data/{name}", $$$"""{"data":{"value":"{{{value}}}"}}""");
        return name;
    }

    private static async Task<string> CacheAsync(HttpClient http, string path)
    {
        using var reply = await http.GetAsync(path, Cancellation);
        return reply.Headers.GetValues("X-Cache").Single();
    }

    /// <summary>Reads until the answer is kept: the agent must hear events first.</summary>
    private static Task HitAsync(RunningAgent agent, HttpClient http, string path) =>
        agent.UntilAsync(() => CacheAsync(http, path).GetAwaiter().GetResult() == "HIT", $"{path} is not kept");

    private static async Task<string> CreateTokenAsync(HttpClient http, string ttl = "1h") =>
        (await CreateAsync(http, ttl)).Token;

    private static async Task<(string Token, string Accessor)> CreateAsync(HttpClient http, string ttl)
    {
        using var body = new StringContent(
            $$"""{"ttl":"{{ttl}}","policies":["agent"]}""",
            Encoding.UTF8,
            "application/json"
        );
        using var reply = await http.PostAsync("/v1/auth/token/create", body, Cancellation);
        using var json = JsonDocument.Parse(await reply.Content.ReadAsStringAsync(Cancellation));
        var auth = json.RootElement.GetProperty("auth");
        return (auth.GetProperty("client_token").GetString()!, auth.GetProperty("accessor").GetString()!);
    }
}
