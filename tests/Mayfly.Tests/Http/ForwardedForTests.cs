using System.Net;
using Mayfly.Core.Pipeline;
using Mayfly.Hosting.Listeners;
using Mayfly.Server.Http;

namespace Mayfly.Tests.Http;

public sealed class ForwardedForTests
{
    [Theory]
    [InlineData("203.0.113.7", "203.0.113.7")]
    [InlineData("198.51.100.1, 203.0.113.7", "203.0.113.7")]
    [InlineData("2001:db8::1", "2001:db8::1")]
    public async Task What_an_authorized_proxy_says_counts(string header, string expected) =>
        Assert.Equal((200, expected), await AskAsync(Of("127.0.0.0/8"), header));

    [Fact]
    public async Task Hops_are_skipped_from_the_end() =>
        Assert.Equal(
            (200, "198.51.100.1"),
            await AskAsync(Of("127.0.0.1") with { HopSkips = 1 }, "198.51.100.1, 203.0.113.7")
        );

    [Fact]
    public async Task Nobody_is_believed_without_a_list() =>
        Assert.Equal((200, "127.0.0.1"), await AskAsync(null, "203.0.113.7"));

    [Fact]
    public async Task A_stranger_is_refused_or_not_believed()
    {
        var (status, said) = await AskAsync(Of("10.0.0.0/8"), "203.0.113.7");
        Assert.Equal(400, status);
        Assert.Contains("client address not authorized for x-forwarded-for", said, StringComparison.Ordinal);
        Assert.Equal(
            (200, "127.0.0.1"),
            await AskAsync(Of("10.0.0.0/8") with { RejectNotAuthorized = false }, "203.0.113.7")
        );
    }

    [Fact]
    public async Task A_request_without_the_header_is_refused_or_counts_as_the_proxy()
    {
        var (status, said) = await AskAsync(Of("127.0.0.1"), null);
        Assert.Equal(400, status);
        Assert.Contains("missing x-forwarded-for header", said, StringComparison.Ordinal);
        Assert.Equal((200, "127.0.0.1"), await AskAsync(Of("127.0.0.1") with { RejectNotPresent = false }, null));
    }

    [Theory]
    [InlineData("not an address", 0)]
    [InlineData("10.0.0.0/8", 0)]
    [InlineData("203.0.113.7", 1)]
    [InlineData("", 0)]
    [InlineData(",", 0)]
    public async Task A_header_that_names_nobody_is_refused(string header, int skips) =>
        Assert.Equal(400, (await AskAsync(Of("127.0.0.1") with { HopSkips = skips }, header)).Status);

    private static ForwardedFor Of(string network) => new([network]);

    private static async Task<(int Status, string Said)> AskAsync(ForwardedFor? forwarded, string? header)
    {
        await using var server = await DialectServer.StartAsync(
            (request, _) =>
                new(
                    Response.Object(
                        ResponseShape.Bare,
                        json => json.WriteString("from", request.RemoteAddress.ToString())
                    )
                ),
            listener: new Listener(new TcpAddress(new IPEndPoint(IPAddress.Loopback, 0), Tls: null))
            {
                Forwarded = forwarded,
            }
        );
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/any");
        if (header is not null)
        {
            request.Headers.TryAddWithoutValidation("X-Forwarded-For", header);
        }

        using var reply = await server.Client.SendAsync(request, TestContext.Current.CancellationToken);
        var body = await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return ((int)reply.StatusCode, reply.IsSuccessStatusCode ? body.Split('"')[3] : body);
    }
}
