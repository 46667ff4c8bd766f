using System.Text;
using System.Text.Json;
using Mayfly.Core.Auth.AppRole;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;

namespace Mayfly.Tests.Auth;

public sealed class AppRoleSecretIdTests
{
    [Fact]
    public async Task A_new_secret_id_is_told_once_with_what_it_is_good_for()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web", """{"secret_id_ttl":"10m","secret_id_num_uses":3}""");
        var made = (await approle.WriteAsync("role/web/secret-id"))!.Value;
        Assert.True(Guid.TryParse(made.GetProperty("secret_id").GetString(), out _));
        Assert.True(Guid.TryParse(made.GetProperty("secret_id_accessor").GetString(), out _));
        Assert.Equal(600, made.GetProperty("secret_id_ttl").GetInt32());
        Assert.Equal(3, made.GetProperty("secret_id_num_uses").GetInt32());
    }

    [Fact]
    public async Task A_lookup_by_secret_id_or_accessor_shows_everything_but_the_secret_id()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web");
        var (secretId, accessor) = await approle.MakeSecretIdAsync(
            "web",
            """{"metadata":{"a":"b"},"cidr_list":["127.0.0.1/32"],"token_bound_cidrs":"10.0.0.0/8","ttl":90,"num_uses":2}"""
        );
        var expected =
            $$$"""{"secret_id_accessor":"{{{accessor}}}","cidr_list":["127.0.0.1/32"],"creation_time":"2026-01-01T00:00:00Z","""
            + """ "expiration_time":"2026-01-01T00:01:30Z","last_updated_time":"2026-01-01T00:00:00Z","metadata":{"a":"b"},"""
            + """ "secret_id_num_uses":2,"secret_id_ttl":90,"token_bound_cidrs":["10.0.0.0/8"]}""";
        using var document = JsonDocument.Parse(expected);
        expected = JsonSerializer.Serialize(document.RootElement);

        var bySecretId = await approle.WriteAsync("role/web/secret-id/lookup", Body("secret_id", secretId));
        Assert.Equal(expected, bySecretId!.Value.GetRawText());
        var byAccessor = await approle.WriteAsync(
            "role/web/secret-id-accessor/lookup",
            Body("secret_id_accessor", accessor)
        );
        Assert.Equal(expected, byAccessor!.Value.GetRawText());

        await approle.GrantAsync(await approle.RoleIdAsync("web"), secretId);
        byAccessor = await approle.WriteAsync(
            "role/web/secret-id-accessor/lookup",
            Body("secret_id_accessor", accessor)
        );
        Assert.Equal(1, byAccessor!.Value.GetProperty("secret_id_num_uses").GetInt32());
    }

    [Fact]
    public async Task A_secret_id_without_an_end_shows_the_year_one()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web");
        var (secretId, _) = await approle.MakeSecretIdAsync("web");
        var found = await approle.WriteAsync("role/web/secret-id/lookup", Body("secret_id", secretId));
        Assert.Equal("0001-01-01T00:00:00Z", found!.Value.GetProperty("expiration_time").GetString());
        Assert.Equal("{}", found.Value.GetProperty("metadata").GetRawText());
    }

    [Fact]
    public async Task Unknown_ones_are_answered_as_vault_does()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web");
        Assert.Null(await approle.WriteAsync("role/web/secret-id/lookup", Body("secret_id", "unknown")));
        Assert.Null(await approle.WriteAsync("role/web/secret-id/destroy", Body("secret_id", "unknown")));
        foreach (var accessor in new[] { "x", Guid.NewGuid().ToString(), "../role/web", new string('y', 5000) })
        {
            foreach (var verb in new[] { "lookup", "destroy" })
            {
                var fault = await approle.FailAsync(
                    $"role/web/secret-id-accessor/{verb}",
                    Body("secret_id_accessor", accessor)
                );
                Assert.Equal(FaultKind.NotFound, fault.Kind);
                Assert.StartsWith(
                    "failed to find accessor entry for secret_id_accessor: \"",
                    fault.Messages[0],
                    StringComparison.Ordinal
                );
                Assert.True(fault.Messages[0].Length < 300);
            }
        }

        foreach (var path in new[] { "secret-id", "secret-id/lookup", "secret-id/destroy" })
        {
            var fault = await approle.FailAsync(
                $"role/none/{path}",
                path == "secret-id" ? null : Body("secret_id", "x")
            );
            Assert.Equal(FaultKind.NotFound, fault.Kind);
            Assert.Equal(["role \"none\" does not exist"], fault.Messages);
        }

        Assert.Equal(["missing secret_id"], (await approle.FailAsync("role/web/secret-id/lookup")).Messages);
        Assert.Equal(
            ["missing secret_id_accessor"],
            (await approle.FailAsync("role/web/secret-id-accessor/destroy")).Messages
        );
    }

    [Theory]
    [InlineData("secret-id", "secret_id", Operation.Update)]
    [InlineData("secret-id", "secret_id", Operation.Delete)]
    [InlineData("secret-id-accessor", "secret_id_accessor", Operation.Update)]
    [InlineData("secret-id-accessor", "secret_id_accessor", Operation.Delete)]
    public async Task A_destroyed_secret_id_is_gone(string path, string field, Operation operation)
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web");
        var (secretId, accessor) = await approle.MakeSecretIdAsync("web");
        var (other, otherAccessor) = await approle.MakeSecretIdAsync("web");
        var body = Body(field, field == "secret_id" ? secretId : accessor);
        Assert.True((await approle.Engine.HandleAsync(operation, $"role/web/{path}/destroy", body)).Succeeded);

        var roleId = await approle.RoleIdAsync("web");
        Assert.Equal(["invalid role or secret ID"], (await approle.LoginAsync(roleId, secretId)).Fault!.Messages);
        Assert.Equal([otherAccessor], await approle.ListAsync("role/web/secret-id/"));
        await approle.GrantAsync(roleId, other);
    }

    [Fact]
    public async Task One_of_ones_own_is_taken_once()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web", """{"secret_id_ttl":60}""");
        var made = (await approle.WriteAsync("role/web/custom-secret-id", Body("secret_id", "my secret")))!.Value;
        Assert.Equal("my secret", made.GetProperty("secret_id").GetString());
        var fault = await approle.FailAsync("role/web/custom-secret-id", Body("secret_id", "my secret"));
        Assert.Contains("SecretID is already registered", fault.Messages[0], StringComparison.Ordinal);
        Assert.DoesNotContain("my secret", fault.Messages[0], StringComparison.Ordinal);

        approle.Engine.Time.Advance(TimeSpan.FromMinutes(1));
        await approle.WriteAsync("role/web/custom-secret-id", Body("secret_id", "my secret"));
        await approle.GrantAsync(await approle.RoleIdAsync("web"), "my secret");
    }

    [Theory]
    [InlineData("{}", "missing secret_id")]
    [InlineData("""{"secret_id":" x"}""", "white space")]
    [InlineData("""{"secret_id":"x","metadata":"nonsense"}""", "failed to parse metadata")]
    [InlineData("""{"secret_id":"x","metadata":"{\"a\":1}"}""", "failed to parse metadata")]
    [InlineData("""{"secret_id":"x","metadata":"{\"a\":\"\\ud800\"}"}""", "failed to parse metadata")]
    [InlineData("""{"secret_id":"x","metadata":{"a":{}}}""", "failed to parse metadata")]
    [InlineData("""{"secret_id":"x","metadata":[1]}""", "failed to parse metadata")]
    [InlineData("""{"secret_id":"x","cidr_list":"1.2.3"}""", "failed to validate CIDR blocks: 1.2.3")]
    [InlineData("""{"secret_id":"x","cidr_list":"11.0.0.0/8"}""", "cidr_list must be a subset")]
    [InlineData("""{"secret_id":"x","token_bound_cidrs":"11.0.0.0/8"}""", "token_bound_cidrs must be a subset")]
    [InlineData("""{"secret_id":"x","num_uses":-1}""", "num_uses cannot be negative")]
    [InlineData("""{"secret_id":"x","num_uses":0}""", "num_uses cannot be higher")]
    [InlineData("""{"secret_id":"x","num_uses":6}""", "num_uses cannot be higher")]
    [InlineData("""{"secret_id":"x","ttl":0}""", "ttl cannot be longer")]
    [InlineData("""{"secret_id":"x","ttl":"2h"}""", "ttl cannot be longer")]
    [InlineData("""{"secret_id":"x","ttl":"1ms"}""", "ttl must be whole seconds")]
    public async Task What_cannot_be_is_refused(string body, string message)
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync(
            "role/web",
            """{"secret_id_bound_cidrs":"10.0.0.0/8","token_bound_cidrs":"10.0.0.0/8","secret_id_num_uses":5,"secret_id_ttl":"1h"}"""
        );
        var fault = await approle.FailAsync("role/web/custom-secret-id", body);
        Assert.Equal(FaultKind.Invalid, fault.Kind);
        Assert.Contains(message, fault.Messages[0], StringComparison.Ordinal);
        Assert.Empty(await approle.ListAsync("role/web/secret-id/"));
    }

    [Theory]
    [InlineData("""{"a":"b","c":"d"}""")]
    [InlineData(""" "{\"a\":\"b\",\"c\":\"d\"}" """)]
    [InlineData(""" "a=b, c=d" """)]
    public async Task Metadata_is_taken_in_each_form_that_clients_send(string metadata)
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web");
        var (secretId, _) = await approle.MakeSecretIdAsync("web", $$"""{"metadata":{{metadata}}}""");
        var grant = await approle.GrantAsync(await approle.RoleIdAsync("web"), secretId);
        Assert.Equal("b", grant.Metadata["a"]);
        Assert.Equal("d", grant.Metadata["c"]);
    }

    [Fact]
    public async Task Tidying_removes_what_a_crash_and_time_left_behind_and_nothing_else()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        var cancellation = TestContext.Current.CancellationToken;
        await approle.WriteAsync("role/web");
        var (kept, keptAccessor) = await approle.MakeSecretIdAsync("web");
        await approle.MakeSecretIdAsync("web", """{"ttl":60}""");
        await approle.Engine.View.PutAsync($"secret/{new string('f', 32)}/{Guid.NewGuid()}", "{}"u8, cancellation);
        approle.Engine.Time.Advance(TimeSpan.FromMinutes(2));

        var outcome = await approle.Engine.HandleAsync(Operation.Update, "tidy/secret-id");
        Assert.Contains("started", outcome.Response!.Warnings[0], StringComparison.Ordinal);
        await ((AppRoleAuth)approle.Engine.Engine).TidyRun;

        Assert.Equal([keptAccessor], await approle.ListAsync("role/web/secret-id/"));
        Assert.Equal(3, await approle.Engine.Store.CountAsync(StoreKey.Root, cancellation));
        await approle.GrantAsync(await approle.RoleIdAsync("web"), kept);
    }

    private static string Body(string field, string value) =>
        Encoding.UTF8.GetString(
            JsonSerializer.SerializeToUtf8Bytes(
                new Dictionary<string, string>(StringComparer.Ordinal) { [field] = value }
            )
        );
}
