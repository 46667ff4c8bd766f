using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Mayfly.Tests.Events;

/// <summary>A real server process, and subscribers that come in through its front door.</summary>
public sealed class LiveEventTests : IAsyncLifetime
{
    private const string Canary = "canary-value-31c0ffee";

    private readonly HttpClient _http = new();
    private ServerProcess _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await ServerProcess.StartDevAsync();

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_web_socket_carries_what_changes_and_no_value()
    {
        using var socket = await ConnectAsync("kv-v2/data-*", ServerProcess.DevToken);
        await WriteAsync("app");
        var text = await ReceiveAsync(socket);
        var data = JsonDocument.Parse(text).RootElement.GetProperty("data");
        Assert.Equal("kv-v2/data-write", data.GetProperty("event_type").GetString());
        var metadata = data.GetProperty("event").GetProperty("metadata");
        Assert.Equal("secret/data/app", metadata.GetProperty("data_path").GetString());
        Assert.Equal("1", metadata.GetProperty("current_version").GetString());
        Assert.DoesNotContain(Canary, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_sent_events_carry_the_same_and_go_on_after_the_last_id()
    {
        string id;
        await using (var reader = await OpenAsync("kv*"))
        {
            Assert.Equal("text/event-stream", reader.Reply.Content.Headers.ContentType?.MediaType);
            await WriteAsync("app");
            var item = (await reader.NextAsync())!.Value;
            Assert.Equal("kv-v2/data-write", item.EventType);
            Assert.DoesNotContain(Canary, item.Data, StringComparison.Ordinal);
            id = item.EventId!;
            Assert.Equal(id, JsonDocument.Parse(item.Data).RootElement.GetProperty("id").GetString());
        }

        await WriteAsync("meanwhile");
        await using var again = await OpenAsync("kv*", lastEventId: id);
        Assert.Contains("secret/data/meanwhile", (await again.NextAsync())!.Value.Data, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_revoked_token_ends_its_streams_with_a_reason()
    {
        var token = await TokenAsync();
        using var socket = await ConnectAsync("*", token);
        await using var reader = await OpenAsync("*", token);
        await SendAsync(HttpMethod.Post, "auth/token/revoke", new { token });
        var close = await socket.ReceiveAsync(new byte[100], Cancellation);
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, close.CloseStatus);
        Assert.Equal("the token has ended", close.CloseStatusDescription);
        var item = (await reader.NextAsync())!.Value;
        Assert.Equal("end", item.EventType);
        Assert.Contains("the token has ended", item.Data, StringComparison.Ordinal);
        Assert.Null(await reader.NextAsync());
    }

    [Fact]
    public async Task Sealing_ends_streams_with_a_reason()
    {
        using var socket = await ConnectAsync("*", ServerProcess.DevToken);
        await using var reader = await OpenAsync("*");
        await SendAsync(HttpMethod.Put, "sys/seal", new { });
        var close = await socket.ReceiveAsync(new byte[100], Cancellation);
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, close.CloseStatus);
        Assert.Equal("end", (await reader.NextAsync())!.Value.EventType);
        Assert.Null(await reader.NextAsync());
    }

    [Fact]
    public async Task Stopping_the_server_ends_streams_with_a_reason()
    {
        using var socket = await ConnectAsync("*", ServerProcess.DevToken);
        await using var reader = await OpenAsync("*");
        var stopping = _server.StopAsync();
        var close = await socket.ReceiveAsync(new byte[100], Cancellation);
        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, close.CloseStatus);
        Assert.Equal("end", (await reader.NextAsync())!.Value.EventType);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", Cancellation);
        Assert.Equal(0, await stopping);
    }

    [Theory]
    [InlineData("?json=true&token=" + ServerProcess.DevToken)]
    [InlineData("?json=true&X-Vault-Token=" + ServerProcess.DevToken)]
    [InlineData("?format=sse&access_token=" + ServerProcess.DevToken)]
    public async Task A_token_in_the_address_is_none(string query)
    {
        using var reply = await _http.GetAsync(
            new Uri($"{_server.Address}/v1/sys/events/subscribe/*{query}"),
            Cancellation
        );
        Assert.Equal(HttpStatusCode.Forbidden, reply.StatusCode);
    }

    [Fact]
    public async Task Subscriptions_are_counted_in_the_metrics()
    {
        await using var reader = await OpenAsync("kv*");
        await WriteAsync("app");
        Assert.NotNull(await reader.NextAsync());
        using var request = new HttpRequestMessage(
            HttpMethod.Get,
            $"{_server.Address}/v1/sys/metrics?format=prometheus"
        );
        request.Headers.Add("X-Vault-Token", ServerProcess.DevToken);
        using var reply = await _http.SendAsync(request, Cancellation);
        var text = await reply.Content.ReadAsStringAsync(Cancellation);
        Assert.Contains("\nmayfly_events_subscriptions 1\n", text, StringComparison.Ordinal);
        Assert.Contains("\nmayfly_events_published_total 1\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_thousand_subscribers_all_learn_of_a_change()
    {
        const int Count = 1_000;
        var readers = new List<SseReader>(Count);
        try
        {
            for (var i = 0; i < Count; i++)
            {
                readers.Add(await OpenAsync("kv-v2/data-write"));
            }

            var reading = Task.WhenAll(readers.Select(reader => reader.NextAsync()));
            await WriteAsync("app");
            var items = await reading;
            Assert.All(items, item => Assert.Contains("secret/data/app", item!.Value.Data, StringComparison.Ordinal));
            Assert.Single(items.Select(item => item!.Value.EventId).Distinct(StringComparer.Ordinal));
        }
        finally
        {
            foreach (var reader in readers)
            {
                await reader.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task The_command_line_prints_events_as_lines_until_it_is_interrupted()
    {
        var start = new ProcessStartInfo(
            ServerProcess.Program("mayfly"),
            ["events", "subscribe", "-filter=data_path == secret/data/wanted", "kv*"]
        )
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        start.Environment["MAYFLY_ADDR"] = _server.Address;
        start.Environment["MAYFLY_TOKEN"] = ServerProcess.DevToken;
        using var process = Process.Start(start)!;
        try
        {
            // It does not say when it listens: so there is something to hear until it does.
            var line = process.StandardOutput.ReadLineAsync(Cancellation).AsTask();
            while (!line.IsCompleted)
            {
                await WriteAsync("other");
                await WriteAsync("wanted");
                await Task.WhenAny(line, Task.Delay(20, Cancellation));
            }

            var root = JsonDocument.Parse((await line)!).RootElement;
            Assert.Equal(
                "secret/data/wanted",
                root.GetProperty("data").GetProperty("event").GetProperty("metadata").GetProperty("path").GetString()
            );
            using var kill = Process.Start("kill", ["-INT", $"{process.Id}"]);
            await process.WaitForExitAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    private Task<SseReader> OpenAsync(string type, string? token = null, string? lastEventId = null) =>
        SseReader.OpenAsync(
            _http,
            new Uri($"{_server.Address}/v1/sys/events/subscribe/{type}"),
            token ?? ServerProcess.DevToken,
            lastEventId
        );

    private async Task<ClientWebSocket> ConnectAsync(string type, string token)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("X-Vault-Token", token);
        var address = _server.Address.Replace("http://", "ws://", StringComparison.Ordinal);
        await socket.ConnectAsync(new Uri($"{address}/v1/sys/events/subscribe/{type}?json=true"), Cancellation);
        return socket;
    }

    private static async Task<string> ReceiveAsync(ClientWebSocket socket)
    {
        var buffer = new byte[16_384];
        var message = await socket.ReceiveAsync(buffer, Cancellation);
        Assert.Equal(WebSocketMessageType.Text, message.MessageType);
        Assert.True(message.EndOfMessage);
        return Encoding.UTF8.GetString(buffer, 0, message.Count);
    }

    private async Task WriteAsync(string name) =>
        await SendAsync(HttpMethod.Post, $"secret/data/{name}", new { data = new { k = Canary } });

    private async Task<string> TokenAsync()
    {
        const string Policy = """path "sys/events/subscribe/*" { capabilities = ["read"] }""";
        await SendAsync(HttpMethod.Put, "sys/policies/acl/listener", new { policy = Policy });
        var made = await SendAsync(HttpMethod.Post, "auth/token/create", new { policies = new[] { "listener" } });
        return made.GetProperty("auth").GetProperty("client_token").GetString()!;
    }

    private async Task<JsonElement> SendAsync(HttpMethod method, string path, object body)
    {
        using var request = new HttpRequestMessage(method, $"{_server.Address}/v1/{path}");
        request.Headers.Add("X-Vault-Token", ServerProcess.DevToken);
        request.Content = JsonContent.Create(body);
        using var reply = await _http.SendAsync(request, Cancellation);
        Assert.True(reply.IsSuccessStatusCode, $"{path}: {reply.StatusCode}");
        var text = await reply.Content.ReadAsStringAsync(Cancellation);
        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }
}
