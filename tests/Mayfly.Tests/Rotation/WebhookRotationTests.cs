using System.Text.Json;
using Mayfly.Tests.Cli;
using Mayfly.Tests.Events;

namespace Mayfly.Tests.Rotation;

/// <summary>A real server, a function written for AWS behind it, and the command line.</summary>
public sealed class WebhookRotationTests : IAsyncLifetime
{
    private const string First = "first-password-4711";

    private readonly string _folder = Directory.CreateTempSubdirectory("mayfly-rotation-").FullName;
    private readonly int _port = FreePort.Choose();
    private ServerProcess _server = null!;
    private RotationFunction _function = null!;
    private CommandLine _mayfly = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await StartServerAsync();
        _mayfly = new CommandLine(_server.Address, ServerProcess.DevToken);
        _function = await RotationFunction.StartAsync(First);
        await MayflyAsync("kv", "put", "secret/app", "username=app", $"password={First}");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _function.DisposeAsync();
        _mayfly.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_function_written_for_aws_rotates_a_secret()
    {
        await ConfigureAsync("rotation_period=30d");
        Assert.Equal("", (await StatusAsync()).GetProperty("current_version").GetString());
        Assert.Equal(First, await PasswordAsync());

        var shown = await MayflyAsync("rotate", "-reason=quarterly", "app");

        Assert.Contains("quarterly", shown, StringComparison.Ordinal);
        var password = await PasswordAsync();
        Assert.NotEqual(First, password);
        Assert.Equal(await _function.PasswordAsync(), password);
        var status = await StatusAsync();
        Assert.Equal("idle", status.GetProperty("step").GetString());
        Assert.Equal("rotated", status.GetProperty("history")[0].GetProperty("outcome").GetString());
        var metadata = await MayflyAsync("kv", "metadata", "get", "secret/app");
        Assert.Contains("last_rotation:", metadata, StringComparison.Ordinal);
        Assert.Contains(status.GetProperty("next_rotation").GetString()![..16], metadata, StringComparison.Ordinal);
        Assert.Matches("current_version +2", metadata);

        await MayflyAsync("rotate", "app");
        Assert.Equal(await _function.PasswordAsync(), await PasswordAsync());
        Assert.NotEqual(password, await PasswordAsync());
    }

    [Theory]
    [InlineData("createSecret")]
    [InlineData("setSecret")]
    [InlineData("testSecret")]
    [InlineData("finishSecret")]
    public async Task A_step_that_fails_goes_back_to_the_password_that_works(string step)
    {
        await ConfigureAsync();
        _function.Trouble($"fail {step}");

        var refused = await _mayfly.RunAsync("rotate", "app");

        Assert.Equal(2, refused.Code);
        Assert.Contains(step, refused.Error, StringComparison.Ordinal);
        // What the function says is passed on, but for what is secret.
        Assert.Contains("cannot use [secret]", refused.Error, StringComparison.Ordinal);
        Assert.Equal(First, await PasswordAsync());
        Assert.Equal(First, await _function.PasswordAsync());
        Assert.DoesNotContain(First, _server.Output, StringComparison.Ordinal);

        await MayflyAsync("rotate", "app");
        Assert.NotEqual(First, await PasswordAsync());
        Assert.Equal(await _function.PasswordAsync(), await PasswordAsync());
    }

    [Theory]
    [InlineData("before createSecret")]
    [InlineData("after createSecret")]
    [InlineData("before setSecret")]
    [InlineData("after setSecret")]
    [InlineData("before testSecret")]
    [InlineData("after testSecret")]
    [InlineData("before finishSecret")]
    [InlineData("after finishSecret")]
    public async Task A_server_that_is_killed_at_a_step_finishes_or_goes_back_after_its_restart(string where)
    {
        await ConfigureAsync();
        _function.Trouble(where);
        var rotating = _mayfly.RunAsync("rotate", "app");
        await _function.MetAsync();

        await _server.CrashAsync();
        await rotating;
        _function.EndTrouble();
        await _server.DisposeAsync();
        await StartServerAsync();

        await RotationFunction.WaitForAsync(
            () =>
                StatusAsync().GetAwaiter().GetResult() is var status
                && status.GetProperty("step").GetString() == "idle"
                && status.GetProperty("history").GetArrayLength() > 0,
            "the rotation was not taken up"
        );
        Assert.Equal(await _function.PasswordAsync(), await PasswordAsync());
        var outcome = (await StatusAsync()).GetProperty("history")[0];
        Assert.Equal(outcome.GetProperty("outcome").GetString() == "rotated", await PasswordAsync() != First);
    }

