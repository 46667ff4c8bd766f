namespace Mayfly.Tests.Cli;

[Collection(DevServerTests.Name)]
public sealed class KvVerbTests(DevServer server) : IDisposable
{
    private readonly CommandLine _mayfly = server.AsRoot();
    private readonly string _app = "secret/" + server.Name("app");

    public void Dispose() => _mayfly.Dispose();

    [Fact]
    public async Task A_secret_is_written_and_read_in_vaults_layout()
    {
        var written = (await _mayfly.RunAsync("kv", "put", _app, "name=world", "n=2")).Succeeded();
        Assert.StartsWith(
            $"=== Secret Path ===\n{_app.Replace("secret/", "secret/data/", StringComparison.Ordinal)}\n\n======= Metadata =======\nKey                Value\n---                -----\ncreated_time       "
                .Replace("=== Secret", Signs(_app) + " Secret", StringComparison.Ordinal)
                .Replace("Path ===", "Path " + Signs(_app), StringComparison.Ordinal),
            written,
            StringComparison.Ordinal
        );

        var read = (await _mayfly.RunAsync("kv", "get", _app)).Succeeded();
        Assert.EndsWith(
            """
            version            1

            ==== Data ====
            Key     Value
            ---     -----
            n       2
            name    world

            """,
            read,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task One_field_comes_bare()
    {
        await _mayfly.RunAsync(["kv", "put", _app, "password=-"], "s3cret\n");
        Assert.Equal("s3cret\n", (await _mayfly.RunAsync("kv", "get", "-field=password", _app)).Succeeded());
        Assert.Equal(
            "\"s3cret\\n\"\n",
            (await _mayfly.RunAsync("kv", "get", "-format=json", "-field", "password", _app)).Succeeded()
        );

        var missing = await _mayfly.RunAsync("kv", "get", "-field=nope", _app);
        Assert.Equal((1, "Field \"nope\" not present in secret\n"), (missing.Code, missing.Error));
    }

    [Fact]
    public async Task The_mount_can_be_given_apart()
    {
        var name = _app["secret/".Length..];
        (await _mayfly.RunAsync("kv", "put", "-mount=secret", name, "a=1")).Succeeded();
        Assert.Equal("1", (await _mayfly.RunAsync("kv", "get", name, "-mount", "secret", "-field", "a")).Succeeded());
    }

    [Fact]
    public async Task Versions_are_deleted_undeleted_destroyed_and_rolled_back()
    {
        await _mayfly.RunAsync("kv", "put", _app, "a=1");
        await _mayfly.RunAsync("kv", "put", _app, "a=2");
        (await _mayfly.RunAsync("kv", "delete", _app)).Succeeded();
        Assert.DoesNotContain(
            "== Data ==",
            (await _mayfly.RunAsync("kv", "get", _app)).Succeeded(),
            StringComparison.Ordinal
        );
        (await _mayfly.RunAsync("kv", "undelete", "-versions=2", _app)).Succeeded();
        Assert.Equal("2", (await _mayfly.RunAsync("kv", "get", "-field=a", _app)).Succeeded());
        (await _mayfly.RunAsync("kv", "rollback", "-version=1", _app)).Succeeded();
        Assert.Equal("1", (await _mayfly.RunAsync("kv", "get", "-field=a", _app)).Succeeded());
        (await _mayfly.RunAsync("kv", "destroy", "-versions=1,2", _app)).Succeeded();
        Assert.Equal(2, (await _mayfly.RunAsync("kv", "rollback", "-version=1", _app)).Code);
        Assert.Equal(2, (await _mayfly.RunAsync("kv", "get", "-version=1", "-field=a", _app)).Code);
    }

    [Fact]
    public async Task Check_and_set_refuses_a_write_that_comes_too_late()
    {
        (await _mayfly.RunAsync("kv", "put", "-cas=0", _app, "a=1")).Succeeded();
        var late = await _mayfly.RunAsync("kv", "put", "-cas=0", _app, "a=2");
        Assert.Equal(2, late.Code);
        Assert.Contains(
            "check-and-set parameter did not match the current version",
            late.Error,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("-method=patch")]
    [InlineData("-method=rw")]
    public async Task A_patch_changes_adds_and_removes(string method)
    {
        await _mayfly.RunAsync("kv", "put", _app, "a=1", "b=2", "c=3");
        (await _mayfly.RunAsync("kv", "patch", method, "-remove-data=c", _app, "b=22", "d=4")).Succeeded();
        Assert.Contains(
            "\"data\": {\n      \"a\": \"1\",\n      \"b\": \"22\",\n      \"d\": \"4\"\n    }",
            Sorted((await _mayfly.RunAsync("kv", "get", "-format=json", _app)).Succeeded()),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Everything_below_is_listed_and_found()
    {
        var root = "secret/" + server.Name("tree");
        await _mayfly.RunAsync("kv", "put", $"{root}/db/postgres", "a=1");
        await _mayfly.RunAsync("kv", "put", $"{root}/db/deep/er", "a=1");
        await _mayfly.RunAsync("kv", "put", $"{root}/web", "a=1");
        (await _mayfly.RunAsync("kv", "metadata", "put", "-custom-metadata=owner=Team-Red", $"{root}/web")).Succeeded();

        Assert.Equal("Keys\n----\ndb/\nweb\n", (await _mayfly.RunAsync("kv", "list", root)).Succeeded());
        Assert.Equal(
            "db/deep/er\ndb/postgres\nweb\n",
            (await _mayfly.RunAsync("kv", "list", "-recursive", root)).Succeeded()
        );
        Assert.Equal($"{root}/db/postgres\n", (await _mayfly.RunAsync("kv", "search", "POSTgres", root)).Succeeded());
        Assert.Equal(
            $"{root}/web\n",
            (await _mayfly.RunAsync("kv", "search", "-metadata", "team-red", root)).Succeeded()
        );
        Assert.Contains(
            $"{root}/db/deep/er\n",
            (await _mayfly.RunAsync("kv", "search", "deep/er")).Succeeded(),
            StringComparison.Ordinal
        );
        Assert.Equal(2, (await _mayfly.RunAsync("kv", "search", "no-such-name", root)).Code);
    }

    [Fact]
    public async Task A_walk_leaves_out_what_the_token_may_not_list()
    {
        var root = "secret/" + server.Name("walk");
        await _mayfly.RunAsync("kv", "put", $"{root}/open/a", "a=1");
        await _mayfly.RunAsync("kv", "put", $"{root}/closed/b", "a=1");
        var policy = server.Name("walker");
        var metadata = root.Replace("secret/", "secret/metadata/", StringComparison.Ordinal);
        (
            await _mayfly.RunAsync(
                ["policy", "write", policy, "-"],
                $$"""
                path "{{metadata}}/*" { capabilities = ["list"] }
                path "{{metadata}}/" { capabilities = ["list"] }
                path "{{metadata}}/closed/*" { capabilities = ["deny"] }
                """
            )
        ).Succeeded();
        var token = (await _mayfly.RunAsync("token", "create", $"-policy={policy}", "-field=token")).Succeeded();
        using var walker = server.As(token);

        var listed = await walker.RunAsync("kv", "list", "-recursive", root);

        Assert.Equal("open/a\n", listed.Succeeded());
        Assert.Equal("1 folder was left out: the token may not list there.\n", listed.Error);
    }

    [Fact]
    public async Task A_path_without_data_is_met_with_the_right_one()
    {
        await _mayfly.RunAsync("kv", "put", _app, "a=1");
        foreach (var verb in (string[])["read", "write", "delete", "list", "patch"])
        {
            string[] words = verb is "write" or "patch" ? [verb, _app, "a=1"] : [verb, _app];
            var refused = await _mayfly.RunAsync(words);
            var kv = verb switch
            {
                "read" => "get",
                "write" => "put",
                _ => verb,
            };
            Assert.Equal(2, refused.Code);
            Assert.Contains($"Try: mayfly kv {kv} {_app}\n", refused.Error, StringComparison.Ordinal);
        }

        var doubled = await _mayfly.RunAsync(
            "kv",
            "get",
            _app.Replace("secret/", "secret/data/", StringComparison.Ordinal)
        );
        Assert.Contains($"Try: mayfly kv get {_app}\n", doubled.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_without_versions_works_and_can_become_one_with_them()
    {
        var mount = server.Name("plain");
        (await _mayfly.RunAsync("secrets", "enable", $"-path={mount}", "-version=1", "kv")).Succeeded();
        Assert.Equal(
            $"Success! Data written to: {mount}/x\n",
            (await _mayfly.RunAsync("kv", "put", $"{mount}/x", "a=1")).Succeeded()
        );
        Assert.Equal(
            "== Data ==\nKey    Value\n---    -----\na      1\n",
            (await _mayfly.RunAsync("kv", "get", $"{mount}/x")).Succeeded()
        );
        Assert.Equal("Keys\n----\nx\n", (await _mayfly.RunAsync("kv", "list", mount)).Succeeded());
        Assert.Equal(1, (await _mayfly.RunAsync("kv", "undelete", "-versions=1", $"{mount}/x")).Code);
        Assert.Equal(2, (await _mayfly.RunAsync("kv", "patch", $"{mount}/x", "a=2")).Code);
        Assert.Equal(2, (await _mayfly.RunAsync("kv", "rollback", "-version=1", $"{mount}/x")).Code);
        (await _mayfly.RunAsync("kv", "enable-versioning", mount)).Succeeded();

        // The server is busy with it for a moment, and says so.
        var read = await _mayfly.RunAsync("kv", "get", $"{mount}/x");
        for (var i = 0; i < 200 && read.Error.Contains("Upgrading", StringComparison.Ordinal); i++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, TestContext.Current.CancellationToken);
            read = await _mayfly.RunAsync("kv", "get", $"{mount}/x");
        }

        Assert.Contains("== Metadata ==", read.Succeeded(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrapped_read_is_unwrapped_once()
    {
        await _mayfly.RunAsync("kv", "put", _app, "a=1");
        var token = (await _mayfly.RunAsync("kv", "get", "-wrap-ttl=60s", "-field=wrapping_token", _app)).Succeeded();
        using var stranger = server.As(null);

        Assert.Contains("map[a:1]", (await stranger.RunAsync("unwrap", token)).Succeeded(), StringComparison.Ordinal);
        Assert.Equal(2, (await _mayfly.RunAsync("unwrap", token)).Code);
    }

    private static string Signs(string app) =>
        new('=', (Math.Max(4, $"secret/data/{app["secret/".Length..]}".Length - 13) + 1) / 2);

    // Names come in the order in which the server keeps them.
    private static string Sorted(string json)
    {
        var lines = json.Split('\n')
            .Where(static line => line.StartsWith("      \"", StringComparison.Ordinal))
            .ToList();
        var data = lines.Where(static line => line[7] is 'a' or 'b' or 'd' && line[8] == '"').ToList();
        data.Sort(StringComparer.Ordinal);
        return "\"data\": {\n" + string.Join(",\n", data.Select(static line => line.TrimEnd(','))) + "\n    }";
    }
}
