using Mayfly.Client;
using Mayfly.Client.Logins;

namespace Mayfly.Tests.Client.Logins;

/// <summary>
/// Against a real server, in real time with short lives: each way to log in sees its token renewed, comes back after its token was
/// revoked, and after the server was away.
/// </summary>
public sealed class StayingLoggedInTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();
    private readonly int _port = FreePort.Choose();
    private ServerProcess? _server;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private MayflyClientOptions Options => new() { Address = $"http://127.0.0.1:{_port}" };

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        _folder.Dispose();
    }

    [Theory]
    [InlineData("approle")]
    [InlineData("userpass")]
    [InlineData("token file")]
    public async Task A_login_outlives_its_lease_its_revocation_and_the_server(string method)
    {
        await StartAsync();
        using var root = new MayflyClient(Options with { Token = ServerProcess.DevToken });
        await using var client = new MayflyClient(
            Options with
            {
                Login = await PrepareAsync(root, method),
                LoginSession = new LoginSessionOptions { WatchInterval = TimeSpan.FromMilliseconds(500) },
            }
        );
        var renewed = new TaskCompletionSource();
        client.Session!.Renewed += (_, _) => renewed.TrySetResult();

        await client.Tokens.LookupSelfAsync(Cancellation);
        await renewed.Task.WaitAsync(Patience, Cancellation);

        var old = await client.Session.GetTokenAsync(Cancellation);
        await ReplaceTokenFileAsync(root, method);
        await root.Tokens.RevokeAsync(old, Cancellation);
        await client.Tokens.LookupSelfAsync(Cancellation);
        Assert.NotEqual(old, await client.Session.GetTokenAsync(Cancellation));

        await _server!.StopAsync();
        await Assert.ThrowsAnyAsync<MayflyException>(() => client.Tokens.LookupSelfAsync(Cancellation));
        await StartAsync();
        await ReplaceTokenFileAsync(root, method);
        await RecoversAsync(client);
    }

    [Fact]
    public async Task A_given_token_is_renewed_and_its_end_is_told()
    {
        await StartAsync();
        using var root = new MayflyClient(Options with { Token = ServerProcess.DevToken });
        var token = await TokenAsync(root);
        await using var client = new MayflyClient(Options with { Login = new TokenLogin(token) });
        var renewed = new TaskCompletionSource();
        client.Session!.Renewed += (_, _) => renewed.TrySetResult();
        await client.Tokens.LookupSelfAsync(Cancellation);
        await renewed.Task.WaitAsync(Patience, Cancellation);

        await root.Tokens.RevokeAsync(token, Cancellation);

        var failure = await Assert.ThrowsAsync<LoginException>(() => client.Tokens.LookupSelfAsync(Cancellation));
        Assert.True(failure.IsRefusal);
        Assert.DoesNotContain(token, failure.ToString(), StringComparison.Ordinal);
    }

    private static async Task RecoversAsync(MayflyClient client)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                await client.Tokens.LookupSelfAsync(limit.Token);
                return;
            }
            catch (MayflyException)
            {
                await Task.Delay(100, limit.Token);
            }
        }
    }

    private static async Task<string> TokenAsync(MayflyClient root) =>
        (
            await root.Tokens.CreateAsync(new() { Policies = ["default"], Ttl = TimeSpan.FromSeconds(4) }, Cancellation)
        ).Token;

    private static async Task WriteAsync(MayflyClient root, string path, string json) =>
        (await root.WriteAsync(path, System.Text.Encoding.UTF8.GetBytes(json), Cancellation)).EnsureSuccess();

    private async Task StartAsync() => _server = await ServerProcess.StartDevAtAsync(_port, _folder.Path);

    private async Task<ILoginMethod> PrepareAsync(MayflyClient root, string method)
    {
        const string lives = "\"token_ttl\":\"4s\",\"token_policies\":\"default\"";
        switch (method)
        {
            case "approle":
                await WriteAsync(root, "sys/auth/approle", """{"type":"approle"}""");
                await WriteAsync(root, "auth/approle/role/app", $$"""{{{lives}}}""");
                var role = await root.ReadAsync("auth/approle/role/app/role-id", Cancellation);
                var secret = await root.WriteAsync("auth/approle/role/app/secret-id", "{}"u8.ToArray(), Cancellation);
                return new AppRoleLogin
                {
                    RoleId = role.Data.GetProperty("role_id").GetString(),
                    SecretId = secret.Data.GetProperty("secret_id").GetString(),
                };
            case "userpass":
                await WriteAsync(root, "sys/auth/userpass", """{"type":"userpass"}""");
                await WriteAsync(root, "auth/userpass/users/ann", $$"""{"password":"correct horse",{{lives}}}""");
                return new UserpassLogin("ann", "correct horse");
            default:
                await ReplaceTokenFileAsync(root, method);
                return new TokenFileLogin(_folder.File("token"));
        }
    }

    private async Task ReplaceTokenFileAsync(MayflyClient root, string method)
    {
        if (method == "token file")
        {
            await File.WriteAllTextAsync(_folder.File("token"), await TokenAsync(root), Cancellation);
        }
    }
}
