using System.Net;
using System.Text.Json;
using Mayfly.Core;
using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Server.Http.Vault;

namespace Mayfly.Tests.Http;

/// <summary>What goes out, as clients see it.</summary>
public sealed class EnvelopeTests
{
    private static readonly string[] Members =
    [
        "request_id",
        "lease_id",
        "renewable",
        "lease_duration",
        "data",
        "wrap_info",
        "warnings",
        "auth",
        "mount_type",
    ];

    [Fact]
    public async Task Data_stand_in_the_envelope()
    {
        var (reply, json) = await GetAsync(Response.Object(writer => writer.WriteString("a", "ä\"")));

        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Equal("application/json", reply.Content.Headers.ContentType!.ToString());
        Assert.True(reply.Headers.CacheControl!.NoStore);
        Assert.NotNull(reply.Content.Headers.ContentLength);
        Assert.Equal(Members, json.EnumerateObject().Select(member => member.Name));
        Assert.True(Guid.TryParse(json.GetProperty("request_id").GetString(), out _));
        Assert.Equal("ä\"", json.GetProperty("data").GetProperty("a").GetString());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("warnings").ValueKind);
    }

    [Fact]
    public async Task Warnings_and_durations_are_shown()
    {
        var response = new Response("{\"a\":1}"u8.ToArray())
        {
            Warnings = { "mind the gap" },
            LeaseDuration = TimeSpan.FromHours(1),
        };

        var (_, json) = await GetAsync(response);

        Assert.Equal(Members, json.EnumerateObject().Select(member => member.Name));
        Assert.Equal("mind the gap", json.GetProperty("warnings")[0].GetString());
        Assert.Equal(3600, json.GetProperty("lease_duration").GetInt32());
        Assert.Equal(1, json.GetProperty("data").GetProperty("a").GetInt32());
    }

    [Fact]
    public async Task Nothing_to_say_is_204()
    {
        var (reply, _) = await GetAsync(Outcome.Done);

        Assert.Equal(HttpStatusCode.NoContent, reply.StatusCode);
        Assert.True(reply.Headers.CacheControl!.NoStore);
    }

    [Fact]
    public async Task Top_level_keys_repeat_the_data_but_never_the_envelope()
    {
        var (_, json) = await GetAsync(
            new Response("{\"keys\":[\"a\"],\"auth\":{\"x\":1},\"n\":{\"b\":[1,2]}}"u8.ToArray())
            {
                Shape = ResponseShape.EnvelopeAndTop,
            }
        );

        Assert.Equal("a", json.GetProperty("keys")[0].GetString());
        Assert.Equal(2, json.GetProperty("n").GetProperty("b")[1].GetInt32());
        Assert.Equal(1, json.GetProperty("data").GetProperty("auth").GetProperty("x").GetInt32());
        Assert.Equal(1, json.EnumerateObject().Count(member => member.Name == "auth"));
        Assert.Equal(JsonValueKind.Null, json.GetProperty("auth").ValueKind);
    }

    [Fact]
    public async Task Bare_data_have_no_envelope()
    {
        var (_, json) = await GetAsync(new Response("{\"sealed\":true}"u8.ToArray()) { Shape = ResponseShape.Bare });

        Assert.Equal("sealed", Assert.Single(json.EnumerateObject()).Name);
    }

    [Fact]
    public async Task Token_is_shown_in_auth()
    {
        var entry = new TokenEntry
        {
            Accessor = "acc",
            Type = TokenType.Service,
            Policies = ["default", "p"],
            Path = "auth/userpass/login/a",
            CreatedAt = DateTimeOffset.UnixEpoch,
            Renewable = true,
            UsesLeft = 3,
            Metadata = new Dictionary<string, string> { ["username"] = "a" },
        };

        var (_, json) = await GetAsync(
            new Response { Auth = new IssuedToken("hvs.secret", entry, TimeSpan.FromMinutes(5)) }
        );

        var auth = json.GetProperty("auth");
        Assert.Equal("hvs.secret", auth.GetProperty("client_token").GetString());
        Assert.Equal(300, auth.GetProperty("lease_duration").GetInt32());
        Assert.Equal("service", auth.GetProperty("token_type").GetString());
        Assert.True(auth.GetProperty("orphan").GetBoolean());
        Assert.Equal(3, auth.GetProperty("num_uses").GetInt32());
        Assert.Equal("a", auth.GetProperty("metadata").GetProperty("username").GetString());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("data").ValueKind);
    }

    [Fact]
    public async Task Wrapped_reply_shows_nothing_but_the_wrapping()
    {
        var wrap = new WrapInfo(
            "hvs.w",
            "acc",
            TimeSpan.FromSeconds(60),
            DateTimeOffset.UnixEpoch,
            "secret/data/a",
            null
        );

        var (_, json) = await GetAsync(new Response("{\"a\":\"hidden\"}"u8.ToArray()) { WrapInfo = wrap });

        Assert.Equal("hvs.w", json.GetProperty("wrap_info").GetProperty("token").GetString());
        Assert.Equal(60, json.GetProperty("wrap_info").GetProperty("ttl").GetInt32());
        Assert.DoesNotContain("hidden", json.GetRawText());
    }

    [Theory]
    [InlineData(FaultKind.Invalid, 400)]
    [InlineData(FaultKind.Unauthenticated, 403)]
    [InlineData(FaultKind.Denied, 403)]
    [InlineData(FaultKind.NotFound, 404)]
    [InlineData(FaultKind.Unsupported, 405)]
    [InlineData(FaultKind.Conflict, 409)]
    [InlineData(FaultKind.TooLarge, 413)]
    [InlineData(FaultKind.WrongMediaType, 415)]
    [InlineData(FaultKind.Throttled, 429)]
    [InlineData(FaultKind.Sealed, 503)]
    [InlineData(FaultKind.Unavailable, 503)]
    public async Task Each_fault_has_its_status(FaultKind kind, int status)
    {
        var (reply, json) = await GetAsync(new Fault(kind, ["because"]));

        Assert.Equal(status, (int)reply.StatusCode);
        Assert.Contains("because", json.GetProperty("errors")[0].GetString());
    }

    [Fact]
    public async Task Denial_has_the_text_that_clients_know()
    {
        var (_, json) = await GetAsync(Fault.Denied());

        Assert.Equal("1 error occurred:\n\t* permission denied\n\n", json.GetProperty("errors")[0].GetString());
    }

    [Fact]
    public async Task Not_found_has_an_empty_list_of_errors()
    {
        var (_, json) = await GetAsync(Fault.NotFound());

        Assert.Equal("{\"errors\":[]}", json.GetRawText());
    }

    [Fact]
    public async Task Not_found_can_carry_data()
    {
        var (reply, json) = await GetAsync(
            Fault.NotFound() with
            {
                Body = new Response("{\"data\":null,\"metadata\":{\"version\":1}}"u8.ToArray()),
            }
        );

        Assert.Equal(HttpStatusCode.NotFound, reply.StatusCode);
        Assert.Equal(1, json.GetProperty("data").GetProperty("metadata").GetProperty("version").GetInt32());
        Assert.False(json.TryGetProperty("errors", out _));
    }

    [Fact]
    public async Task Throttled_caller_is_told_when_to_come_back()
    {
        var (reply, _) = await GetAsync(Fault.Throttled("slow down", TimeSpan.FromMilliseconds(1200)));

        Assert.Equal(TimeSpan.FromSeconds(2), reply.Headers.RetryAfter!.Delta);
    }

    [Fact]
    public async Task Unexpected_failure_is_500_with_an_id_and_nothing_of_the_inside()
    {
        using var log = new CapturedLog();
        await using var server = await DialectServer.StartAsync(
            (_, _) => throw new InvalidOperationException("canary-7b1f"),
            logs: log.Factory
        );

        using var reply = await server.Client.GetAsync(
            new Uri("/v1/a", UriKind.Relative),
            TestContext.Current.CancellationToken
        );
        var body = await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.InternalServerError, reply.StatusCode);
        Assert.DoesNotContain("canary-7b1f", body);
        Assert.DoesNotContain("canary-7b1f", log.Text);
        var id = JsonDocument.Parse(body).RootElement.GetProperty("errors")[0].GetString()![^36..];
        Assert.Contains(id, log.Text);
        Assert.Contains("InvalidOperationException", log.Text);
    }

    [Fact]
    public async Task Damaged_data_is_500_and_says_what_is_damaged()
    {
        using var log = new CapturedLog();
        await using var server = await DialectServer.StartAsync(
            (_, _) => throw new StoreCorruptException("Record 0011 does not authenticate."),
            logs: log.Factory
        );

        using var reply = await server.Client.GetAsync(
            new Uri("/v1/a", UriKind.Relative),
            TestContext.Current.CancellationToken
        );

        Assert.Equal(HttpStatusCode.InternalServerError, reply.StatusCode);
        Assert.Contains(
            "Record 0011 does not authenticate.",
            await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
        );
        Assert.Contains("Record 0011 does not authenticate.", log.Text);
    }

    private static async Task<(HttpResponseMessage Reply, JsonElement Json)> GetAsync(Outcome outcome)
    {
        await using var server = await DialectServer.StartAsync((_, _) => new(outcome));
        var reply = await server.Client.GetAsync(
            new Uri("/v1/a", UriKind.Relative),
            TestContext.Current.CancellationToken
        );
        var body = await reply.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        return (reply, body.Length == 0 ? default : JsonDocument.Parse(body).RootElement);
    }
}
