using System.Globalization;
using System.Text.Json;
using Mayfly.Tests;

namespace Mayfly.Compat.Tests;

/// <summary>One development server for all tests of the wire. Each test has paths of its own.</summary>
public sealed class WireServer : IAsyncLifetime
{
    internal ServerProcess Process { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Process = await ServerProcess.StartDevAsync();

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}

/// <summary>What curl sees: methods, headers, status codes and bodies that scripts depend on.</summary>
public sealed class WireTests(WireServer server) : IClassFixture<WireServer>
{
    private const string AsRoot = "X-Vault-Token: " + ServerProcess.DevToken;

    [Fact]
    public async Task List_is_a_method_and_a_query()
    {
        await WriteAsync("secret/data/listed/a");
        await WriteAsync("secret/data/listed/b/c");
        foreach (
            var how in (string[][])
                [
                    ["-X", "LIST"],
                    ["-G", "-d", "list=true"],
                    ["-X", "GET", "-G", "-d", "list=1"],
                ]
        )
        {
            var reply = await CurlAsync("secret/metadata/listed", [.. how, "-H", AsRoot]);
            Assert.Equal(200, reply.Status);
            Assert.Equal("""{"keys":["a","b/"]}""", reply.Json.GetProperty("data").GetRawText());
        }
    }

    [Fact]
    public async Task List_of_nothing_is_not_found_without_errors()
    {
        var reply = await CurlAsync("secret/metadata/nothing/here", ["-X", "LIST", "-H", AsRoot]);
        Assert.Equal(404, reply.Status);
        Assert.Equal("""{"errors":[]}""", reply.Body.Trim());
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    public async Task Post_and_put_write_alike(string method)
    {
        var reply = await CurlAsync(
            $"secret/data/written/{method}",
            ["-X", method, "-H", AsRoot, "-d", """{"data":{"k":"v"}}"""]
        );
        Assert.Equal(200, reply.Status);
        Assert.Equal(1, reply.Json.GetProperty("data").GetProperty("version").GetInt32());
    }

    [Fact]
    public async Task Envelope_has_all_its_members_in_order()
    {
        await WriteAsync("secret/data/envelope");
        var reply = await CurlAsync("secret/data/envelope", ["-H", AsRoot]);
        Assert.Equal(
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
            ],
            reply.Json.EnumerateObject().Select(static member => member.Name)
        );
        Assert.StartsWith("application/json", reply.Header("Content-Type"), StringComparison.Ordinal);
        Assert.Equal("no-store", reply.Header("Cache-Control"));
    }

    [Theory]
    [InlineData(AsRoot, 200)]
    [InlineData("Authorization: Bearer " + ServerProcess.DevToken, 200)]
    [InlineData("Authorization: bearer " + ServerProcess.DevToken, 200)]
    [InlineData("Authorization: Basic " + ServerProcess.DevToken, 403)]
    [InlineData("X-Vault-Token: wrong", 403)]
    [InlineData("Authorization: Bearer wrong", 403)]
    [InlineData("X-Nothing: at all", 403)]
    public async Task Tokens_come_in_two_headers(string header, int status)
    {
        var reply = await CurlAsync("auth/token/lookup-self", ["-H", header]);
        Assert.Equal(status, reply.Status);
        Assert.Equal("no-store", reply.Header("Cache-Control"));
        if (status != 200)
        {
            Assert.Equal(["errors"], reply.Json.EnumerateObject().Select(static member => member.Name));
            Assert.NotEqual("", reply.Error);
        }
    }

    [Fact]
    public async Task Policy_denial_reads_as_vaults()
    {
        var token = await CurlAsync(
            "auth/token/create",
            ["-H", AsRoot, "-d", """{"policies":["default"],"ttl":"5m"}"""]
        );
        var mine = token.Json.GetProperty("auth").GetProperty("client_token").GetString();
        var reply = await CurlAsync("secret/data/app", ["-H", $"X-Vault-Token: {mine}"]);
        Assert.Equal(403, reply.Status);
        Assert.Equal("1 error occurred:\n\t* permission denied\n\n", reply.Error);
    }

    [Theory]
    [InlineData("DELETE", "sys/health")]
    [InlineData("POST", "sys/internal/ui/mounts")]
    [InlineData("DELETE", "auth/token/lookup-self")]
    [InlineData("OPTIONS", "secret/data/app")]
    [InlineData("BREW", "secret/data/app")]
    public async Task Operation_that_a_path_does_not_have_is_not_allowed(string method, string path)
    {
        var reply = await CurlAsync(path, ["-X", method, "-H", AsRoot]);
        Assert.Equal(405, reply.Status);
        Assert.NotEqual("", reply.Error);
    }

