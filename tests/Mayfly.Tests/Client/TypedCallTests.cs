using System.Text.Json;
using System.Text.Json.Serialization;
using Mayfly.Client;
using Mayfly.Client.Kv;
using Mayfly.Client.Tokens;

namespace Mayfly.Tests.Client;

/// <summary>The calls with types, against a vault.</summary>
public sealed partial class TypedCallTests : IAsyncLifetime
{
    private ServedVault _server = null!;
    private MayflyClient _client = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await ServedVault.StartAsync();
        await _server.WriteAsync("sys/mounts/secret", """{"type":"kv","options":{"version":"2"}}""");
        await _server.WriteAsync("sys/mounts/old", """{"type":"kv","options":{"version":"1"}}""");
        _client = new MayflyClient(_server.Options with { Token = _server.Vault.RootToken });
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_secret_is_put_got_patched_and_listed()
    {
        var kv = _client.Kv();

        var first = await kv.PutAsync("team/app", Fields(("user", "ann"), ("password", "one")), cas: 0, Cancellation);
        var second = await kv.PatchAsync(
            "team/app",
            [new("password", "two"), new("user", null)],
            cancellationToken: Cancellation
        );
        var secret = await kv.GetAsync("team/app", cancellationToken: Cancellation);

        Assert.Equal((1, 2), (first.Version, second.Version));
        Assert.Equal("two", secret!["password"].Reveal());
        Assert.Equal(["password"], secret.Fields.Keys);
        Assert.Equal(2, secret.Version!.Version);
        Assert.Equal("ann", (await kv.GetAsync("team/app", version: 1, Cancellation))!["user"].Reveal());
        Assert.Equal(["team/"], await kv.ListAsync(cancellationToken: Cancellation));
        Assert.Equal(["app"], await kv.ListAsync("team/", Cancellation));
        Assert.Empty(await kv.ListAsync("nobody", Cancellation));
    }

