using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Mayfly.Core.Pipeline;
using Mayfly.Server.Http.Vault;

namespace Mayfly.Tests.Http;

/// <summary>Bad input over a real socket: a 4xx with a message each time, and nothing reaches the vault.</summary>
public sealed class HostileInputTests : IAsyncLifetime
{
    private readonly List<string> _seen = [];
    private DialectServer _server = null!;

    public async ValueTask InitializeAsync() =>
        _server = await DialectServer.StartAsync(
            (request, _) =>
            {
                _seen.Add(request.Path);
                return new(Outcome.Done);
            }
        );

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    public static TheoryData<string, byte[]> BadBodies =>
        new()
        {
            { "cut off", "{\"a\":"u8.ToArray() },
            { "array", "[1]"u8.ToArray() },
            { "string", "\"x\""u8.ToArray() },
            { "number", "1"u8.ToArray() },
            { "text", "key=value"u8.ToArray() },
            { "trailing data", "{} {}"u8.ToArray() },
            { "trailing comma", "{\"a\":1,}"u8.ToArray() },
            { "comment", "{/* */}"u8.ToArray() },
            { "same key twice", "{\"a\":1,\"a\":2}"u8.ToArray() },
            { "same key twice below", "{\"data\":{\"a\":1,\"\\u0061\":2}}"u8.ToArray() },
            { "invalid UTF-8", [.. "{\"a\":\""u8, 0xFF, 0xFE, .. "\"}"u8] },
            { "overlong UTF-8", [.. "{\"a\":\""u8, 0xC0, 0xAF, .. "\"}"u8] },
            { "half a surrogate pair", "{\"a\":\"\\ud800\"}"u8.ToArray() },
            { "half a surrogate pair as a key", "{\"\\udc00\":1}"u8.ToArray() },
            { "control character", "{\"a\":\"\u0001\"}"u8.ToArray() },
            { "NUL", "\0"u8.ToArray() },
            { "byte order mark", [0xEF, 0xBB, 0xBF, .. "{}"u8] },
            { "deep arrays", Encoding.ASCII.GetBytes("{\"a\":" + new string('[', 100_000)) },
            {
                "deep objects",
                Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", 65)) + "1" + new string('}', 65))
            },
            {
                "a million values",
                Encoding.ASCII.GetBytes("{\"a\":[0" + string.Concat(Enumerable.Repeat(",0", 1_000_000)) + "]}")
            },
            { "not a number", "{\"a\":NaN}"u8.ToArray() },
        };

    [Theory]
    [MemberData(nameof(BadBodies))]
    public async Task Bad_body_is_refused_with_a_message(string what, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");

        using var reply = await _server.Client.PostAsync(
            new Uri("/v1/secret/data/a", UriKind.Relative),
            content,
            TestContext.Current.CancellationToken
        );

        Assert.True(reply.StatusCode == HttpStatusCode.BadRequest, what);
        await AssertErrorAsync(reply);
        Assert.Empty(_seen);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("")]
    [InlineData("null")]
    [InlineData(" \n{\"a\":\"\\ud83d\\ude00\"} ")]
    public async Task Good_body_arrives(string body)
    {
        using var content = new StringContent(body);

        using var reply = await _server.Client.PutAsync(
            new Uri("/v1/secret/data/a", UriKind.Relative),
            content,
            TestContext.Current.CancellationToken
        );

        Assert.Equal(HttpStatusCode.NoContent, reply.StatusCode);
        Assert.Single(_seen);
    }

    [Theory]
    [InlineData("/v1/a/../b")]
    [InlineData("/v1/a//b")]
    [InlineData("/v1/a/%2e%2e/b")]
    [InlineData("/v1/a/%2f/b")]
    [InlineData("/v1/a/%0d%0aX:1")]
    [InlineData("/v1/a/%ff")]
    [InlineData("/v1/a?x=%ff")]
    [InlineData("/v1/a/%zz")]
    public async Task Bad_target_is_refused_with_a_message(string target)
    {
        var answer = await _server.RawGetAsync(target);

        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Contains("{\"errors\":[\"", answer);
        Assert.Empty(_seen);
    }

