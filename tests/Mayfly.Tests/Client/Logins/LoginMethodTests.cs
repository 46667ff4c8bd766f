using Mayfly.Client;
using Mayfly.Client.Logins;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Client.Logins;

/// <summary>Each way to log in, against a vault; those that the server has no method for yet against a stand-in.</summary>
public sealed class LoginMethodTests : IAsyncLifetime
{
    private const string LoginPath = "auth/approle/login";

    private readonly TemporaryFolder _folder = new();
    private ServedVault _server = null!;

    private string SecretIdFile => _folder.File("secret-id");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await ServedVault.StartAsync();
        await _server.WriteAsync("sys/auth/approle", """{"type":"approle"}""");
        await _server.WriteAsync("sys/auth/userpass", """{"type":"userpass"}""");
        await _server.WriteAsync("auth/approle/role/app", """{"token_policies":"default"}""");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_user_logs_in_with_a_password()
    {
        await _server.WriteAsync("auth/userpass/users/ann", """{"password":"correct horse"}""");
        await using var client = Client(new UserpassLogin("ann", "correct horse"));

        var info = await client.Tokens.LookupSelfAsync(Cancellation);

        Assert.Equal("userpass-ann", info.DisplayName);
        Assert.Equal("auth/userpass/login/ann", info.Path);
    }

