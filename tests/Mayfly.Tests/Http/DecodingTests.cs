using System.Net;
using System.Text;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Http;

/// <summary>What reaches the vault of a request.</summary>
public sealed class DecodingTests : IAsyncLifetime
{
    private readonly CapturedLog _log = new();
    private readonly List<(
        Operation Operation,
        string Path,
        string? Token,
        string Body,
        TimeSpan? Wrap,
        string? Type
    )> _seen = [];
    private DialectServer _server = null!;

    public async ValueTask InitializeAsync() =>
        _server = await DialectServer.StartAsync(
            (request, _) =>
            {
                var body = Encoding.UTF8.GetString(request.Body.Span);
                _seen.Add((request.Operation, request.Path, request.Token, body, request.WrapTtl, request.ContentType));
                return new(Outcome.Done);
            },
            logs: _log.Factory
        );

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _log.Dispose();
    }

    [Theory]
    [InlineData("GET", "/v1/secret/a", Operation.Read, "secret/a")]
    [InlineData("GET", "/v1/secret/a?list=true", Operation.List, "secret/a/")]
    [InlineData("GET", "/v1/secret/a/?list=1", Operation.List, "secret/a/")]
    [InlineData("GET", "/v1/secret/a?list=false", Operation.Read, "secret/a")]
    [InlineData("GET", "/v1/secret/a?help=1", Operation.Help, "secret/a")]
    [InlineData("LIST", "/v1/secret/a", Operation.List, "secret/a/")]
    [InlineData("LIST", "/v1/secret/a/", Operation.List, "secret/a/")]
    [InlineData("POST", "/v1/secret/a", Operation.Update, "secret/a")]
    [InlineData("PUT", "/v1/secret/a", Operation.Update, "secret/a")]
    [InlineData("PATCH", "/v1/secret/a", Operation.Patch, "secret/a")]
    [InlineData("DELETE", "/v1/secret/a", Operation.Delete, "secret/a")]
    public async Task Method_and_query_say_the_operation(string method, string target, Operation operation, string path)
    {
        await _server.RawAsync(
            $"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );

        var (seenOperation, seenPath, _, _, _, _) = Assert.Single(_seen);
        Assert.Equal(operation, seenOperation);
        Assert.Equal(path, seenPath);
    }

    [Theory]
    [InlineData("X-Vault-Token: hvs.a", "hvs.a")]
    [InlineData("Authorization: Bearer hvs.a", "hvs.a")]
    [InlineData("authorization: bearer hvs.a", "hvs.a")]
    [InlineData("X-Vault-Token: hvs.a\r\nAuthorization: Bearer hvs.b", "hvs.a")]
    [InlineData("Authorization: Basic abc", null)]
    [InlineData("X-Vault-Token: ", null)]
    [InlineData("X-Vault-Namespace: nowhere", null)]
    public async Task Token_comes_from_either_header(string header, string? token)
    {
        await _server.RawAsync($"GET /v1/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n\r\n");

        Assert.Equal(token, Assert.Single(_seen).Token);
    }

    [Theory]
    [InlineData("60", 60)]
    [InlineData("5m", 300)]
    [InlineData("0", null)]
    public async Task Wrap_TTL_is_a_duration(string text, int? seconds)
    {
        await _server.RawAsync(
            $"GET /v1/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Vault-Wrap-TTL: {text}\r\n\r\n"
        );

        Assert.Equal(seconds, (int?)Assert.Single(_seen).Wrap?.TotalSeconds);
    }

    [Fact]
    public async Task Body_in_chunks_arrives_whole()
    {
        await _server.RawAsync(
            "POST /v1/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/merge-patch+json\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\n\r\n"
        );

        var request = Assert.Single(_seen);
        Assert.Equal("{\"a\":1}", request.Body);
        Assert.Equal("application/merge-patch+json", request.Type);
    }

    [Fact]
    public async Task Requests_on_one_connection_do_not_mix()
    {
        const string Head = "HTTP/1.1\r\nHost: x\r\n";
        await _server.RawAsync(
            $"GET /v1/a {Head}X-Vault-Token: one\r\n\r\nGET /v1/a {Head}\r\nPOST /v1/b {Head}Content-Length: 7\r\n\r\n"
                + $"{{\"a\":1}}GET /v1/b {Head}Connection: close\r\n\r\n"
        );

        Assert.Equal(["a", "a", "b", "b"], _seen.Select(request => request.Path));
        Assert.Equal(["one", null, null, null], _seen.Select(request => request.Token));
        Assert.Equal(["", "", "{\"a\":1}", ""], _seen.Select(request => request.Body));
    }

    [Fact]
    public async Task Nothing_of_headers_queries_and_bodies_is_logged()
    {
        using var content = new StringContent("{\"password\":\"canary-body\",\"broken\":");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/v1/a?q=canary-query", UriKind.Relative));
        request.Content = content;
        request.Headers.Add("X-Vault-Token", "canary-token");
        request.Headers.Add("Authorization", "Bearer canary-bearer");
        request.Headers.Add("X-Custom", "canary-header");

        using var reply = await _server.Client.SendAsync(request, TestContext.Current.CancellationToken);
        var answer = await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        await _server.RawAsync(
            "GET /v1/a HTTP/1.1\r\nHost: x\r\nX-Vault-Token: canary\0token\r\nConnection: close\r\n\r\n"
        );

        Assert.Equal(HttpStatusCode.BadRequest, reply.StatusCode);
        Assert.DoesNotContain("canary", answer);
        Assert.DoesNotContain("canary", _log.Text);
        Assert.NotEqual("", _log.Text);
    }
}