    [Theory]
    [InlineData("GET /v1/a\0b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /v1/a%00b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /v1/a\u00ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("GARBAGE\r\n\r\n")]
    [InlineData("GET /v1/a HTTP/1.1\r\nHost: x\r\nX-Vault-Token: a\0b\r\nConnection: close\r\n\r\n")]
    [InlineData("POST /v1/a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n")]
    [InlineData("POST /v1/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")]
    [InlineData("POST /v1/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n\r\n")]
    public async Task What_is_not_HTTP_is_refused(string request)
    {
        var answer = await _server.RawAsync(request);

        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Contains("{\"errors\":[\"", answer);
        Assert.Empty(_seen);
    }

    [Fact]
    public async Task Too_large_a_head_is_refused_with_a_message()
    {
        var line = await _server.RawGetAsync("/v1/" + new string('a', 70_000));
        var headers = await _server.RawAsync(
            $"GET /v1/a HTTP/1.1\r\nHost: x\r\nX-Long: {new string('a', 70_000)}\r\nConnection: close\r\n\r\n"
        );

        Assert.StartsWith("HTTP/1.1 414 ", line);
        Assert.Contains("the request line is too long", line);
        Assert.StartsWith("HTTP/1.1 431 ", headers);
        Assert.Contains("the headers are too large", headers);
    }

    [Theory]
    [InlineData("TRACE")]
    [InlineData("OPTIONS")]
    [InlineData("FOO")]
    [InlineData("HEAD")]
    public async Task Unknown_method_is_refused(string method)
    {
        var answer = await _server.RawAsync($"{method} /v1/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 405 ", answer);
        Assert.Empty(_seen);
    }

    [Fact]
    public async Task Huge_body_is_refused_before_it_is_read()
    {
        var answer = await _server.RawAsync(
            $"POST /v1/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {RequestBody.MaxBytes + 1}\r\n\r\n{{"
        );

        Assert.StartsWith("HTTP/1.1 413 ", answer);
        Assert.Contains("larger than", answer);
    }

    [Fact]
    public async Task Huge_body_in_chunks_is_refused()
    {
        using var content = new StreamContent(new Endless(RequestBody.MaxBytes + 1024));
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/v1/a", UriKind.Relative));
        request.Content = content;
        request.Headers.TransferEncodingChunked = true;
        request.Headers.ExpectContinue = false;

        try
        {
            using var reply = await _server.Client.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, reply.StatusCode);
        }
        catch (HttpRequestException)
        {
            // The server may close the connection while the client is still sending.
        }

        Assert.Empty(_seen);
    }

    [Theory]
    [InlineData("X-Vault-Wrap-TTL: -5")]
    [InlineData("X-Vault-Wrap-TTL: 99999999999999999999")]
    [InlineData("X-Vault-Wrap-TTL: soon")]
    [InlineData("X-Vault-Token: a\r\nX-Vault-Token: b")]
    public async Task Bad_header_is_refused(string header)
    {
        var answer = await _server.RawAsync($"GET /v1/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.Contains("{\"errors\":[\"", answer);
    }

    [Fact]
    public async Task Other_paths_are_not_found()
    {
        Assert.StartsWith("HTTP/1.1 404 ", await _server.RawGetAsync("/"));
        Assert.StartsWith("HTTP/1.1 404 ", await _server.RawGetAsync("/v2/a"));
        Assert.StartsWith("HTTP/1.1 404 ", await _server.RawGetAsync("/v1"));
    }

    private static async Task AssertErrorAsync(HttpResponseMessage reply)
    {
        Assert.Equal("application/json", reply.Content.Headers.ContentType?.ToString());
        Assert.True(reply.Headers.CacheControl?.NoStore);
        using var json = JsonDocument.Parse(
            await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
        );
        Assert.NotEqual("", json.RootElement.GetProperty("errors")[0].GetString());
    }

    /// <summary>So many bytes of white space.</summary>
    private sealed class Endless(long length) : Stream
    {
        private long _left = length;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var n = (int)Math.Min(count, _left);
            buffer.AsSpan(offset, n).Fill((byte)' ');
            _left -= n;
            return n;
        }

        public override void Flush() { }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