    [Fact]
    public async Task A_secret_that_somebody_else_writes_meanwhile_is_not_overwritten()
    {
        await ConfigureAsync();
        _function.Trouble("before finishSecret");
        var rotating = _mayfly.RunAsync("rotate", "app");
        await _function.MetAsync();
        await MayflyAsync("kv", "put", "secret/app", "username=app", "password=by hand");

        _function.EndTrouble();

        Assert.Equal(2, (await rotating).Code);
        Assert.Equal("by hand", await PasswordAsync());
        Assert.Equal("by hand", await _function.PasswordAsync());
    }

    [Fact]
    public async Task Consumers_are_given_the_new_password_first_and_status_shows_who_is_behind()
    {
        await ConfigureAsync("consumer_wait=1h");
        string[] reader = ["read", "-header=X-Mayfly-Consumer=shop/1", "-format=json", "secret/data/app"];
        await MayflyAsync(reader);
        await MayflyAsync("rotate", "app");
        var status = await MayflyAsync("rotation", "status", "app");
        Assert.Matches("step +wait", status);
        Assert.Matches("shop/1 .* true", status);
        Assert.Equal(First, await PasswordAsync());

        var offered = JsonDocument.Parse(await MayflyAsync(reader)).RootElement.GetProperty("data");
        Assert.Equal(await _function.PasswordAsync(), offered.GetProperty("data").GetProperty("password").GetString());
        Assert.Equal(2, offered.GetProperty("metadata").GetProperty("version").GetInt32());
        await MayflyAsync("write", "sys/consumers/ack", "path=secret/data/app", "consumer=shop/1", "version=2");
        Assert.Equal("wait", (await StatusAsync()).GetProperty("step").GetString());
        Assert.Equal(0, (await StatusAsync()).GetProperty("behind").GetArrayLength());

        // The server has just started: others may read that it has not heard of. An emergency does not wait for them.
        await MayflyAsync("rotate", "-now", "-reason=leaked", "app");

        Assert.Equal("idle", (await StatusAsync()).GetProperty("step").GetString());
        Assert.Equal(await _function.PasswordAsync(), await PasswordAsync());
    }

    [Fact]
    public async Task Whoever_may_read_only_what_stands_below_a_secret_is_not_given_its_next_password()
    {
        await ConfigureAsync("consumer_wait=1h");
        await MayflyAsync("read", "-header=X-Mayfly-Consumer=shop/1", "secret/data/app");
        await MayflyAsync("rotate", "app");
        Assert.Equal("wait", (await StatusAsync()).GetProperty("step").GetString());
        await MayflyAsync(
            "write",
            "sys/policies/acl/below",
            """
            policy=path "secret/data/app/*" { capabilities = ["read"] }
            path "sys/consumers" { capabilities = ["read"] }
            path "sys/consumers/ack" { capabilities = ["update"] }
            """
        );
        var token = await MayflyAsync("token", "create", "-policy=below", "-field=token");
        using var below = new CommandLine(_server.Address, token.Trim());

        var read = await below.RunAsync("read", "-header=X-Mayfly-Consumer=shop/2", "secret/data/app/");
        var asked = await below.RunAsync("read", "sys/consumers", "path=secret/data/app/");
        var acknowledged = await below.RunAsync(
            "write",
            "sys/consumers/ack",
            "path=secret/data/app/",
            "consumer=shop/1"
        );

        Assert.DoesNotContain(await _function.PasswordAsync(), read.Output + read.Error, StringComparison.Ordinal);
        Assert.Equal([2, 2, 2], [read.Code, asked.Code, acknowledged.Code]);
        Assert.Equal("shop/1", (await StatusAsync()).GetProperty("behind")[0].GetString());
    }