    [Fact]
    public async Task A_wrong_password_is_refused_in_words_without_it()
    {
        await _server.WriteAsync("auth/userpass/users/ann", """{"password":"correct horse"}""");
        await using var client = Client(new UserpassLogin("ann", "canary"));

        var failure = await Assert.ThrowsAsync<LoginException>(() => client.Tokens.LookupSelfAsync(Cancellation));

        Assert.True(failure.IsRefusal);
        Assert.Contains("invalid username or password", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_secret_id_in_the_file_is_used_at_the_next_login()
    {
        var first = await SecretIdAsync();
        await File.WriteAllTextAsync(SecretIdFile, first + "\n", Cancellation);
        await File.WriteAllTextAsync(_folder.File("role-id"), await RoleIdAsync(), Cancellation);
        await using var client = Client(
            new AppRoleLogin { RoleIdFile = _folder.File("role-id"), SecretIdFile = SecretIdFile }
        );
        await client.Session!.GetTokenAsync(Cancellation);
        await _server.WriteAsync("auth/approle/role/app/secret-id/destroy", $$"""{"secret_id":"{{first}}"}""");

        await Assert.ThrowsAsync<LoginException>(() => client.Session.LogInAgainAsync(Cancellation));
        await File.WriteAllTextAsync(SecretIdFile, await SecretIdAsync(), Cancellation);
        await client.Session.LogInAgainAsync(Cancellation);
    }

    [Fact]
    public async Task A_wrapped_secret_id_is_unwrapped_once_and_its_file_removed()
    {
        var role = await RoleIdAsync();
        await File.WriteAllTextAsync(SecretIdFile, await WrappedSecretIdAsync(), Cancellation);
        await using var client = Client(
            new AppRoleLogin
            {
                RoleId = role,
                SecretIdFile = SecretIdFile,
                IsSecretIdWrapped = true,
                WrappedAtPath = "auth/approle/role/app/secret-id",
                RemoveSecretIdFile = true,
            }
        );

        await client.Session!.GetTokenAsync(Cancellation);
        Assert.False(File.Exists(SecretIdFile));
        await client.Session.LogInAgainAsync(Cancellation);

        Assert.Equal(1, _server.CountOf("sys/wrapping/unwrap"));
        Assert.Equal(2, _server.CountOf(LoginPath));
    }

    [Fact]
    public async Task A_wrapped_secret_id_that_stays_in_its_file_is_not_unwrapped_again()
    {
        await File.WriteAllTextAsync(SecretIdFile, await WrappedSecretIdAsync(), Cancellation);
        await using var client = Client(
            new AppRoleLogin
            {
                RoleId = await RoleIdAsync(),
                SecretIdFile = SecretIdFile,
                IsSecretIdWrapped = true,
            }
        );

        await client.Session!.GetTokenAsync(Cancellation);
        await client.Session.LogInAgainAsync(Cancellation);
        await File.WriteAllTextAsync(SecretIdFile, await WrappedSecretIdAsync(), Cancellation);
        await client.Session.LogInAgainAsync(Cancellation);

        Assert.Equal(2, _server.CountOf("sys/wrapping/unwrap"));
    }

    [Fact]
    public async Task A_secret_id_that_was_wrapped_elsewhere_is_not_unwrapped()
    {
        using var root = new MayflyClient(_server.Options with { Token = _server.Vault.RootToken });
        var wrapped = await root.Wrapping.WrapAsync(
            """{"secret_id":"of somebody else"}"""u8.ToArray(),
            TimeSpan.FromMinutes(5),
            Cancellation
        );
        await using var client = Client(
            new AppRoleLogin
            {
                RoleId = await RoleIdAsync(),
                SecretId = wrapped.Token.Reveal(),
                IsSecretIdWrapped = true,
                WrappedAtPath = "auth/approle/role/app/secret-id",
            }
        );

        var failure = await Assert.ThrowsAsync<LoginException>(() =>
            client.Session!.GetTokenAsync(Cancellation).AsTask()
        );

        Assert.Contains("created at sys/wrapping/wrap", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, _server.CountOf("sys/wrapping/unwrap"));
    }

    [Fact]
    public async Task A_secret_ids_file_that_cannot_be_removed_is_told_of()
    {
        var folder = Directory.CreateDirectory(_folder.File("fixed")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "id"), await SecretIdAsync(), Cancellation);
        // Not even root removes what lies on a path that does not exist in the way: a file in place of its folder.
        var told = new List<string>();
        var login = new AppRoleLogin
        {
            RoleId = await RoleIdAsync(),
            SecretIdFile = "/proc/self/comm",
            RemoveSecretIdFile = true,
            Warning = told.Add,
        };
        await using var client = Client(login);

        await Assert.ThrowsAsync<LoginException>(() => client.Session!.GetTokenAsync(Cancellation).AsTask());

        Assert.Contains("/proc/self/comm could not be removed", Assert.Single(told), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData(null, "cannot be read")]
    public async Task A_file_without_a_credential_is_named(string? content, string reason)
    {
        if (content is not null)
        {
            await File.WriteAllTextAsync(SecretIdFile, content, Cancellation);
        }

        await using var client = Client(new AppRoleLogin { RoleId = "x", SecretIdFile = SecretIdFile });

        var failure = await Assert.ThrowsAsync<LoginException>(() => client.Tokens.LookupSelfAsync(Cancellation));

        Assert.Contains(SecretIdFile, failure.Message, StringComparison.Ordinal);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_token_in_the_file_takes_effect_soon()
    {
        var file = _folder.File("token");
        var first = await _server.Vault.TokenAsync("""{"policies":["default"]}""");
        var second = await _server.Vault.TokenAsync("""{"policies":["default"]}""");
        await File.WriteAllTextAsync(file, first + "\n", Cancellation);
        await using var client = Client(new TokenFileLogin(file));
        Assert.Equal(first, await client.Session!.GetTokenAsync(Cancellation));

        File.Delete(file);
        await _server.PassAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(first, await client.Session.GetTokenAsync(Cancellation));
        await File.WriteAllTextAsync(file, second, Cancellation);

        await _server.PassUntilAsync(() => client.Session.Current!.Token == second);
    }

    [Fact]
    public async Task A_token_file_that_was_replaced_is_read_when_its_token_is_refused()
    {
        var file = _folder.File("token");
        var first = await _server.Vault.TokenAsync("""{"policies":["default"]}""");
        await File.WriteAllTextAsync(file, first, Cancellation);
        await using var client = Client(new TokenFileLogin(file));
        await client.Session!.GetTokenAsync(Cancellation);

        await _server.WriteAsync("auth/token/revoke", $$"""{"token":"{{first}}"}""");
        await File.WriteAllTextAsync(
            file,
            await _server.Vault.TokenAsync("""{"policies":["default"]}"""),
            Cancellation
        );

        Assert.Equal("token", (await client.Tokens.LookupSelfAsync(Cancellation)).DisplayName);
    }

    [Fact]
    public async Task A_jwt_is_read_from_its_file_at_each_login()
    {
        await using var standIn = await StandInAsync("jwt");
        var file = _folder.File("jwt");
        await File.WriteAllTextAsync(file, "first\n", Cancellation);
        await using var client = new MayflyClient(
            new MayflyClientOptions
            {
                Address = standIn.Address,
                Login = new JwtLogin(file) { Role = "ci" },
            }
        );

        Assert.Equal("of-the-stand-in", await client.Session!.GetTokenAsync(Cancellation));
        await File.WriteAllTextAsync(file, "second", Cancellation);
        await client.Session.LogInAgainAsync(Cancellation);

        Assert.Equal(
            ["""{"role":"ci","jwt":"first"}""", """{"role":"ci","jwt":"second"}"""],
            standIn.Requests.Select(static asked => asked.Body)
        );
        Assert.All(standIn.Requests, static asked => Assert.False(asked.Headers.ContainsKey("X-Vault-Token")));
    }

    [Fact]
    public async Task A_pods_service_account_logs_in()
    {
        await using var standIn = await StandInAsync("k8s-east");
        var file = _folder.File("token");
        await File.WriteAllTextAsync(file, "of-the-pod", Cancellation);
        await using var client = new MayflyClient(
            new MayflyClientOptions
            {
                Address = standIn.Address,
                Login = new KubernetesLogin("web") { TokenFile = file, Mount = "k8s-east" },
            }
        );

        Assert.Equal("of-the-stand-in", await client.Session!.GetTokenAsync(Cancellation));
        Assert.Equal("""{"role":"web","jwt":"of-the-pod"}""", Assert.Single(standIn.Requests).Body);
    }

    [Fact]
    public async Task A_second_factor_is_said_to_be_missing()
    {
        await using var standIn = await RecordingServer.StartAsync();
        standIn.On(
            "POST /v1/auth/userpass/login/ann",
            200,
            """{"auth":{"client_token":"","mfa_requirement":{"x":1}}}"""
        );
        await using var client = new MayflyClient(
            new MayflyClientOptions { Address = standIn.Address, Login = new UserpassLogin("ann", "x") }
        );

        var failure = await Assert.ThrowsAsync<LoginException>(() => client.ReadAsync("x", Cancellation));

        Assert.Contains("second factor", failure.Message, StringComparison.Ordinal);
    }

    private static async Task<RecordingServer> StandInAsync(string mount)
    {
        var server = await RecordingServer.StartAsync();
        return server.On(
            $"POST /v1/auth/{mount}/login",
            200,
            """{"auth":{"client_token":"of-the-stand-in","lease_duration":3600,"renewable":true,"policies":["default"]}}"""
        );
    }

    private MayflyClient Client(ILoginMethod login) => new(_server.Options with { Login = login });

    private async Task<string> RoleIdAsync() =>
        (await _server.Vault.DataAsync(Operation.Read, "auth/approle/role/app/role-id"))
            .GetProperty("role_id")
            .GetString()!;

    private async Task<string> SecretIdAsync() =>
        (await _server.WriteAsync("auth/approle/role/app/secret-id")).GetProperty("secret_id").GetString()!;

    private async Task<string> WrappedSecretIdAsync()
    {
        using var root = new MayflyClient(_server.Options with { Token = _server.Vault.RootToken });
        var request = new MayflyRequest(HttpMethod.Put, "auth/approle/role/app/secret-id") { WrapTtl = "5m" };
        return (await root.SendAsync(request, Cancellation)).EnsureSuccess().Wrapped!.Token.Reveal();
    }
}
