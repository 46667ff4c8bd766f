using System.Text.Json;

namespace Mayfly.Tests.Cli;

[Collection(DevServerTests.Name)]
public sealed class VerbTests(DevServer server) : IDisposable
{
    private readonly CommandLine _mayfly = server.AsRoot();

    public void Dispose() => _mayfly.Dispose();

    [Fact]
    public async Task Status_tells_the_state_in_every_format()
    {
        var table = (await _mayfly.RunAsync("status")).Succeeded();
        Assert.StartsWith(
            "Key             Value\n---             -----\nSeal Type       shamir\nInitialized     true\nSealed          false\nTotal Shares    1\nThreshold       1\nVersion         ",
            table,
            StringComparison.Ordinal
        );
        Assert.EndsWith("HA Enabled      false\n", table, StringComparison.Ordinal);
        var json = JsonElement.Parse((await _mayfly.RunAsync("status", "-format=json")).Succeeded());
        Assert.False(json.GetProperty("sealed").GetBoolean());
        Assert.False(json.GetProperty("ha_enabled").GetBoolean());
        Assert.Contains(
            "sealed: false\n",
            (await _mayfly.RunAsync("-format=yaml", "status")).Succeeded(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Tokens_are_created_looked_up_renewed_and_revoked()
    {
        var created = JsonElement.Parse(
            (
                await _mayfly.RunAsync(
                    "token",
                    "create",
                    "-policy=default",
                    "-ttl=1h",
                    "-display-name=x",
                    "-metadata=k=v",
                    "-format=json"
                )
            ).Succeeded()
        );
        var token = created.GetProperty("auth").GetProperty("client_token").GetString()!;
        var accessor = created.GetProperty("auth").GetProperty("accessor").GetString()!;
        using var own = server.As(token);

        var table = (await own.RunAsync("token", "lookup")).Succeeded();
        Assert.Contains("\npolicies            [default]\n", table, StringComparison.Ordinal);
        Assert.Contains("\nmeta                map[k:v]\n", table, StringComparison.Ordinal);
        Assert.Contains(
            "token_duration       30m\n",
            (await own.RunAsync("token", "renew", "-increment=30m")).Succeeded(),
            StringComparison.Ordinal
        );
        Assert.Contains(
            accessor,
            (await _mayfly.RunAsync("token", "lookup", "-accessor", accessor)).Succeeded(),
            StringComparison.Ordinal
        );
        Assert.Equal("root\n", (await _mayfly.RunAsync("token", "capabilities", "secret/x")).Succeeded());
        Assert.Equal("deny\n", (await own.RunAsync("token", "capabilities", "secret/data/x")).Succeeded());
        Assert.Equal(
            "Success! Revoked token (if it existed)\n",
            (await _mayfly.RunAsync(["token", "revoke", "-"], token + "\n")).Succeeded()
        );
        var dead = await own.RunAsync("token", "lookup");
        Assert.Equal(2, dead.Code);
        Assert.Contains("Code: 403. Errors:", dead.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(token, dead.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("token", "revoke")]
    [InlineData("token", "revoke", "-self", "-accessor")]
    [InlineData("token", "revoke", "-mode=none", "x")]
    [InlineData("token", "lookup", "-accessor")]
    [InlineData("token", "renew", "-increment=soon")]
    public async Task What_cannot_be_meant_is_refused_here(params string[] words) =>
        Assert.Equal(1, (await _mayfly.RunAsync(words)).Code);

    [Fact]
    public async Task Engines_are_enabled_listed_tuned_moved_and_disabled()
    {
        var (first, second) = (server.Name("engine"), server.Name("engine"));
        Assert.Equal(
            $"Success! Enabled the kv secrets engine at: {first}/\n",
            (
                await _mayfly.RunAsync(
                    "secrets",
                    "enable",
                    $"-path={first}",
                    "-description=for tests",
                    "-version=2",
                    "kv"
                )
            ).Succeeded()
        );
        Assert.Matches(
            $"(?m)^{first}/ +kv +kv_[0-9a-f]+ +for tests$",
            (await _mayfly.RunAsync("secrets", "list")).Succeeded()
        );
        (await _mayfly.RunAsync("secrets", "tune", "-default-lease-ttl=1h", "-description=tuned", first)).Succeeded();
        var list = JsonElement.Parse((await _mayfly.RunAsync("secrets", "list", "-format=json")).Succeeded());
        var mount = list.GetProperty(first + "/");
        Assert.Equal("tuned", mount.GetProperty("description").GetString());
        Assert.Equal(3600, mount.GetProperty("config").GetProperty("default_lease_ttl").GetInt32());
        await _mayfly.RunAsync("kv", "put", $"{first}/x", "a=1");
        Assert.Contains(
            "Success! Finished moving secrets engine",
            (await _mayfly.RunAsync("secrets", "move", first, second)).Succeeded(),
            StringComparison.Ordinal
        );
        Assert.Equal("1", (await _mayfly.RunAsync("kv", "get", "-field=a", $"{second}/x")).Succeeded());
        Assert.Equal(
            $"Success! Disabled the secrets engine (if it existed) at: {second}/\n",
            (await _mayfly.RunAsync("secrets", "disable", second)).Succeeded()
        );
    }

    [Fact]
    public async Task People_log_in_with_a_password_that_is_asked_for()
    {
        var path = server.Name("people");
        (await _mayfly.RunAsync("auth", "enable", $"-path={path}", "userpass")).Succeeded();
        (
            await _mayfly.RunAsync(["write", $"auth/{path}/users/bob", "password=-", "policies=default"], "canary-pass")
        ).Succeeded();
        using var bob = server.As(null);
        bob.Prompt = prompt => prompt == "Password (will be hidden): " ? "canary-pass" : null;

        var login = (await bob.RunAsync("login", "-method=userpass", $"-path={path}", "username=bob")).Succeeded();

        Assert.StartsWith("Success! You are now authenticated.", login, StringComparison.Ordinal);
        Assert.DoesNotContain("canary-pass", login, StringComparison.Ordinal);
        Assert.Contains("token_meta_username    bob\n", login, StringComparison.Ordinal);
        var file = Path.Combine(bob.Home, ".mayfly-token");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, new FileInfo(file).UnixFileMode);
        Assert.Contains("display_name", (await bob.RunAsync("token", "lookup")).Succeeded(), StringComparison.Ordinal);
        Assert.Equal(
            await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken) + "\n",
            (await bob.RunAsync("print", "token")).Succeeded()
        );
        var elsewhere = await bob.RunAsync("login", "-method=userpass", "-path=nowhere", "username=bob");
        Assert.Equal(2, elsewhere.Code);
        Assert.Contains("nothing to log in to at auth/nowhere/", elsewhere.Error, StringComparison.Ordinal);
        bob.Prompt = _ => "wrong";
        Assert.Equal(2, (await bob.RunAsync("login", "-method=userpass", $"-path={path}", "username=bob")).Code);
    }

    [Fact]
    public async Task Programs_log_in_by_their_role()
    {
        var path = server.Name("roles");
        (await _mayfly.RunAsync("auth", "enable", $"-path={path}", "approle")).Succeeded();
        (await _mayfly.RunAsync("write", $"auth/{path}/role/web", "token_policies=default")).Succeeded();
        var role = (await _mayfly.RunAsync("read", "-field=role_id", $"auth/{path}/role/web/role-id")).Succeeded();
        var secret = (
            await _mayfly.RunAsync("write", "-f", "-field=secret_id", $"auth/{path}/role/web/secret-id")
        ).Succeeded();
        using var web = server.As(null);

        var token = (
            await web.RunAsync(
                ["login", "-method=approle", $"-path={path}", "-token-only", $"role_id={role}", "secret_id=-"],
                secret + "\n"
            )
        ).Succeeded();

        Assert.StartsWith("hvs.", token, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", token, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(web.Home, ".mayfly-token")));
    }

    [Fact]
    public async Task A_token_is_checked_before_it_is_kept()
    {
        using var someone = server.As(null);
        Assert.Equal(2, (await someone.RunAsync("login", "hvs.not-a-token")).Code);
        Assert.False(File.Exists(Path.Combine(someone.Home, ".mayfly-token")));
        Assert.Contains(
            "policies             [\"root\"]\n",
            (await someone.RunAsync(["login", "-"], ServerProcess.DevToken + "\n")).Succeeded(),
            StringComparison.Ordinal
        );
        Assert.Equal(0, (await someone.RunAsync("token", "lookup")).Code);
        Assert.Equal(1, (await someone.RunAsync("login")).Code);
    }

    [Fact]
    public async Task Policies_are_written_read_listed_explained_and_deleted()
    {
        var name = server.Name("policy");
        const string Rules = "path \"secret/data/app\" {\n  capabilities = [\"read\"]\n}";
        Assert.Equal(
            $"Success! Uploaded policy: {name}\n",
            (await _mayfly.RunAsync(["policy", "write", name, "-"], Rules + "\n")).Succeeded()
        );
        Assert.Equal(Rules + "\n", (await _mayfly.RunAsync("policy", "read", name)).Succeeded());
        Assert.Contains($"{name}\n", (await _mayfly.RunAsync("policy", "list")).Succeeded(), StringComparison.Ordinal);
        var token = (await _mayfly.RunAsync("token", "create", $"-policy={name}", "-field=token")).Succeeded();
        using var app = server.As(token);
        var allowed = (await app.RunAsync("policy", "explain", "secret/data/app", "read")).Succeeded();
        Assert.StartsWith("Allowed: read secret/data/app\n", allowed, StringComparison.Ordinal);
        Assert.Contains(name, allowed, StringComparison.Ordinal);
        var denied = await app.RunAsync("policy", "explain", "secret/data/app", "delete");
        Assert.Equal(2, denied.Code);
        Assert.StartsWith("Denied: delete secret/data/app\n", denied.Output, StringComparison.Ordinal);
        (await _mayfly.RunAsync("policy", "delete", name)).Succeeded();
        Assert.Equal(2, (await _mayfly.RunAsync("policy", "read", name)).Code);
    }

    [Fact]
    public async Task A_rotation_makes_a_new_key()
    {
        var before = (await _mayfly.RunAsync("operator", "key-status")).Succeeded();
        Assert.StartsWith("Key Term            ", before, StringComparison.Ordinal);
        var after = (await _mayfly.RunAsync("operator", "rotate")).Succeeded();
        Assert.StartsWith("Success! Rotated key\n\nKey Term            ", after, StringComparison.Ordinal);
        Assert.DoesNotContain(before.Split('\n')[0] + "\n", after, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_server_explains_its_paths()
    {
        Assert.Contains(
            "config (type: map)",
            (await _mayfly.RunAsync("path-help", "sys/mounts/x")).Succeeded(),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "secret_id=-",
            (await _mayfly.RunAsync("auth", "help", "approle")).Succeeded(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Completion_knows_commands_flags_values_and_paths()
    {
        var root = server.Name("complete");
        await _mayfly.RunAsync("kv", "put", $"secret/{root}/one", "a=1");
        await _mayfly.RunAsync("kv", "put", $"secret/{root}/two", "a=1");

        Assert.Equal("secrets\nserver\n", (await _mayfly.RunAsync("__complete", "se")).Succeeded());
        Assert.Equal("put\npatch\n", (await _mayfly.RunAsync("__complete", "kv", "p")).Succeeded());
        Assert.Equal("-version=\n", (await _mayfly.RunAsync("__complete", "kv", "get", "-vers")).Succeeded());
        Assert.Equal("-format=json\n", (await _mayfly.RunAsync("__complete", "status", "-format=j")).Succeeded());
        Assert.Equal("json\n", (await _mayfly.RunAsync("__complete", "status", "-format", "j")).Succeeded());
        Assert.Equal("secret/\n", (await _mayfly.RunAsync("__complete", "kv", "get", "sec")).Succeeded());
        Assert.Equal(
            $"secret/{root}/one\n",
            (await _mayfly.RunAsync("__complete", "kv", "get", $"secret/{root}/o")).Succeeded()
        );
        Assert.Equal("", (await _mayfly.RunAsync("__complete", "kv", "put", $"secret/{root}/one", "a")).Succeeded());
    }
}