    [Fact]
    public async Task Policies_say_who_counts_as_a_consumer_and_under_which_names()
    {
        await ConfigureAsync("consumer_wait=1h", "consumers=shop/*");
        await MayflyAsync(
            "write",
            "sys/policies/acl/reader",
            """
            policy=path "secret/data/app" { capabilities = ["read"] }
            path "sys/consumers/ack" {
              capabilities = ["update"]
              allowed_parameters = { "consumer" = ["shop/*"], "*" = [] }
            }
            """
        );
        var token = await MayflyAsync("token", "create", "-policy=reader", "-no-default-policy", "-field=token");
        using var reader = new CommandLine(_server.Address, token.Trim());
        await MayflyAsync("read", "-header=X-Mayfly-Consumer=curious/1", "secret/data/app");

        (await reader.RunAsync("read", "-header=X-Mayfly-Consumer=shop/1", "secret/data/app")).Succeeded();
        var other = await reader.RunAsync("read", "-header=X-Mayfly-Consumer=bank/1", "secret/data/app");
        string[] acknowledge =
        [
            "write",
            "-header=X-Mayfly-Consumer=bank/1",
            "sys/consumers/ack",
            "path=secret/data/app",
        ];
        var refused = await reader.RunAsync(acknowledge);
        await MayflyAsync("rotate", "app");

        Assert.Contains("may not call itself bank/1", other.Output + other.Error, StringComparison.Ordinal);
        Assert.Equal(0, other.Code);
        Assert.Equal(2, refused.Code);
        var status = await StatusAsync();
        Assert.Equal("wait", status.GetProperty("step").GetString());
        Assert.Equal(
            [("curious/1", false), ("shop/1", true)],
            status
                .GetProperty("consumers")
                .EnumerateArray()
                .Select(each => (each.GetProperty("name").GetString()!, each.GetProperty("awaited").GetBoolean()))
        );
        Assert.Equal(["shop/1"], status.GetProperty("behind").EnumerateArray().Select(name => name.GetString()));
        // Whoever is no consumer is not shown what is only on offer.
        var read = await reader.RunAsync("read", "-header=X-Mayfly-Consumer=bank/1", "secret/data/app");
        Assert.Contains(First, read.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Readers_of_the_secret_are_told_of_its_rotation_and_never_a_value()
    {
        await ConfigureAsync();
        using var http = new HttpClient();
        await using var events = await SseReader.OpenAsync(
            http,
            new Uri($"{_server.Address}/v1/sys/events/subscribe/rotation/*"),
            ServerProcess.DevToken
        );
        await MayflyAsync("rotate", "app");
        var told = (await events.NextAsync())!.Value;
        Assert.Equal("rotation/promote", told.EventType);
        var metadata = JsonDocument
            .Parse(told.Data)
            .RootElement.GetProperty("data")
            .GetProperty("event")
            .GetProperty("metadata");
        Assert.Equal("secret/data/app", metadata.GetProperty("data_path").GetString());
        Assert.Equal("app", metadata.GetProperty("rotation").GetString());
        var version = (await StatusAsync()).GetProperty("current_version").GetString();
        Assert.Equal(version, metadata.GetProperty("version").GetString());
        Assert.DoesNotContain(await PasswordAsync(), told.Data, StringComparison.Ordinal);

        _function.Trouble("fail setSecret");
        await _mayfly.RunAsync("rotate", "app");
        Assert.Equal("rotation/revert", (await events.NextAsync())!.Value.EventType);
    }

    [Fact]
    public async Task Rotations_are_listed_read_and_deleted()
    {
        await ConfigureAsync("rotation_schedule=0 3 * * SUN", "rotation_window=2h");
        Assert.Contains("app", await MayflyAsync("rotation", "list"), StringComparison.Ordinal);
        var read = await MayflyAsync("rotation", "read", "app");
        Assert.Contains("0 3 * * SUN", read, StringComparison.Ordinal);
        Assert.DoesNotContain(RotationFunction.SigningKey, read, StringComparison.Ordinal);

        await MayflyAsync("rotation", "write", "app", "rotation_period=24h");
        Assert.Equal("86400", (await MayflyAsync("rotation", "read", "-field=rotation_period", "app")).Trim());
        Assert.Equal("", (await MayflyAsync("rotation", "read", "-field=rotation_schedule", "app")).Trim());

        await MayflyAsync("rotation", "delete", "app");
        Assert.Equal(2, (await _mayfly.RunAsync("rotation", "read", "app")).Code);
        Assert.Equal(2, (await _mayfly.RunAsync("rotation", "list")).Code);
    }

    [Fact]
    public async Task What_is_wrong_is_refused_with_what_to_do()
    {
        (string Field, string Reason)[] wrong =
        [
            ("url=http://rotate.example/app", "must be https"),
            ("url=ftp://127.0.0.1/", "https://"),
            ("url=https://a:b@127.0.0.1/", "user or password"),
            ("target=cubbyhole/x", "key-value engine"),
            ("mode=sometimes", "dual-credential"),
            ("rotation_period=4s", "5 seconds"),
            ("rotation_schedule=* * *", "5 fields"),
            ("rotation_window=1h", "rotation_window"),
            ("signing_key=short", "shorter"),
            ("timeout=10m", "timeout"),
            ("late_consumers=perhaps", "revert or proceed"),
            ("ca_cert=none", "PEM"),
            ("frequency=often", "unknown field"),
        ];
        foreach (var (field, reason) in wrong)
        {
            string[] all = ["target=secret/app", $"url={_function.Url}"];
            var others = all.Where(other => other[..3] != field[..3]);
            var result = await _mayfly.RunAsync(["rotation", "write", "x", .. others, field]);
            Assert.Equal(2, result.Code);
            Assert.Contains(reason, result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_rotation_cannot_be_used_to_reach_what_its_author_may_not_read()
    {
        await MayflyAsync(
            "write",
            "sys/policies/acl/author",
            """policy=path "sys/rotation/*" { capabilities = ["create", "update", "read", "sudo"] }"""
        );
        var token = (await MayflyAsync("token", "create", "-policy=author", "-field=token")).Trim();
        using var author = new CommandLine(_server.Address, token);

        var result = await author.RunAsync("rotation", "write", "x", "target=secret/app", $"url={_function.Url}");

        Assert.Equal(2, result.Code);
        Assert.Contains("may not read and update secret/data/app", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_due_is_rotated_by_itself_and_audited_with_its_failures_but_without_secrets()
    {
        var log = Path.Combine(_folder, "audit.log");
        await MayflyAsync("audit", "enable", "-path=second", "file", $"file_path={log}");
        _function.Trouble("fail testSecret");
        await ConfigureAsync("rotation_period=5s");

        await RotationFunction.WaitForAsync(
            () => StatusAsync().GetAwaiter().GetResult().GetProperty("history").GetArrayLength() >= 2,
            "the rotation did not begin by itself, or was not tried again"
        );

        var history = (await StatusAsync()).GetProperty("history").EnumerateArray().Reverse().ToList();
        Assert.Equal("reverted", history[0].GetProperty("outcome").GetString());
        Assert.Equal("rotated", history[1].GetProperty("outcome").GetString());
        var lines = (await File.ReadAllLinesAsync(log, Cancellation))
            .Where(line => line.Contains("\"display_name\":\"rotation\"", StringComparison.Ordinal))
            .Where(line => line.Contains("sys/rotation/rotate/app", StringComparison.Ordinal))
            .ToList();
        Assert.Contains(lines, line => line.Contains("\"type\":\"request\"", StringComparison.Ordinal));
        Assert.Contains(
            lines,
            line => line.Contains("\"error\":\"test: the rotation function", StringComparison.Ordinal)
        );
        Assert.Contains(lines, line => line.Contains("\"outcome\":\"rotated\"", StringComparison.Ordinal));
        var all = await File.ReadAllTextAsync(log, Cancellation);
        Assert.DoesNotContain(First, all, StringComparison.Ordinal);
        Assert.DoesNotContain(await PasswordAsync(), all, StringComparison.Ordinal);
        Assert.DoesNotContain(RotationFunction.SigningKey, all, StringComparison.Ordinal);
        Assert.Contains("\"path\":\"secret/data/app\"", all, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_callback_without_the_token_of_the_call_under_way_is_denied()
    {
        await ConfigureAsync();
        foreach (var action in new[] { "describe", "get", "put", "stage" })
        {
            string[] fields = action switch
            {
                "put" => ["ClientRequestToken=x", "SecretString={}"],
                "stage" => ["VersionStage=AWSCURRENT"],
                _ => ["SecretId=app"],
            };
            var result = await _mayfly.RunAsync(["write", $"sys/rotation/hook/app/{action}", .. fields]);
            Assert.Equal(2, result.Code);
            Assert.Contains("permission denied", result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_server_that_does_not_know_its_address_says_what_to_set()
    {
        await using var server = await ServerProcess.StartAsync(
            null,
            "-dev",
            "-dev-listen-address=0.0.0.0:0",
            "-dev-allow-plaintext",
            $"-dev-root-token-id={ServerProcess.DevToken}",
            "-dev-no-store-token"
        );
        using var mayfly = new CommandLine(
            server.Address.Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal),
            ServerProcess.DevToken
        );

        var refused = await mayfly.RunAsync("rotation", "write", "app", "target=secret/app", $"url={_function.Url}");

        Assert.Equal(2, refused.Code);
        Assert.Contains("set api_addr in the server's configuration", refused.Error, StringComparison.Ordinal);
    }

    private async Task ConfigureAsync(params string[] more) =>
        await MayflyAsync([
            "rotation",
            "write",
            "app",
            "target=secret/app",
            $"url={_function.Url}",
            $"signing_key={RotationFunction.SigningKey}",
            .. more,
        ]);

    private async Task<string> MayflyAsync(params string[] words) => (await _mayfly.RunAsync(words)).Succeeded();

    private async Task<string> PasswordAsync() =>
        (await MayflyAsync("kv", "get", "-field=password", "secret/app")).Trim();

    private async Task<JsonElement> StatusAsync() =>
        JsonDocument
            .Parse(await MayflyAsync("rotation", "status", "-format=json", "app"))
            .RootElement.GetProperty("data");

    private async Task StartServerAsync() =>
        _server = await ServerProcess.StartAsync(
            _folder,
            "-dev",
            $"-dev-listen-address=127.0.0.1:{_port}",
            $"-dev-root-token-id={ServerProcess.DevToken}",
            "-dev-no-store-token",
            $"-dev-data={Path.Combine(_folder, "data")}"
        );
}