    [Theory]
    [InlineData("no/such/mount", 404, "no handler for route")]
    [InlineData("sys/wrapping/unwrap", 400, "wrapping token")]
    public async Task Errors_say_what_is_wrong(string path, int status, string text)
    {
        var reply = await CurlAsync(path, ["-X", "POST", "-H", AsRoot, "-d", """{"token":"nonsense"}"""]);
        Assert.Equal(status, reply.Status);
        Assert.Contains(text, reply.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deleted_version_is_not_found_but_described()
    {
        await WriteAsync("secret/data/deleted");
        Assert.Equal(204, (await CurlAsync("secret/data/deleted", ["-X", "DELETE", "-H", AsRoot])).Status);
        var reply = await CurlAsync("secret/data/deleted", ["-H", AsRoot]);
        Assert.Equal(404, reply.Status);
        var data = reply.Json.GetProperty("data");
        Assert.Equal(JsonValueKind.Null, data.GetProperty("data").ValueKind);
        Assert.NotEqual("", data.GetProperty("metadata").GetProperty("deletion_time").GetString());
    }

    [Fact]
    public async Task Rate_limits_show_in_status_and_headers()
    {
        await PostAsync("sys/mounts/limited", """{"type":"kv"}""");
        await PostAsync("sys/quotas/rate-limit/wire", """{"rate":2,"interval":"1h","path":"limited"}""");
        var quiet = await CurlAsync("limited/x", ["-H", AsRoot]);
        Assert.Equal("", quiet.Header("X-RateLimit-Limit"));
        await PostAsync("sys/quotas/config", """{"enable_rate_limit_response_headers":true}""");

        var last = await CurlAsync("limited/x", ["-H", AsRoot]);
        Assert.Equal(404, last.Status);
        Assert.Equal("2", last.Header("X-RateLimit-Limit"));
        Assert.Equal("0", last.Header("X-RateLimit-Remaining"));
        Assert.InRange(int.Parse(last.Header("X-RateLimit-Reset"), CultureInfo.InvariantCulture), 3000, 3600);
        var refused = await CurlAsync("limited/x", ["-H", AsRoot]);
        Assert.Equal(429, refused.Status);
        Assert.Equal("request path \"limited/x\": rate limit quota exceeded", refused.Error);
        Assert.InRange(int.Parse(refused.Header("Retry-After"), CultureInfo.InvariantCulture), 1000, 1800);

        var metrics = await CurlAsync("sys/metrics?format=prometheus", ["-H", AsRoot]);
        Assert.Contains(
            "mayfly_quota_rate_limit_violation_total{name=\"wire\"} 1",
            metrics.Body,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Path_without_data_names_the_right_one()
    {
        var reply = await CurlAsync("secret/app", ["-H", AsRoot]);
        Assert.Equal(404, reply.Status);
        Assert.Contains(
            "Invalid path for a versioned K/V secrets engine",
            reply.Json.GetProperty("warnings")[0].GetString(),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("sys/health", 200)]
    [InlineData("sys/health?activecode=299", 299)]
    [InlineData("sys/seal-status", 200)]
    [InlineData("sys/leader", 200)]
    [InlineData("sys/init", 200)]
    public async Task Status_needs_no_token(string path, int status)
    {
        var reply = await CurlAsync(path, []);
        Assert.Equal(status, reply.Status);
        Assert.Equal("no-store", reply.Header("Cache-Control"));
    }

    [Fact]
    public async Task Head_of_health_has_no_body()
    {
        var reply = await CurlAsync("sys/health", ["--head"]);
        Assert.Equal(200, reply.Status);
        Assert.Equal("", reply.Body);
    }

    [Fact]
    public async Task Reply_is_wrapped_when_asked()
    {
        await WriteAsync("secret/data/wrapped");
        var reply = await CurlAsync("secret/data/wrapped", ["-H", AsRoot, "-H", "X-Vault-Wrap-TTL: 60"]);
        Assert.Equal(200, reply.Status);
        Assert.Equal(JsonValueKind.Null, reply.Json.GetProperty("data").ValueKind);
        var wrap = reply.Json.GetProperty("wrap_info");
        Assert.Equal(60, wrap.GetProperty("ttl").GetInt32());
        Assert.Equal("secret/data/wrapped", wrap.GetProperty("creation_path").GetString());
        var token = $"X-Vault-Token: {wrap.GetProperty("token").GetString()}";
        var unwrapped = await CurlAsync("sys/wrapping/unwrap", ["-X", "POST", "-H", token]);
        Assert.Equal("v", unwrapped.Json.GetProperty("data").GetProperty("data").GetProperty("k").GetString());
        Assert.Equal(400, (await CurlAsync("sys/wrapping/unwrap", ["-X", "POST", "-H", token])).Status);
    }

    [Fact]
    public async Task Listings_of_sys_repeat_their_data_at_the_top()
    {
        var reply = await CurlAsync("sys/mounts", ["-H", AsRoot, "-H", "X-Vault-Request: true"]);
        Assert.Equal(200, reply.Status);
        Assert.True(reply.Json.TryGetProperty("secret/", out _));
        Assert.True(reply.Json.GetProperty("data").TryGetProperty("secret/", out _));
    }

    private async Task WriteAsync(string path)
    {
        var reply = await CurlAsync(path, ["-H", AsRoot, "-d", """{"data":{"k":"v"}}"""]);
        Assert.Equal(200, reply.Status);
    }

    private async Task PostAsync(string path, string body)
    {
        var reply = await CurlAsync(path, ["-H", AsRoot, "-d", body]);
        Assert.Equal(204, reply.Status);
    }

    private async Task<WireReply> CurlAsync(string path, string[] arguments)
    {
        var run = await ForeignProgram.RunAsync(
            "curl",
            ["-sS", "-i", "--max-time", "60", .. arguments, $"{server.Process.Address}/v1/{path}"]
        );
        return WireReply.Parse(run.Succeeded());
    }
}

/// <summary>A reply as curl's -i prints it.</summary>
internal sealed record WireReply(int Status, string[] Headers, string Body)
{
    public JsonElement Json => JsonElement.Parse(Body);

    /// <summary>The first of the errors.</summary>
    public string Error => Json.GetProperty("errors")[0].GetString()!;

    public string Header(string name) =>
        Headers
            .Where(header => header.StartsWith(name + ": ", StringComparison.OrdinalIgnoreCase))
            .Select(header => header[(name.Length + 2)..])
            .SingleOrDefault("");

    public static WireReply Parse(string text)
    {
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var head = text[..end].Split("\r\n");
        return new WireReply(int.Parse(head[0].Split(' ')[1], null), head[1..], text[(end + 4)..]);
    }
}
