using System.Net;
using System.Text;
using System.Text.Json;
using Mayfly.Core.Auth.UserPass;
using Mayfly.Core.Engines;
using Mayfly.Core.Identity;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto;
using Mayfly.Tests.Contracts;
using Mayfly.Tests.Engines;

namespace Mayfly.Tests.Auth;

public sealed class UserPassContract : EngineContract
{
    protected override EngineType Type => UserPassAuth.TypeWith(iterations: 1);
}

public sealed class UserPassTests
{
    private const string Wrong = "invalid username or password";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_user_logs_in_and_gets_what_the_record_says()
    {
        await using var harness = await StartAsync();
        await WriteAsync(harness, "users/Alice", """{"password":"p","token_policies":"ops","token_ttl":"1h"}""");

        var grant = await LoginAsync(harness, "ALICE", "p");
        Assert.Equal("alice", grant!.DisplayName);
        Assert.Equal("alice", grant.AliasName);
        Assert.Equal("alice", grant.Metadata["username"]);
        Assert.Equal(["ops"], grant.Parameters.Policies);
        Assert.Equal(TimeSpan.FromHours(1), grant.Parameters.Ttl);
    }

    [Fact]
    public async Task A_read_shows_everything_but_the_password()
    {
        await using var harness = await StartAsync();
        await WriteAsync(harness, "users/alice", """{"password":"hunter2","policies":["b","a"],"max_ttl":"2h"}""");

        var read = await ReadAsync(harness, "users/alice");
        Assert.DoesNotContain("pbkdf2", read.GetRawText(), StringComparison.Ordinal);
        Assert.Equal("""["a","b"]""", read.GetProperty("token_policies").GetRawText());
        Assert.Equal("""["a","b"]""", read.GetProperty("policies").GetRawText());
        Assert.Equal(7200, read.GetProperty("token_max_ttl").GetInt32());
        Assert.Equal(7200, read.GetProperty("max_ttl").GetInt32());
        Assert.Equal("default", read.GetProperty("token_type").GetString());
    }

    [Fact]
    public async Task A_wrong_password_and_an_unknown_user_are_told_the_same()
    {
        await using var harness = await StartAsync();
        await WriteAsync(harness, "users/alice", """{"password":"p"}""");

        foreach (var name in new[] { "alice", "nobody", new string('x', 1000) })
        {
            var fault = await FailLoginAsync(harness, name, "q");
            Assert.Equal(FaultKind.Invalid, fault.Kind);
            Assert.Equal([Wrong], fault.Messages);
        }
    }

    [Fact]
    public async Task An_update_keeps_what_was_not_sent()
    {
        await using var harness = await StartAsync();
        await WriteAsync(harness, "users/alice", """{"password":"p","token_policies":"a","token_ttl":60}""");
        await WriteAsync(harness, "users/alice", """{"token_ttl":120}""");
        var grant = await LoginAsync(harness, "alice", "p");
        Assert.Equal(["a"], grant!.Parameters.Policies);
        Assert.Equal(TimeSpan.FromMinutes(2), grant.Parameters.Ttl);

        await WriteAsync(harness, "users/alice/password", """{"password":"new"}""");
        Assert.Equal([Wrong], (await FailLoginAsync(harness, "alice", "p")).Messages);
        await WriteAsync(harness, "users/alice/policies", """{"token_policies":"b,c"}""");
        Assert.Equal(["b", "c"], (await LoginAsync(harness, "alice", "new"))!.Parameters.Policies);
    }

    [Theory]
    [InlineData("users/new", "{}", "missing password")]
    [InlineData("users/new", """{"password":""}""", "missing password")]
    [InlineData("users/alice", """{"password":""}""", "missing password")]
    [InlineData("users/new", """{"password_hash":"$2a$10$abc"}""", "password_hash is not supported")]
    [InlineData("users/nobody/password", """{"password":"p"}""", "username does not exist")]
    [InlineData("users/alice/password", "{}", "missing password")]
    [InlineData("users/nobody/policies", """{"policies":"p"}""", "username does not exist")]
    [InlineData("users/alice", """{"token_ttl":"2h","token_max_ttl":"1h"}""", "cannot be greater")]
    [InlineData("users/a\u0007b", """{"password":"p"}""", "the user's name must be")]
    [InlineData("login/alice", "{}", "missing password")]
    [InlineData("login/alice", """{"password":""}""", "missing password")]
    public async Task What_cannot_be_is_refused(string path, string body, string message)
    {
        await using var harness = await StartAsync();
        await WriteAsync(harness, "users/alice", """{"password":"p"}""");

        var outcome = await harness.HandleAsync(Operation.Update, path, body);
        Assert.Equal(FaultKind.Invalid, outcome.Fault!.Kind);
        Assert.Contains(message, outcome.Fault.Messages[0], StringComparison.Ordinal);
        Assert.NotNull(await LoginAsync(harness, "alice", "p"));
    }