    [Fact]
    public async Task A_write_over_another_version_is_refused_and_says_so()
    {
        await _client.Kv().PutAsync("app", Fields(("a", "1")), cancellationToken: Cancellation);

        var failure = await Assert.ThrowsAsync<MayflyApiException>(() =>
            _client.Kv().PutAsync("app", Fields(("a", "canary")), cas: 0, Cancellation)
        );

        Assert.True(failure.IsVersionMismatch);
        Assert.DoesNotContain("canary", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Versions_are_deleted_had_back_and_destroyed()
    {
        var kv = _client.Kv();
        await kv.PutAsync("app", Fields(("a", "1")), cancellationToken: Cancellation);
        await kv.PutAsync("app", Fields(("a", "2")), cancellationToken: Cancellation);

        await kv.DeleteAsync("app", cancellationToken: Cancellation);
        await kv.DeleteAsync("app", [1], Cancellation);
        Assert.Null(await kv.GetAsync("app", cancellationToken: Cancellation));
        await kv.UndeleteAsync("app", [2], Cancellation);
        Assert.Equal("2", (await kv.GetAsync("app", cancellationToken: Cancellation))!["a"].Reveal());
        await kv.DestroyAsync("app", [1], Cancellation);

        var metadata = (await kv.GetMetadataAsync("app", Cancellation))!;
        Assert.Equal([1, 2], metadata.Versions.Select(version => version.Version));
        Assert.True(metadata.Versions[0].IsDestroyed);
        Assert.Null(metadata.Versions[1].DeletionTime);
        await kv.DeleteMetadataAsync("app", Cancellation);
        Assert.Null(await kv.GetMetadataAsync("app", Cancellation));
    }

    [Fact]
    public async Task A_secrets_settings_are_changed_one_by_one()
    {
        var kv = _client.Kv();
        await kv.PutMetadataAsync(
            "app",
            new KvMetadataChange
            {
                MaxVersions = 3,
                CustomMetadata = new Dictionary<string, string> { ["owner"] = "ann" },
            },
            Cancellation
        );
        await kv.PutMetadataAsync(
            "app",
            new KvMetadataChange { IsCasRequired = true, DeleteVersionAfter = TimeSpan.FromHours(1) },
            Cancellation
        );
        await kv.PutAsync("app", Fields(("a", "1")), cas: 0, Cancellation);

        var metadata = (await kv.GetMetadataAsync("app", Cancellation))!;

        Assert.Equal((3, true, 1), (metadata.MaxVersions, metadata.IsCasRequired, metadata.CurrentVersion));
        Assert.Equal("1h0m0s", metadata.DeleteVersionAfter);
        Assert.Equal("ann", metadata.CustomMetadata["owner"]);
        Assert.Equal(_server.Time.GetUtcNow() + TimeSpan.FromHours(1), metadata.Versions[0].DeletionTime);
        Assert.Equal("ann", (await kv.GetAsync("app", cancellationToken: Cancellation))!.CustomMetadata["owner"]);
    }

    [Fact]
    public async Task Fields_of_other_kinds_are_json_and_fit_a_type()
    {
        await _client
            .Kv()
            .PutJsonAsync("app", """{"port":5432,"hosts":["a","b"]}"""u8.ToArray(), cancellationToken: Cancellation);

        var secret = (await _client.Kv().GetAsync("app", cancellationToken: Cancellation))!;

        Assert.Equal("5432", secret["port"].Reveal());
        Assert.Equal("""["a","b"]""", secret["hosts"].Reveal());
        var database = secret.Read(Shapes.Default.Database)!;
        Assert.Equal((5432, "b"), (database.Port, database.Hosts[1]));
        Assert.Throws<KeyNotFoundException>(() => secret["nothing"]);
    }

    [Fact]
    public async Task A_secret_does_not_print_its_values()
    {
        await _client.Kv().PutAsync("app", Fields(("a", "canary-of-kv")), cancellationToken: Cancellation);

        var secret = (await _client.Kv().GetAsync("app", cancellationToken: Cancellation))!;

        Assert.DoesNotContain("canary", $"{secret}{secret["a"]}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_1_of_the_engine_has_its_own_calls()
    {
        var kv = _client.KvV1("old");
        await kv.PutAsync("team/app", Fields(("a", "1")), Cancellation);

        Assert.Equal("1", (await kv.GetAsync("team/app", Cancellation))!["a"].Reveal());
        Assert.Null((await kv.GetAsync("team/app", Cancellation))!.Version);
        Assert.Equal(["app"], await kv.ListAsync("team", Cancellation));
        await kv.DeleteAsync("team/app", Cancellation);
        Assert.Null(await kv.GetAsync("team/app", Cancellation));
    }

    [Fact]
    public async Task A_token_is_made_looked_up_renewed_and_revoked()
    {
        var made = await _client.Tokens.CreateAsync(
            new TokenRequest
            {
                Policies = ["default"],
                Ttl = TimeSpan.FromMinutes(10),
                DisplayName = "job",
                Metadata = new Dictionary<string, string> { ["build"] = "7" },
            },
            Cancellation
        );
        using var its = new MayflyClient(_server.Options with { Token = made.Token });

        var info = await its.Tokens.LookupSelfAsync(Cancellation);
        Assert.Equal(("token-job", TimeSpan.FromMinutes(10)), (info.DisplayName, info.Ttl));
        Assert.Equal("7", info.Metadata["build"]);
        Assert.Equal(info.Accessor, (await _client.Tokens.LookupAsync(made.Token, Cancellation)).Accessor);
        Assert.Equal(["default"], (await _client.Tokens.LookupAccessorAsync(made.Accessor, Cancellation)).Policies);
        var renewed = await its.Tokens.RenewSelfAsync(TimeSpan.FromMinutes(20), Cancellation);
        Assert.Equal(TimeSpan.FromMinutes(20), renewed.LeaseDuration);
        Assert.Equal(made.Token, (await _client.Tokens.RenewAsync(made.Token, null, Cancellation)).Token);

        await its.Tokens.RevokeSelfAsync(Cancellation);
        var failure = await Assert.ThrowsAsync<MayflyApiException>(() => its.Tokens.LookupSelfAsync(Cancellation));
        Assert.Equal(403, failure.Status);
    }

    [Fact]
    public async Task Tokens_are_revoked_by_name_and_by_accessor()
    {
        var one = await _client.Tokens.CreateAsync(new TokenRequest(), Cancellation);
        var other = await _client.Tokens.CreateAsync(new TokenRequest { Type = "service", NumUses = 3 }, Cancellation);

        await _client.Tokens.RevokeAsync(one.Token, Cancellation);
        await _client.Tokens.RevokeAccessorAsync(other.Accessor, Cancellation);

        await Assert.ThrowsAsync<MayflyApiException>(() => _client.Tokens.LookupAsync(one.Token, Cancellation));
        await Assert.ThrowsAsync<MayflyApiException>(() => _client.Tokens.LookupAsync(other.Token, Cancellation));
    }

    [Fact]
    public async Task A_login_is_a_lease_that_is_looked_up_renewed_and_revoked()
    {
        await _server.WriteAsync("sys/auth/userpass", """{"type":"userpass"}""");
        await _server.WriteAsync("auth/userpass/users/ann", """{"password":"p","token_ttl":"1h"}""");
        await _client.WriteAsync("auth/userpass/login/ann", """{"password":"p"}"""u8.ToArray(), Cancellation);
        var keys = await _client.ListAsync("sys/leases/lookup/auth/userpass/login/ann", Cancellation);
        var id = "auth/userpass/login/ann/" + keys.Data.GetProperty("keys")[0].GetString();

        var info = (await _client.Leases.LookupAsync(id, Cancellation))!;
        Assert.Equal((id, TimeSpan.FromHours(1)), (info.Id, info.Ttl));
        await _client.Leases.RevokeAsync(id, Cancellation);
        Assert.Null(await _client.Leases.LookupAsync(id, Cancellation));
    }

    [Fact]
    public async Task An_answer_is_wrapped_looked_up_rewrapped_and_unwrapped_once()
    {
        await _client.Kv().PutAsync("app", Fields(("a", "1")), cancellationToken: Cancellation);
        var wrapped = (
            await _client.SendAsync(
                new MayflyRequest(HttpMethod.Get, "secret/data/app") { WrapTtl = "5m" },
                Cancellation
            )
        ).Wrapped!;
        using var nobody = new MayflyClient(_server.Options);

        var lookup = await nobody.Wrapping.LookupAsync(wrapped.Token.Reveal(), Cancellation);
        Assert.Equal(("secret/data/app", TimeSpan.FromMinutes(5)), (lookup.CreationPath, lookup.CreationTtl));
        var again = await _client.Wrapping.RewrapAsync(wrapped.Token.Reveal(), Cancellation);
        var answer = await nobody.Wrapping.UnwrapAsync(again.Token.Reveal(), Cancellation);

        Assert.Equal("1", answer.Data.GetProperty("data").GetProperty("a").GetString());
        var failure = await Assert.ThrowsAsync<MayflyApiException>(() =>
            nobody.Wrapping.UnwrapAsync(again.Token.Reveal(), Cancellation)
        );
        Assert.DoesNotContain(again.Token.Reveal(), failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_of_ones_own_is_wrapped()
    {
        var wrapped = await _client.Wrapping.WrapAsync(
            """{"a":1}"""u8.ToArray(),
            TimeSpan.FromSeconds(90),
            Cancellation
        );

        Assert.Equal(("sys/wrapping/wrap", TimeSpan.FromSeconds(90)), (wrapped.CreationPath, wrapped.Ttl));
        var answer = await _client.Wrapping.UnwrapAsync(wrapped.Token.Reveal(), Cancellation);
        Assert.Equal(1, answer.Data.GetProperty("a").GetInt32());
    }

    [Fact]
    public async Task The_servers_health_and_seal_are_told()
    {
        var seal = await _client.Sys.SealStatusAsync(Cancellation);
        Assert.Equal(("shamir", true, false, 1), (seal.Type, seal.IsInitialized, seal.IsSealed, seal.Threshold));

        var health = await _client.Sys.HealthAsync(Cancellation);
        Assert.Equal((true, false, false), (health.IsInitialized, health.IsSealed, health.IsStandby));
    }

    [Fact]
    public async Task A_namespace_can_be_another_for_one_request_and_for_a_client()
    {
        await using var server = await RecordingServer.StartAsync();
        using var client = new MayflyClient(new MayflyClientOptions { Address = server.Address, Namespace = "a" });
        using var other = client.WithNamespace("b");

        await client.ReadAsync("x", Cancellation);
        await other.ReadAsync("x", Cancellation);
        await other.SendAsync(new MayflyRequest(HttpMethod.Get, "x") { Namespace = "c" }, Cancellation);
        await other.SendAsync(new MayflyRequest(HttpMethod.Get, "x") { Namespace = "" }, Cancellation);

        Assert.Equal(
            ["a", "b", "c", null],
            server.Requests.Select(static asked => asked.Headers.GetValueOrDefault("X-Vault-Namespace"))
        );
    }

    private static Dictionary<string, string> Fields(params (string Name, string Value)[] fields) =>
        fields.ToDictionary(static field => field.Name, static field => field.Value);

    internal sealed record Database(int Port, string[] Hosts);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
    [JsonSerializable(typeof(Database))]
    internal sealed partial class Shapes : JsonSerializerContext;
}
