using Mayfly.Core.Auth.AppRole;
using Mayfly.Core.Engines;
using Mayfly.Core.Pipeline;
using Mayfly.Tests.Contracts;

namespace Mayfly.Tests.Auth;

public sealed class AppRoleContract : EngineContract
{
    protected override EngineType Type => AppRoleAuth.Type;
}

public sealed class AppRoleRoleTests
{
    [Fact]
    public async Task A_role_made_of_nothing_has_vaults_defaults()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/Web");
        Assert.Equal(
            """{"bind_secret_id":true,"local_secret_ids":false,"secret_id_bound_cidrs":[],"secret_id_num_uses":0,"""
                + "\"secret_id_ttl\":0,\"token_bound_cidrs\":[],\"token_explicit_max_ttl\":0,\"token_max_ttl\":0,"
                + "\"token_no_default_policy\":false,\"token_num_uses\":0,\"token_period\":0,\"token_policies\":[],"
                + "\"token_strictly_bind_ip\":false,\"token_ttl\":0,\"token_type\":\"default\"}",
            (await approle.ReadAsync("role/WEB")).GetRawText()
        );
        Assert.Equal(["web"], await approle.ListAsync("role/"));
        Assert.True(Guid.TryParse(await approle.RoleIdAsync("web"), out _));
    }

    [Fact]
    public async Task Every_field_is_read_back_with_its_type()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync(
            "role/web",
            """
            {"bind_secret_id":"false","secret_id_bound_cidrs":"10.0.0.0/8,127.0.0.1/32","secret_id_num_uses":"40",
             "secret_id_ttl":"10m","local_secret_ids":true,"policies":["b","a"],"period":"1h","token_type":"default-batch",
             "token_bound_cidrs":["127.0.0.1/32"],"token_period":0,"token_num_uses":0}
            """
        );
        var read = await approle.ReadAsync("role/web");
        Assert.False(read.GetProperty("bind_secret_id").GetBoolean());
        Assert.Equal("""["10.0.0.0/8","127.0.0.1/32"]""", read.GetProperty("secret_id_bound_cidrs").GetRawText());
        Assert.Equal(40, read.GetProperty("secret_id_num_uses").GetInt32());
        Assert.Equal(600, read.GetProperty("secret_id_ttl").GetInt32());
        Assert.True(read.GetProperty("local_secret_ids").GetBoolean());
        Assert.Equal("""["a","b"]""", read.GetProperty("policies").GetRawText());
        Assert.Equal("""["127.0.0.1"]""", read.GetProperty("token_bound_cidrs").GetRawText());
        Assert.Equal("batch", read.GetProperty("token_type").GetString());
    }

    [Fact]
    public async Task An_update_keeps_what_was_not_sent_and_the_role_id()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web", """{"token_policies":"a","secret_id_ttl":60}""");
        var roleId = await approle.RoleIdAsync("web");
        await approle.WriteAsync("role/web", """{"token_ttl":30}""");
        var read = await approle.ReadAsync("role/web");
        Assert.Equal("""["a"]""", read.GetProperty("token_policies").GetRawText());
        Assert.Equal(60, read.GetProperty("secret_id_ttl").GetInt32());
        Assert.Equal(30, read.GetProperty("token_ttl").GetInt32());
        Assert.Equal(roleId, await approle.RoleIdAsync("web"));
    }

    [Theory]
    [InlineData(
        "bind-secret-id",
        """{"bind_secret_id":false}""",
        """{"bind_secret_id":false}""",
        """{"bind_secret_id":true}"""
    )]
    [InlineData(
        "secret-id-bound-cidrs",
        """{"secret_id_bound_cidrs":["10.0.0.0/8"]}""",
        """{"secret_id_bound_cidrs":["10.0.0.0/8"]}""",
        """{"secret_id_bound_cidrs":[]}"""
    )]
    [InlineData(
        "bound-cidr-list",
        """{"bound_cidr_list":"10.0.0.0/8"}""",
        """{"bound_cidr_list":["10.0.0.0/8"]}""",
        """{"bound_cidr_list":[]}"""
    )]
    [InlineData(
        "secret-id-num-uses",
        """{"secret_id_num_uses":7}""",
        """{"secret_id_num_uses":7}""",
        """{"secret_id_num_uses":0}"""
    )]
    [InlineData("secret-id-ttl", """{"secret_id_ttl":"1h"}""", """{"secret_id_ttl":3600}""", """{"secret_id_ttl":0}""")]
    [InlineData(
        "policies",
        """{"token_policies":"x,y"}""",
        """{"token_policies":["x","y"]}""",
        """{"token_policies":[]}"""
    )]
    [InlineData(
        "policies",
        """{"policies":"x"}""",
        """{"token_policies":["x"],"policies":["x"]}""",
        """{"token_policies":[]}"""
    )]
    [InlineData("period", """{"token_period":60}""", """{"token_period":60}""", """{"token_period":0}""")]
    [InlineData("period", """{"period":60}""", """{"token_period":60,"period":60}""", """{"token_period":0}""")]
    [InlineData("token-ttl", """{"token_ttl":60}""", """{"token_ttl":60}""", """{"token_ttl":0}""")]
    [InlineData("token-max-ttl", """{"token_max_ttl":60}""", """{"token_max_ttl":60}""", """{"token_max_ttl":0}""")]
    [InlineData("token-num-uses", """{"token_num_uses":6}""", """{"token_num_uses":6}""", """{"token_num_uses":0}""")]
    [InlineData(
        "token-bound-cidrs",
        """{"token_bound_cidrs":"10.0.0.1/32"}""",
        """{"token_bound_cidrs":["10.0.0.1"]}""",
        """{"token_bound_cidrs":[]}"""
    )]
    [InlineData("token-period", """{"token_period":60}""", """{"token_period":60}""", """{"token_period":0}""")]
    public async Task A_field_has_a_path_of_its_own(string path, string body, string set, string reset)
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync(
            "role/web",
            """{"secret_id_bound_cidrs":"10.0.0.0/8","token_bound_cidrs":"10.0.0.0/8"}"""
        );
        await approle.WriteAsync($"role/web/{path}", body);
        Assert.Equal(set, (await approle.ReadAsync($"role/web/{path}")).GetRawText());
        await approle.DeleteAsync($"role/web/{path}");
        Assert.Equal(reset, (await approle.ReadAsync($"role/web/{path}")).GetRawText());

        Assert.StartsWith(
            "missing ",
            (await approle.FailAsync($"role/web/{path}", "{}")).Messages[0],
            StringComparison.Ordinal
        );
        Assert.Equal(FaultKind.NotFound, (await approle.FailAsync($"role/none/{path}", body)).Kind);
        await approle.DeleteAsync($"role/none/{path}");
    }

    [Fact]
    public async Task A_role_id_of_ones_own_replaces_the_old_and_belongs_to_one_role()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web");
        var old = await approle.RoleIdAsync("web");
        var (secretId, _) = await approle.MakeSecretIdAsync("web");
        await approle.WriteAsync("role/web/role-id", """{"role_id":"my/id with ünïcode"}""");
        Assert.Equal("my/id with ünïcode", await approle.RoleIdAsync("web"));
        Assert.Equal(["invalid role or secret ID"], (await approle.LoginAsync(old, secretId)).Fault!.Messages);
        await approle.GrantAsync("my/id with ünïcode", secretId);

        Assert.Equal(
            ["role_id already in use"],
            (await approle.FailAsync("role/b", """{"role_id":"my/id with ünïcode"}""")).Messages
        );
        await approle.WriteAsync("role/b", """{"role_id":"other"}""");
        Assert.Equal(
            ["role_id already in use"],
            (await approle.FailAsync("role/web/role-id", """{"role_id":"other"}""")).Messages
        );
        await approle.WriteAsync("role/b", """{"role_id":"another"}""");
        await approle.WriteAsync("role/web/role-id", """{"role_id":"other"}""");
        await approle.GrantAsync("other", secretId);
    }

    [Theory]
    [InlineData("role/web", """{"bind_secret_id":false}""", "at least one constraint")]
    [InlineData("role/web/bind-secret-id", """{"bind_secret_id":false}""", "at least one constraint")]
    [InlineData("role/web", """{"secret_id_num_uses":-1}""", "secret_id_num_uses cannot be negative")]
    [InlineData("role/web", """{"secret_id_ttl":-1}""", "field secret_id_ttl")]
    [InlineData("role/web", """{"secret_id_ttl":"1.5s"}""", "secret_id_ttl must be whole seconds")]
    [InlineData("role/web", """{"secret_id_bound_cidrs":"10.0.0.0/99"}""", "invalid CIDR blocks: 10.0.0.0/99")]
    [InlineData(
        "role/web",
        """{"local_secret_ids":true}""",
        "local_secret_ids can only be modified during role creation"
    )]
    [InlineData("role/web", """{"role_id":""}""", "missing role_id")]
    [InlineData("role/web/role-id", """{"role_id":" "}""", "missing role_id")]
    [InlineData("role/web/role-id", "{}", "missing role_id")]
    [InlineData("role/web", """{"token_type":"nonsense"}""", "'token_type' must be")]
    [InlineData("role/web", """{"token_ttl":"2h","token_max_ttl":"1h"}""", "cannot be greater")]
    [InlineData("role/web", """{"no_such":1}""", "unknown field no_such")]
    [InlineData("role/web/policies", """{"token_ttl":1}""", "unknown field token_ttl")]
    [InlineData("role/a\u0001", "{}", "role_name must be")]
    public async Task What_cannot_be_is_refused_and_changes_nothing(string path, string body, string message)
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web");
        var before = (await approle.ReadAsync("role/web")).GetRawText();

        var fault = await approle.FailAsync(path, body);
        Assert.Equal(FaultKind.Invalid, fault.Kind);
        Assert.Contains(message, fault.Messages[0], StringComparison.Ordinal);
        Assert.Equal(before, (await approle.ReadAsync("role/web")).GetRawText());
        Assert.Equal(["web"], await approle.ListAsync("role/"));
    }

    [Fact]
    public async Task Setting_a_field_back_must_leave_a_constraint()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await approle.WriteAsync("role/web", """{"bind_secret_id":false,"secret_id_bound_cidrs":"10.0.0.0/8"}""");
        var outcome = await approle.Engine.HandleAsync(Operation.Delete, "role/web/secret-id-bound-cidrs");
        Assert.Contains("at least one constraint", outcome.Fault!.Messages[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_type_that_means_nothing_for_a_role_is_adjusted_with_a_warning()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        var outcome = await approle.Engine.HandleAsync(
            Operation.Update,
            "role/web",
            """{"token_type":"default-service"}"""
        );
        Assert.Equal(["default-service has no useful meaning; adjusting to service"], outcome.Response!.Warnings);
        Assert.Equal("service", (await approle.ReadAsync("role/web")).GetProperty("token_type").GetString());
    }

    [Fact]
    public async Task Reading_what_is_not_there_finds_nothing()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        foreach (
            var path in new[] { "role/none", "role/none/role-id", "role/none/policies", "role/none/local-secret-ids" }
        )
        {
            Assert.Equal(FaultKind.NotFound, (await approle.Engine.HandleAsync(Operation.Read, path)).Fault!.Kind);
        }

        Assert.Empty(await approle.ListAsync("role/"));
        await approle.DeleteAsync("role/none");
    }

    [Fact]
    public async Task Concurrent_creations_of_one_role_leave_one_consistent_role()
    {
        await using var approle = await AppRoleHarness.StartAsync();
        await Task.WhenAll(
            Enumerable
                .Range(0, 32)
                .Select(i =>
                    Task.Run(() =>
                        approle.Engine.HandleAsync(Operation.Update, "role/web", $$"""{"role_id":"{{i}}"}""")
                    )
                )
        );
        var roleId = await approle.RoleIdAsync("web");
        var (secretId, _) = await approle.MakeSecretIdAsync("web");
        await approle.GrantAsync(roleId, secretId);
        await approle.DeleteAsync("role/web");
        var left = await approle.Engine.Store.CountAsync(
            approle.Engine.View.Root,
            TestContext.Current.CancellationToken
        );
        Assert.Equal(0, left);
    }
}
