using System.Text;
using Mayfly.Client;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Tests.Client;

public sealed class MayflyClientTests
{
    private const string Token = "hvs.canary-of-the-client";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_read_carries_token_namespace_and_the_request_header()
    {
        await using var server = await RecordingServer.StartAsync();
        server.On("GET /v1/secret/data/app", 200, """{"data":{"data":{"a":"1"}},"warnings":["old"]}""");
        using var client = new MayflyClient(Options(server) with { Namespace = "team" });

        var response = await client.ReadAsync("secret/data/app", Cancellation);

        Assert.True(response.IsSuccess);
        Assert.Equal("1", response.Data.GetProperty("data").GetProperty("a").GetString());
        Assert.Equal(["old"], response.Warnings);
        var asked = Assert.Single(server.Requests);
        Assert.Equal(Token, asked.Headers["X-Vault-Token"]);
        Assert.Equal("team", asked.Headers["X-Vault-Namespace"]);
        Assert.Equal("true", asked.Headers["X-Vault-Request"]);
    }

    [Theory]
    [InlineData("http://app:canary-1@127.0.0.1:1")]
    [InlineData("http://app:canary%2F1@127.0.0.1:1/prefix")]
    [InlineData("ftp://app:canary-1@127.0.0.1")]
    [InlineData("http://app:canary/1@127.0.0.1:1")]
    [InlineData("app:canary-1@127.0.0.1")]
    public async Task A_password_in_the_address_is_told_nowhere(string address)
    {
        var options = new MayflyClientOptions { Address = address, MaxRetries = 0 };
        var told = options.ToString();
        try
        {
            using var client = new MayflyClient(options);
            told += client.Address + new MayflySecretSource(client).Id;
            await client.ReadAsync("secret/data/app", Cancellation);
        }
        catch (Exception failure) when (failure is FormatException or MayflyConnectionException)
        {
            told += failure;
        }

        Assert.Contains("127.0.0.1", told, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", told, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("secret/data/a b", "/v1/secret/data/a%20b")]
    [InlineData("secret/../sys/raw", "/v1/secret/../sys/raw")]
    [InlineData("secret//x", "/v1/secret//x")]
    [InlineData("secret/data/50%2f", "/v1/secret/data/50%252f")]
    [InlineData("secret/data/ü?x#y", "/v1/secret/data/%C3%BC%3Fx%23y")]
    public async Task A_path_reaches_the_server_as_it_was_typed(string path, string target)
    {
        await using var server = await RecordingServer.StartAsync();
        using var client = new MayflyClient(Options(server));

        await client.ReadAsync(path, Cancellation);

        Assert.Equal(target, Assert.Single(server.Requests).Target);
    }

    [Fact]
    public async Task Reads_are_repeated_after_a_failure_that_passes()
    {
        await using var server = await RecordingServer.StartAsync();
        server
            .On("GET /v1/secret/x", 503, """{"errors":["overloaded"]}""")
            .On("GET /v1/secret/x", 429, "")
            .On("GET /v1/secret/x", 200, """{"data":{}}""");
        var time = new ManualTime();
        using var client = new MayflyClient(
            Options(server) with
            {
                MaxRetries = 2,
                Time = time,
                Timeout = Timeout.InfiniteTimeSpan,
            }
        );

        var answer = client.ReadAsync("secret/x", Cancellation);
        while (!answer.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Equal(200, (await answer).Status);
        Assert.Equal(3, server.Requests.Count);
    }

    [Fact]
    public async Task Writes_are_never_repeated()
    {
        await using var server = await RecordingServer.StartAsync();
        server.On("PUT /v1/auth/token/create", 503, """{"errors":["overloaded"]}""");
        using var client = new MayflyClient(Options(server) with { MaxRetries = 5 });

        var response = await client.WriteAsync("auth/token/create", "{}"u8.ToArray(), Cancellation);

        Assert.Equal(503, response.Status);
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData(503, """{"errors":["Vault is sealed"]}""")]
    [InlineData(501, """{"errors":["not initialized"]}""")]
    [InlineData(400, """{"errors":["no"]}""")]
    [InlineData(403, """{"errors":["permission denied"]}""")]
    public async Task Failures_that_last_are_not_asked_again(int status, string body)
    {
        await using var server = await RecordingServer.StartAsync();
        server.On("GET /v1/secret/x", status, body);
        using var client = new MayflyClient(Options(server) with { MaxRetries = 5 });

        var response = await client.ReadAsync("secret/x", Cancellation);

        Assert.Equal(status, response.Status);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_redirect_is_followed_once_with_the_token()
    {
        await using var active = await RecordingServer.StartAsync();
        active.On("GET /v1/secret/x", 200, """{"data":{"a":1}}""");
        await using var standby = await RecordingServer.StartAsync();
        standby.On("GET /v1/secret/x", 307, "", active.Address + "/v1/secret/x");
        using var client = new MayflyClient(Options(standby));

        var response = await client.ReadAsync("secret/x", Cancellation);

        Assert.Equal(200, response.Status);
        Assert.Equal(Token, Assert.Single(active.Requests).Headers["X-Vault-Token"]);
    }

    [Fact]
    public async Task A_failure_is_typed_and_names_no_token()
    {
        await using var server = await RecordingServer.StartAsync();
        server.On("GET /v1/secret/x", 403, """{"errors":["1 error occurred:\n\t* permission denied\n\n"]}""");
        using var client = new MayflyClient(Options(server));

        var response = await client.ReadAsync("secret/x", Cancellation);
        var failure = Assert.Throws<MayflyApiException>(() => response.EnsureSuccess());

        Assert.Equal(403, failure.Status);
        Assert.Contains(
            "Code: 403. Errors:\n\n* 1 error occurred:\n\t* permission denied",
            failure.Message,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(Token, failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_without_end_is_refused()
    {
        await using var server = await RecordingServer.StartAsync();
        server.On("GET /v1/secret/x", 200, new string('x', 5000));
        using var client = new MayflyClient(Options(server) with { MaxResponseBytes = 4096 });

        var failure = await Assert.ThrowsAsync<MayflyConnectionException>(() =>
            client.ReadAsync("secret/x", Cancellation)
        );

        Assert.Contains("larger than 4096 bytes", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Token, failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_listening_is_said_plainly()
    {
        await using var server = await RecordingServer.StartAsync();
        var address = server.Address;
        await server.DisposeAsync();
        using var client = new MayflyClient(new MayflyClientOptions { Address = address, Token = Token });

        var failure = await Assert.ThrowsAsync<MayflyConnectionException>(() => client.ReadAsync("x", Cancellation));

        Assert.Contains("Connection refused", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_unix_socket_is_an_address()
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-socket-").FullName;
        var socket = Path.Combine(folder, "s");
        await using var server = await RecordingServer.StartAsync(socket: socket);
        server.On("GET /v1/sys/health", 200, "{}");
        using var client = new MayflyClient(new MayflyClientOptions { Address = "unix://" + socket });

        Assert.Equal(200, (await client.ReadAsync("sys/health", Cancellation)).Status);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("127.0.0.1:8200")]
    [InlineData("ftp://127.0.0.1")]
    [InlineData("unix://relative")]
    [InlineData("")]
    public void What_is_no_address_is_refused(string address) =>
        Assert.Throws<FormatException>(() => new MayflyClient(new MayflyClientOptions { Address = address }));

    [Fact]
    public async Task User_information_in_the_address_is_dropped()
    {
        await using var server = await RecordingServer.StartAsync();
        server.On("GET /v1/x", 403, """{"errors":["no"]}""");
        var address = server.Address.Replace("http://", "http://user:canary@", StringComparison.Ordinal);
        using var client = new MayflyClient(new MayflyClientOptions { Address = address });

        var response = await client.ReadAsync("x", Cancellation);

        Assert.DoesNotContain("canary", MayflyApiException.Describe(response), StringComparison.Ordinal);
    }

    [Fact]
    public void Options_do_not_print_their_token() =>
        Assert.DoesNotContain(Token, new MayflyClientOptions { Token = Token }.ToString(), StringComparison.Ordinal);

    [Fact]
    public void Our_variables_come_before_vaults()
    {
        var variables = new Dictionary<string, string?>
        {
            ["MAYFLY_ADDR"] = "http://ours:1",
            ["VAULT_ADDR"] = "http://theirs:1",
            ["VAULT_TOKEN"] = "theirs",
            ["MAYFLY_TOKEN"] = "",
            ["VAULT_SKIP_VERIFY"] = "true",
            ["VAULT_CLIENT_TIMEOUT"] = "90",
            ["VAULT_MAX_RETRIES"] = "-1",
        };

        var options = MayflyClientOptions.FromEnvironment(variables.GetValueOrDefault);

        Assert.Equal("http://ours:1", options.Address);
        Assert.Equal("theirs", options.Token);
        Assert.True(options.DangerousSkipCertificateVerification);
        Assert.Equal(TimeSpan.FromSeconds(90), options.Timeout);
        Assert.Equal(0, options.MaxRetries);
    }

    [Theory]
    [InlineData("VAULT_CLIENT_TIMEOUT")]
    [InlineData("VAULT_SKIP_VERIFY")]
    [InlineData("VAULT_MAX_RETRIES")]
    public void A_variable_that_makes_no_sense_is_named_without_its_value(string name)
    {
        var failure = Assert.Throws<FormatException>(() =>
            MayflyClientOptions.FromEnvironment(each => each == name ? "canary" : null)
        );

        Assert.Contains(name, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", failure.Message, StringComparison.Ordinal);
    }

    private static MayflyClientOptions Options(RecordingServer server) =>
        new() { Address = server.Address, Token = Token };
}
