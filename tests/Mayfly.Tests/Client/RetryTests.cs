using System.Net;
using System.Net.Sockets;
using Mayfly.Client;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Tests.Client;

/// <summary>Which requests are sent again, and when.</summary>
public sealed class RetryTests
{
    private static readonly ReadOnlyMemory<byte> Body = "{}"u8.ToArray();

    private readonly ManualTime _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    public async Task A_write_is_not_repeated_after_an_answer_that_leaves_open_what_was_done(int status)
    {
        await using var server = await RecordingServer.StartAsync();
        server.On("PUT /v1/x", status, """{"errors":["later"]}""");
        using var client = new MayflyClient(Options(server.Address));

        Assert.Equal(status, (await client.WriteAsync("x", Body, Cancellation)).Status);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_write_is_repeated_after_429_which_says_that_nothing_was_done()
    {
        await using var server = await RecordingServer.StartAsync();
        server.On("PUT /v1/x", 429).On("PUT /v1/x", 204);
        using var client = new MayflyClient(Options(server.Address));

        Assert.Equal(204, (await PassAsync(client.WriteAsync("x", Body, Cancellation))).Status);
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task A_read_that_makes_credentials_is_not_repeated()
    {
        await using var server = await RecordingServer.StartAsync();
        server.On("GET /v1/database/creds/app", 500);
        using var client = new MayflyClient(Options(server.Address));

        var failure = await Assert.ThrowsAsync<MayflyApiException>(() =>
            client.Database().CredentialsAsync("app", Cancellation)
        );

        Assert.Equal(500, failure.Status);
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData("database/creds/app", 1)]
    [InlineData("secret/data/app", 3)]
    public async Task A_live_secret_that_is_made_by_reading_it_is_not_read_twice(string name, int requests)
    {
        await using var server = await RecordingServer.StartAsync();
        server.On("GET /v1/" + name, 500);
        using var client = new MayflyClient(Options(server.Address));

        var fetch = new MayflySecretSource(client).FetchAsync(name, Cancellation);
        while (!fetch.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(2, Cancellation);
        }

        await Assert.ThrowsAsync<SecretSourceException>(() => fetch);
        Assert.Equal(requests, server.Requests.Count);
    }

    [Fact]
    public async Task A_write_is_repeated_when_no_connection_could_be_made()
    {
        var port = FreePort.Choose();
        using var client = new MayflyClient(Options($"http://127.0.0.1:{port}") with { MaxRetries = 1000 });

        var write = client.WriteAsync("x", Body, Cancellation);
        await PassSomeAsync();
        Assert.False(write.IsCompleted);
        await using var listener = new OneAnswer(port, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");

        Assert.Equal(204, (await PassAsync(write)).Status);
    }

    [Fact]
    public async Task A_write_is_not_repeated_when_its_connection_broke()
    {
        var port = FreePort.Choose();
        await using var listener = new OneAnswer(port, "");
        using var client = new MayflyClient(Options($"http://127.0.0.1:{port}"));

        await Assert.ThrowsAsync<MayflyConnectionException>(() => client.WriteAsync("x", Body, Cancellation));
        Assert.Equal(1, listener.Connections);
    }

    [Fact]
    public async Task A_read_is_repeated_when_its_connection_broke()
    {
        var port = FreePort.Choose();
        await using var listener = new OneAnswer(port, "");
        using var client = new MayflyClient(Options($"http://127.0.0.1:{port}"));

        await Assert.ThrowsAsync<MayflyConnectionException>(() => PassAsync(client.ReadAsync("x", Cancellation)));
        Assert.True(listener.Connections >= 3, $"{listener.Connections} connections");
    }

    [Theory]
    [InlineData("4", 4)]
    [InlineData("Thu, 01 Jan 2026 00:00:07 GMT", 7)]
    [InlineData("Wed, 31 Dec 2025 00:00:00 GMT", 0)]
    public async Task The_wait_that_the_server_asks_for_is_kept(string retryAfter, int seconds)
    {
        await using var server = await RecordingServer.StartAsync();
        server.On("GET /v1/x", 429, retryAfter: retryAfter).On("GET /v1/x", 200, "{}");
        using var client = new MayflyClient(Options(server.Address));

        Assert.Equal(200, (await PassAsync(client.ReadAsync("x", Cancellation))).Status);

        var waited = _time.GetUtcNow() - new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        Assert.True(waited >= TimeSpan.FromSeconds(seconds), $"waited {waited}");
    }

    [Theory]
    [InlineData("3600")]
    [InlineData("Thu, 01 Jan 2026 01:00:00 GMT")]
    public async Task An_answer_is_returned_when_the_wait_would_be_too_long(string retryAfter)
    {
        await using var server = await RecordingServer.StartAsync();
        server.On("GET /v1/x", 503, """{"errors":["later"]}""", retryAfter: retryAfter);
        using var client = new MayflyClient(Options(server.Address));

        var response = await client.ReadAsync("x", Cancellation);

        Assert.Equal((503, TimeSpan.FromHours(1)), (response.Status, response.RetryAfter));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Waits_differ_so_that_clients_do_not_come_together()
    {
        await using var server = await RecordingServer.StartAsync();
        server.On("GET /v1/x", 503);
        var waits = new HashSet<TimeSpan>();
        for (var i = 0; i < 10; i++)
        {
            var time = new ManualTime();
            using var client = new MayflyClient(Options(server.Address) with { Time = time, MaxRetries = 1 });
            var began = time.GetUtcNow();
            var read = client.ReadAsync("x", Cancellation);
            while (!read.IsCompleted)
            {
                time.Advance(TimeSpan.FromMilliseconds(1));
                await Task.Yield();
            }

            waits.Add(time.GetUtcNow() - began);
        }

        Assert.True(waits.Count > 3);
    }

    [Fact]
    public async Task Waiting_ends_when_nobody_waits_any_more()
    {
        await using var server = await RecordingServer.StartAsync();
        server.On("GET /v1/x", 503);
        using var client = new MayflyClient(Options(server.Address));
        using var patience = new CancellationTokenSource();

        var read = client.ReadAsync("x", patience.Token);
        await PassSomeAsync();
        await patience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
    }

    private MayflyClientOptions Options(string address) =>
        new()
        {
            Address = address,
            Time = _time,
            Timeout = Timeout.InfiniteTimeSpan,
        };

    private async Task<MayflyResponse> PassAsync(Task<MayflyResponse> answer)
    {
        while (!answer.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(2, Cancellation);
        }

        return await answer;
    }

    /// <summary>Real time, in which sockets can do something; and a moment of the client's.</summary>
    private async Task PassSomeAsync()
    {
        await Task.Delay(50, Cancellation);
        _time.Advance(TimeSpan.FromMilliseconds(50));
        await Task.Delay(50, Cancellation);
    }

    /// <summary>Reads each request's beginning, answers with given bytes, and closes the connection.</summary>
    private sealed class OneAnswer : IAsyncDisposable
    {
        private readonly TcpListener _listener;
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _loop;
        private int _connections;

        public OneAnswer(int port, string answer)
        {
            _listener = new TcpListener(IPAddress.Loopback, port);
            _listener.Start();
            _loop = AcceptAsync(System.Text.Encoding.ASCII.GetBytes(answer));
        }

        public int Connections => Volatile.Read(ref _connections);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _listener.Dispose();
            _stop.Dispose();
        }

        private async Task AcceptAsync(byte[] answer)
        {
            while (true)
            {
                using var connection = await _listener.AcceptTcpClientAsync(_stop.Token);
                Interlocked.Increment(ref _connections);
                await using var stream = connection.GetStream();
                _ = await stream.ReadAsync(new byte[4096], _stop.Token);
                await stream.WriteAsync(answer, _stop.Token);
            }
        }
    }
}