    [Fact]
    public async Task A_password_of_absurd_length_is_refused()
    {
        await using var harness = await StartAsync();
        var body = JsonSerializer.Serialize(new { password = new string('x', 5000) });
        foreach (var path in new[] { "users/alice", "login/alice" })
        {
            var outcome = await harness.HandleAsync(Operation.Update, path, body);
            Assert.Contains("longer than 4096", outcome.Fault!.Messages[0], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Users_are_listed_and_deleted()
    {
        await using var harness = await StartAsync();
        Assert.Equal(FaultKind.NotFound, (await harness.HandleAsync(Operation.List, "users/")).Fault!.Kind);
        await WriteAsync(harness, "users/bob", """{"password":"p"}""");
        await WriteAsync(harness, "users/alice", """{"password":"p"}""");
        var list = await harness.HandleAsync(Operation.List, "users/");
        Assert.Equal("""{"keys":["alice","bob"]}""", Encoding.UTF8.GetString(list.Response!.Data.Span));

        Assert.True((await harness.HandleAsync(Operation.Delete, "users/bob")).Succeeded);
        Assert.True((await harness.HandleAsync(Operation.Delete, "users/bob")).Succeeded);
        Assert.Equal(FaultKind.NotFound, (await harness.HandleAsync(Operation.Read, "users/bob")).Fault!.Kind);
        Assert.Equal([Wrong], (await FailLoginAsync(harness, "bob", "p")).Messages);
    }

    [Theory]
    [InlineData("alice")]
    [InlineData("nobody")]
    public async Task Five_failures_in_a_row_lock_the_name_for_a_quarter_of_an_hour(string name)
    {
        await using var harness = await StartAsync();
        await WriteAsync(harness, "users/alice", """{"password":"p"}""");
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal([Wrong], (await FailLoginAsync(harness, name, "q")).Messages);
        }

        Assert.Equal(FaultKind.Denied, (await FailLoginAsync(harness, name, "p")).Kind);
        harness.Time.Advance(TimeSpan.FromMinutes(15) - TimeSpan.FromSeconds(1));
        Assert.Equal(FaultKind.Denied, (await FailLoginAsync(harness, name, "p")).Kind);
        harness.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([Wrong], (await FailLoginAsync(harness, name, "q")).Messages);
        Assert.Equal(name == "alice", await LoginAsync(harness, name, "p") is not null);
    }

    [Fact]
    public async Task Failures_that_are_far_apart_or_interrupted_by_success_do_not_lock()
    {
        await using var harness = await StartAsync();
        await WriteAsync(harness, "users/alice", """{"password":"p"}""");
        for (var i = 0; i < 12; i++)
        {
            await FailLoginAsync(harness, "alice", "q");
            if (i % 4 == 3)
            {
                if (i == 3)
                {
                    Assert.NotNull(await LoginAsync(harness, "alice", "p"));
                }
                else
                {
                    harness.Time.Advance(TimeSpan.FromMinutes(15));
                }
            }
        }

        Assert.NotNull(await LoginAsync(harness, "alice", "p"));
    }

    [Fact]
    public async Task A_new_password_unlocks()
    {
        await using var harness = await StartAsync();
        await WriteAsync(harness, "users/alice", """{"password":"p"}""");
        for (var i = 0; i < 5; i++)
        {
            await FailLoginAsync(harness, "alice", "q");
        }

        Assert.Equal(FaultKind.Denied, (await FailLoginAsync(harness, "alice", "p")).Kind);
        await WriteAsync(harness, "users/alice/password", """{"password":"new"}""");
        Assert.NotNull(await LoginAsync(harness, "alice", "new"));
    }

    [Fact]
    public async Task Guesses_at_the_same_time_do_not_get_more_tries()
    {
        await using var harness = await StartAsync();
        await WriteAsync(harness, "users/alice", """{"password":"p"}""");
        var slots = Math.Max(1, Environment.ProcessorCount / 2);
        var faults = await Task.WhenAll(
            Enumerable.Range(0, 40).Select(i => Task.Run(() => FailLoginAsync(harness, "alice", $"guess {i}")))
        );
        Assert.InRange(faults.Count(fault => fault.Kind == FaultKind.Invalid), 5, 4 + slots);
    }

    [Fact]
    public void The_memory_of_failures_is_bounded_and_forgets_the_oldest()
    {
        var time = new ManualTime();
        var lockout = new Mayfly.Core.Auth.Lockout(time, capacity: 100, Mayfly.Core.Mounts.LockoutLimits.Default);
        for (var i = 0; i < 5; i++)
        {
            lockout.Failed("first");
        }

        Assert.True(lockout.IsLocked("first"));
        for (var i = 0; i < 1000; i++)
        {
            lockout.Failed($"name {i}");
        }

        Assert.Equal(100, lockout.Count);
        Assert.False(lockout.IsLocked("first"));
        time.Advance(TimeSpan.FromMinutes(16));
        lockout.Failed("later");
        Assert.Equal(1, lockout.Count);
    }

    [Fact]
    public async Task A_user_bound_to_networks_logs_in_from_there_only()
    {
        await using var harness = await StartAsync();
        await WriteAsync(harness, "users/alice", """{"password":"p","token_bound_cidrs":"10.0.0.0/8"}""");
        Assert.Equal(FaultKind.Denied, (await FailLoginAsync(harness, "alice", "p")).Kind);
        var outcome = await harness.HandleAsync(
            Operation.Update,
            "login/alice",
            """{"password":"p"}""",
            remote: IPAddress.Parse("::ffff:10.9.8.7")
        );
        Assert.True(outcome.Succeeded);
    }

    [Fact]
    public async Task A_token_is_renewed_while_the_user_exists_with_the_same_policies()
    {
        await using var harness = await StartAsync();
        await WriteAsync(harness, "users/alice", """{"password":"p","token_policies":"a","token_ttl":60}""");
        var token = TokenFrom((await LoginAsync(harness, "alice", "p"))!);
        var method = (IRenewsTokens)harness.Engine;

        await WriteAsync(harness, "users/alice", """{"token_ttl":120}""");
        Assert.Equal(TimeSpan.FromMinutes(2), (await method.RenewAsync(token, Cancellation)).Parameters!.Ttl);

        await WriteAsync(harness, "users/alice", """{"token_policies":"a,b"}""");
        Assert.Contains("policies have changed", (await method.RenewAsync(token, Cancellation)).Fault!.Messages[0]);

        await harness.HandleAsync(Operation.Delete, "users/alice");
        Assert.Contains("no longer exists", (await method.RenewAsync(token, Cancellation)).Fault!.Messages[0]);
    }

    [Fact]
    public async Task A_cheaper_hash_is_made_stronger_at_the_next_login()
    {
        await using var weak = await StartAsync(iterations: 1);
        await WriteAsync(weak, "users/alice", """{"password":"p"}""");
        Assert.Equal(1, (await StoredAsync(weak)).Password.Iterations);

        await using var strong = UserPassAuth.TypeWith(iterations: 3).Create(weak.Context);
        var match = strong.Paths.Match("login/alice")!;
        using var request = new Request
        {
            Id = "1",
            Operation = Operation.Update,
            Path = "auth/userpass/login/alice",
            Body = SecretBytes.CopyOf("""{"password":"p"}"""u8),
        };
        using var fields = FieldValues.Bind(match, request, UnknownFields.Refuse, []).Values;
        var login = AuthorizedRequest.Check(request, match, fields!, "login/alice", caller: null, out _)!;
        Assert.True((await match.Entry.Write!(login, Cancellation)).Succeeded);

        Assert.Equal(3, (await StoredAsync(weak)).Password.Iterations);
        Assert.NotNull(await LoginAsync(weak, "alice", "p"));
    }

    [Fact]
    public void A_hash_is_read_back_and_holds_only_for_its_password()
    {
        var hash = PasswordHash.Decode(PasswordHash.Create("p"u8, 2).Encode());
        Assert.True(hash.Verify("p"u8));
        Assert.False(hash.Verify("q"u8));
        Assert.False(PasswordHash.Dummy(2).Verify("p"u8));
        Assert.Equal("PasswordHash(pbkdf2-sha256, 2)", hash.ToString());
        Assert.Equal(16, hash.Salt.Length);
        Assert.Throws<FormatException>(() => PasswordHash.Decode("$2a$10$abc"));
    }

    [Fact]
    public void The_cost_is_what_is_recommended_today() => Assert.Equal(600_000, PasswordHash.RecommendedIterations);

    private static async Task<User> StoredAsync(EngineHarness harness)
    {
        using var entry = await harness.View.GetAsync("user/alice", Cancellation);
        return User.Read(entry!.Value.Memory);
    }

    private static Task<EngineHarness> StartAsync(int iterations = 1) =>
        EngineHarness.StartAsync(UserPassAuth.TypeWith(iterations));

    private static async Task WriteAsync(EngineHarness harness, string path, string body)
    {
        var outcome = await harness.HandleAsync(Operation.Update, path, body);
        Assert.True(outcome.Succeeded, outcome.Fault?.Messages[0]);
    }

    private static async Task<JsonElement> ReadAsync(EngineHarness harness, string path)
    {
        var outcome = await harness.HandleAsync(Operation.Read, path);
        using var response = outcome.Response!;
        using var document = JsonDocument.Parse(response.Data);
        return document.RootElement.Clone();
    }

    private static Task<Outcome> TryLoginAsync(EngineHarness harness, string name, string password) =>
        harness.HandleAsync(Operation.Update, "login/" + name, JsonSerializer.Serialize(new { password }));

    private static async Task<TokenGrant?> LoginAsync(EngineHarness harness, string name, string password) =>
        (await TryLoginAsync(harness, name, password)).Response?.Grant;

    private static async Task<Fault> FailLoginAsync(EngineHarness harness, string name, string password) =>
        (await TryLoginAsync(harness, name, password)).Fault!;

    private static TokenEntry TokenFrom(TokenGrant grant) =>
        new()
        {
            Accessor = "a",
            Type = TokenType.Service,
            Policies = grant.Parameters.Policies,
            Path = "auth/userpass/login/alice",
            CreatedAt = DateTimeOffset.UnixEpoch,
            MethodData = grant.MethodData,
        };
}
