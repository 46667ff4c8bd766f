using Mayfly.Client;
using Mayfly.Client.Logins;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Client.Logins;

/// <summary>That a client logs in by itself, and stays logged in.</summary>
public sealed class LoginSessionTests : IAsyncLifetime
{
    private const string LoginPath = "auth/approle/login";
    private const string RenewPath = "auth/token/renew-self";
    private const string LookupPath = "auth/token/lookup-self";

    private ServedVault _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await ServedVault.StartAsync();
        await _server.Vault.DataAsync(
            Operation.Update,
            "sys/policies/acl/app",
            """{"policy":"path \"cubbyhole/*\" { capabilities = [\"read\", \"update\", \"create\"] }"}"""
        );
        await _server.WriteAsync("sys/auth/approle", """{"type":"approle"}""");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task The_first_requests_share_one_login()
    {
        await using var client = await ClientAsync();
        Assert.Empty(_server.Asked);

        var answers = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => client.ReadAsync("cubbyhole/x", Cancellation))
        );

        Assert.All(answers, answer => Assert.Equal(404, answer.Status));
        Assert.Equal(1, _server.CountOf(LoginPath));
    }

    [Fact]
    public async Task A_token_is_renewed_at_two_thirds_of_its_life_for_as_long_as_it_can_live()
    {
        await using var client = await ClientAsync("""{"token_policies":"app","token_ttl":"60s"}""");
        var token = await client.Session!.GetTokenAsync(Cancellation);

        await _server.PassAsync(TimeSpan.FromSeconds(35));
        Assert.Equal(0, _server.CountOf(RenewPath));
        await _server.PassUntilAsync(() => _server.CountOf(RenewPath) == 1);
        await _server.PassAsync(TimeSpan.FromMinutes(10));

        Assert.Equal(token, await client.Session.GetTokenAsync(Cancellation));
        Assert.Equal(404, (await client.ReadAsync("cubbyhole/x", Cancellation)).Status);
        Assert.Equal(1, _server.CountOf(LoginPath));
        Assert.InRange(_server.CountOf(RenewPath), 12, 20);
    }

    [Fact]
    public async Task A_token_that_can_live_no_longer_is_replaced_before_it_ends_and_left_to_its_children()
    {
        await using var client = await ClientAsync(
            """{"token_policies":"app","token_ttl":"60s","token_max_ttl":"150s"}"""
        );
        var changes = new List<LoginEventArgs>();
        client.Session!.LoggedIn += (_, change) => changes.Add(change);
        var first = await client.Session.GetTokenAsync(Cancellation);

        await _server.PassUntilAsync(() => changes.Count == 2);

        Assert.Null(changes[0].Previous);
        Assert.Equal(first, changes[1].Previous!.Token);
        Assert.NotEqual(first, await client.Session.GetTokenAsync(Cancellation));
        // Credentials that were issued with it live on until their user has others.
        await _server.Vault.DataAsync(Operation.Read, LookupPath, token: first);
    }

    [Fact]
    public async Task A_renewal_that_is_refused_leads_to_a_login()
    {
        await using var client = await ClientAsync("""{"token_policies":"app","token_ttl":"60s"}""");
        var first = await client.Session!.GetTokenAsync(Cancellation);
        var failures = new List<LoginFailedEventArgs>();
        client.Session.Failed += (_, failure) => failures.Add(failure);
        _server.Interfere = request => request.Path == RenewPath ? Fault.Denied() : null;

        await _server.PassUntilAsync(() => _server.CountOf(LoginPath) == 2);
        await _server.PassUntilAsync(() => client.Session.Current!.Token != first);

        Assert.True(Assert.Single(failures).IsRenewal);
    }

    [Fact]
    public async Task A_renewal_that_cannot_be_asked_for_is_tried_again_while_the_token_lives()
    {
        await using var client = await ClientAsync("""{"token_policies":"app","token_ttl":"600s"}""");
        var first = await client.Session!.GetTokenAsync(Cancellation);
        _server.Interfere = request => request.Path == RenewPath ? Fault.Unavailable("later") : null;

        await _server.PassUntilAsync(() => _server.CountOf(RenewPath) == 3, TimeSpan.FromSeconds(5));
        _server.Interfere = static _ => null;
        await _server.PassAsync(TimeSpan.FromSeconds(1200), TimeSpan.FromSeconds(20));

        Assert.Equal(first, await client.Session.GetTokenAsync(Cancellation));
        Assert.Equal(1, _server.CountOf(LoginPath));
    }

    [Fact]
    public async Task A_request_whose_token_was_revoked_is_repeated_with_a_new_one()
    {
        await using var client = await ClientAsync();
        var first = await client.Session!.GetTokenAsync(Cancellation);
        await _server.WriteAsync("auth/token/revoke", $$"""{"token":"{{first}}"}""");

        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 10)
                .Select(_ => client.WriteAsync("cubbyhole/x", """{"a":"1"}"""u8.ToArray(), Cancellation))
        );

        Assert.All(answers, answer => Assert.Equal(204, answer.Status));
        Assert.Equal(2, _server.CountOf(LoginPath));
        Assert.Equal(1, _server.CountOf(LookupPath));
    }

    [Fact]
    public async Task What_a_policy_forbids_causes_no_login()
    {
        await using var client = await ClientAsync();

        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(403, (await client.ReadAsync("sys/policies/acl/app", Cancellation)).Status);
        }

        Assert.Equal(1, _server.CountOf(LoginPath));
        Assert.Equal(1, _server.CountOf(LookupPath));
    }

    [Fact]
    public async Task A_token_that_may_not_look_itself_up_causes_few_logins()
    {
        await using var client = await ClientAsync("""{"token_policies":"app","token_no_default_policy":true}""");

        for (var i = 0; i < 60; i++)
        {
            Assert.Equal(403, (await client.ReadAsync("sys/policies/acl/app", Cancellation)).Status);
            await _server.PassAsync(TimeSpan.FromSeconds(1));
        }

        // At 0 s, 20 s and 60 s; each wait is twice the one before.
        Assert.InRange(_server.CountOf(LoginPath), 2, 4);
    }

    [Fact]
    public async Task A_login_that_failed_is_tried_again_once_its_wait_is_over()
    {
        await using var client = await ClientAsync();
        _server.Interfere = request => request.Path == LoginPath ? Fault.Unavailable("later") : null;

        var failure = await Assert.ThrowsAsync<LoginException>(() => client.ReadAsync("cubbyhole/x", Cancellation));
        var again = await Assert.ThrowsAsync<LoginException>(() => client.ReadAsync("cubbyhole/x", Cancellation));

        Assert.False(failure.IsRefusal);
        Assert.InRange(again.RetryAfter, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1));
        Assert.Equal(1, _server.CountOf(LoginPath));

        _server.Interfere = static _ => null;
        await _server.PassAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(404, (await client.ReadAsync("cubbyhole/x", Cancellation)).Status);
        Assert.Equal(2, _server.CountOf(LoginPath));
    }

    [Fact]
    public async Task Logins_that_fail_wait_longer_and_longer()
    {
        await using var client = await ClientAsync();
        _server.Interfere = request => request.Path == LoginPath ? Fault.Unavailable("later") : null;
        await Assert.ThrowsAsync<LoginException>(() => client.ReadAsync("cubbyhole/x", Cancellation));

        await _server.PassAsync(TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(2));

        // Six waits until a minute is reached, and then one in half a minute to a minute.
        Assert.InRange(_server.CountOf(LoginPath), 12, 32);
    }

    [Fact]
    public async Task The_old_token_serves_while_a_new_login_fails()
    {
        await using var client = await ClientAsync(
            """{"token_policies":"app","token_ttl":"60s","token_type":"batch"}"""
        );
        var first = await client.Session!.GetTokenAsync(Cancellation);
        _server.Interfere = request => request.Path == LoginPath ? Fault.Unavailable("later") : null;

        await _server.PassUntilAsync(() => _server.CountOf(LoginPath) > 2);

        Assert.Equal(first, await client.Session.GetTokenAsync(Cancellation));
        await _server.PassAsync(TimeSpan.FromSeconds(60));
        await Assert.ThrowsAsync<LoginException>(() => client.Session.GetTokenAsync(Cancellation).AsTask());
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task Setting_the_clients_time_of_day_changes_nothing(int days)
    {
        var time = new ManualTime();
        await using var client = new MayflyClient(
            _server.Options with
            {
                Time = time,
                Login = await AppRoleAsync("""{"token_policies":"app","token_ttl":"60s"}"""),
            }
        );
        var first = await client.Session!.GetTokenAsync(Cancellation);

        time.Jump(TimeSpan.FromDays(days));

        Assert.Equal(first, await client.Session.GetTokenAsync(Cancellation));
        for (var seconds = 0; seconds < 35; seconds++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(5, Cancellation);
        }

        Assert.Equal(0, _server.CountOf(RenewPath));
        while (_server.CountOf(RenewPath) == 0)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(5, Cancellation);
        }

        Assert.Equal(1, _server.CountOf(LoginPath));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_end_of_a_session_revokes_its_token_when_it_should(bool shouldRevoke)
    {
        var client = await ClientAsync(session: new LoginSessionOptions { RevokeAtEnd = shouldRevoke });
        var token = await client.Session!.GetTokenAsync(Cancellation);

        await client.DisposeAsync();

        var outcome = await _server.Vault.HandleAsync(Operation.Read, LookupPath, token: token);
        Assert.Equal(!shouldRevoke, outcome.Succeeded);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.Session.GetTokenAsync(Cancellation).AsTask());
    }

    [Fact]
    public async Task A_token_that_was_handed_in_is_renewed_and_not_revoked()
    {
        var token = await _server.Vault.TokenAsync("""{"ttl":"60s","policies":["app"]}""");
        var client = new MayflyClient(
            _server.Options with
            {
                Login = new TokenLogin(token),
                LoginSession = new LoginSessionOptions { RevokeAtEnd = true },
            }
        );
        Assert.Equal(404, (await client.ReadAsync("cubbyhole/x", Cancellation)).Status);

        await _server.PassUntilAsync(() => _server.CountOf(RenewPath) == 1);
        await client.DisposeAsync();

        await _server.Vault.DataAsync(Operation.Read, LookupPath, token: token);
    }

    [Fact]
    public async Task A_token_that_nobody_knows_is_refused_without_being_told()
    {
        await using var client = new MayflyClient(_server.Options with { Login = new TokenLogin("hvs.canary") });

        var failure = await Assert.ThrowsAsync<LoginException>(() => client.ReadAsync("cubbyhole/x", Cancellation));

        Assert.True(failure.IsRefusal);
        Assert.DoesNotContain("canary", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_session_serves_several_clients_and_outlives_them()
    {
        using var bare = new MayflyClient(_server.Options);
        await using var session = new LoginSession(bare, await AppRoleAsync());
        await using (var client = new MayflyClient(_server.Options, session))
        {
            Assert.Equal(404, (await client.ReadAsync("cubbyhole/x", Cancellation)).Status);
        }

        await using var other = new MayflyClient(_server.Options, session);
        Assert.Equal(404, (await other.ReadAsync("cubbyhole/x", Cancellation)).Status);
        Assert.Equal(1, _server.CountOf(LoginPath));
    }

    [Fact]
    public async Task A_listener_that_throws_does_not_end_the_session()
    {
        await using var client = await ClientAsync("""{"token_policies":"app","token_ttl":"60s"}""");
        client.Session!.LoggedIn += static (_, _) => throw new InvalidOperationException();
        await client.Session.GetTokenAsync(Cancellation);

        await _server.PassUntilAsync(() => _server.CountOf(RenewPath) == 2);
    }

    [Fact]
    public async Task Logging_in_again_can_be_asked_for()
    {
        await using var client = await ClientAsync();
        var first = await client.Session!.GetTokenAsync(Cancellation);

        Assert.NotEqual(first, await client.Session.LogInAgainAsync(Cancellation));
        Assert.Equal(2, _server.CountOf(LoginPath));
    }

    [Fact]
    public async Task A_login_does_not_print_its_token()
    {
        await using var client = await ClientAsync();
        var token = await client.Session!.GetTokenAsync(Cancellation);

        Assert.DoesNotContain(token, $"{client.Session.Current}", StringComparison.Ordinal);
        Assert.Equal(["app", "default"], client.Session.Current!.Policies);
    }

    private async Task<MayflyClient> ClientAsync(
        string role = """{"token_policies":"app"}""",
        LoginSessionOptions? session = null
    ) =>
        new(
            _server.Options with
            {
                Login = await AppRoleAsync(role),
                LoginSession = session ?? new LoginSessionOptions(),
            }
        );

    private async Task<AppRoleLogin> AppRoleAsync(string role = """{"token_policies":"app"}""")
    {
        await _server.WriteAsync("auth/approle/role/app", role);
        var roleId = await _server.Vault.DataAsync(Operation.Read, "auth/approle/role/app/role-id");
        var secretId = await _server.WriteAsync("auth/approle/role/app/secret-id");
        return new AppRoleLogin
        {
            RoleId = roleId.GetProperty("role_id").GetString(),
            SecretId = secretId.GetProperty("secret_id").GetString(),
        };
    }
}
