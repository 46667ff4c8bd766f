using Mayfly.Core.Pipeline;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Tests.Engines;

namespace Mayfly.Tests.Mounts;

public sealed class MountTests
{
    [Fact]
    public async Task A_mount_answers_after_it_is_enabled_and_not_after_it_is_disabled()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/mounts/team/kv", """{"type":"kv","options":{"version":"2"}}""");
        await vault.DataAsync(Operation.Update, "team/kv/data/app", """{"data":{"a":"b"}}""");
        var data = await vault.DataAsync(Operation.Read, "team/kv/data/app");
        Assert.Equal("b", data.GetProperty("data").GetProperty("a").GetString());
        await vault.DataAsync(Operation.Delete, "sys/mounts/team/kv");
        await vault.FaultAsync(FaultKind.NotFound, Operation.Read, "team/kv/data/app");
    }

    [Fact]
    public async Task Disabling_leaves_nothing_in_the_store()
    {
        await using var vault = await TestVault.StartAsync();
        var before = await vault.Store.CountAsync(default, TestContext.Current.CancellationToken);
        await vault.DataAsync(Operation.Update, "sys/mounts/kv", """{"type":"kv-v2"}""");
        for (var i = 0; i < 20; i++)
        {
            await vault.DataAsync(Operation.Update, $"kv/data/a/{i}", """{"data":{"a":"b"}}""");
        }

        await vault.DataAsync(Operation.Delete, "sys/mounts/kv");
        Assert.Equal(before, await vault.Store.CountAsync(default, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Disabling_again_finishes_what_a_failing_store_interrupted(int commits)
    {
        var store = new FaultyStore(new MemoryStore());
        await using var vault = await TestVault.StartAsync(store: store);
        var before = await store.CountAsync(default, TestContext.Current.CancellationToken);
        await vault.DataAsync(Operation.Update, "sys/auth/userpass", """{"type":"userpass"}""");
        await vault.DataAsync(Operation.Update, "auth/userpass/users/ann", """{"password":"correct horse"}""");
        const string Login = """{"password":"correct horse"}""";
        var login = await vault.HandleAsync(Operation.Update, "auth/userpass/login/ann", Login, token: "");
        store.FailAfter(commits);
        await vault.FaultAsync(FaultKind.Unavailable, Operation.Delete, "sys/auth/userpass");
        store.FailAfter(int.MaxValue);

        await vault.DataAsync(Operation.Delete, "sys/auth/userpass");

        var token = login.Response!.Auth!.Token;
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);

        // What the tokens have left is cleaned away behind, after a pause if the store failed just then; the revocation stays
        // for batch tokens.
        await vault.AdvanceAsync(TimeSpan.FromMinutes(1));
        var revocations = await store.CountAsync(
            StoreKey.Root.Append("revoked-prefix"),
            TestContext.Current.CancellationToken
        );
        Assert.Equal(before, await store.CountAsync(default, TestContext.Current.CancellationToken) - revocations);
    }

    [Fact]
    public async Task What_a_failing_store_interrupted_is_finished_without_being_asked()
    {
        const string Login = """{"password":"correct horse"}""";
        var interrupted = 0;
        for (var commits = 1; ; commits++)
        {
            var store = new FaultyStore(new MemoryStore());
            await using var vault = await TestVault.StartAsync(store: store);
            await vault.DataAsync(Operation.Update, "sys/auth/userpass", """{"type":"userpass"}""");
            await vault.DataAsync(Operation.Update, "auth/userpass/users/ann", Login);
            await vault.HandleAsync(Operation.Update, "auth/userpass/login/ann", Login, token: "");
            store.FailAfter(commits);
            var outcome = await vault.HandleAsync(Operation.Delete, "sys/auth/userpass");
            if (outcome.Succeeded)
            {
                break;
            }

            if ((await vault.HandleAsync(Operation.Read, "sys/auth/userpass")).Succeeded)
            {
                // It failed before anything was done: the mount is still there.
                continue;
            }

            interrupted++;
            await vault.AdvanceAsync(TimeSpan.FromMinutes(1));
            store.FailAfter(int.MaxValue);
            await vault.AdvanceAsync(TimeSpan.FromMinutes(10));
            await vault.AdvanceAsync(TimeSpan.FromMinutes(10));
            var left = await store.CountAsync(default, TestContext.Current.CancellationToken);

            // Being asked again would find nothing left to do.
            await vault.DataAsync(Operation.Delete, "sys/auth/userpass");
            Assert.Equal(await store.CountAsync(default, TestContext.Current.CancellationToken), left);
        }

        Assert.True(interrupted > 0);
    }

    [Fact]
    public async Task Disabling_an_auth_method_ends_its_tokens()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/auth/userpass", """{"type":"userpass"}""");
        await vault.DataAsync(Operation.Update, "auth/userpass/users/ann", """{"password":"correct horse"}""");
        var login = await vault.HandleAsync(
            Operation.Update,
            "auth/userpass/login/ann",
            """{"password":"correct horse"}""",
            token: ""
        );
        var token = login.Response!.Auth!.Token;
        await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: token);
        await vault.DataAsync(Operation.Delete, "sys/auth/userpass");
        await vault.FaultAsync(FaultKind.Unauthenticated, Operation.Read, "auth/token/lookup-self", token: token);
    }

    [Fact]
    public async Task A_moved_mount_keeps_its_data_and_leaves_the_old_path_empty()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/mounts/old", """{"type":"kv-v2"}""");
        await vault.DataAsync(Operation.Update, "old/data/app", """{"data":{"a":"b"}}""");
        await vault.DataAsync(Operation.Update, "sys/remount", """{"from":"old","to":"new/place"}""");
        await vault.FaultAsync(FaultKind.NotFound, Operation.Read, "old/data/app");
        var data = await vault.DataAsync(Operation.Read, "new/place/data/app");
        Assert.Equal("b", data.GetProperty("data").GetProperty("a").GetString());
    }

    [Fact]
    public async Task Mounts_come_back_after_unsealing()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(
            Operation.Update,
            "sys/mounts/kv",
            """{"type":"kv","description":"mine","config":{"default_lease_ttl":"1h"}}"""
        );
        var before = await vault.DataAsync(Operation.Read, "sys/mounts");
        await vault.HandleAsync(Operation.Update, "sys/seal");
        await vault.UnsealAsync();
        var after = await vault.DataAsync(Operation.Read, "sys/mounts");
        Assert.Equal(before.GetRawText(), after.GetRawText());
        Assert.Equal(3600, after.GetProperty("kv/").GetProperty("config").GetProperty("default_lease_ttl").GetInt32());
    }

    [Theory]
    [InlineData("sys")]
    [InlineData("sys/deep")]
    [InlineData("auth/x")]
    [InlineData("cubbyhole")]
    [InlineData("kv")]
    [InlineData("kv/below")]
    [InlineData("with*star")]
    [InlineData("with space")]
    public async Task Paths_that_are_taken_or_reserved_or_odd_are_refused(string path)
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/mounts/kv", """{"type":"kv"}""");
        await vault.FaultAsync(FaultKind.Invalid, Operation.Update, $"sys/mounts/{path}", """{"type":"kv"}""");
    }

    [Fact]
    public async Task An_unknown_type_is_refused_with_the_names_of_those_there_are()
    {
        await using var vault = await TestVault.StartAsync();
        var message = await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "sys/mounts/x",
            """{"type":"nope"}"""
        );
        Assert.Contains("kv", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_longest_mount_path_wins()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/mounts/a/b", """{"type":"kv"}""");
        await vault.DataAsync(Operation.Update, "sys/mounts/a/c", """{"type":"kv"}""");
        await vault.DataAsync(Operation.Update, "a/b/x", """{"v":"1"}""");
        await vault.DataAsync(Operation.Update, "a/c/x", """{"v":"2"}""");
        Assert.Equal("1", (await vault.DataAsync(Operation.Read, "a/b/x")).GetProperty("v").GetString());
        Assert.Equal("2", (await vault.DataAsync(Operation.Read, "a/c/x")).GetProperty("v").GetString());
    }

    [Fact]
    public async Task Tuning_shows_the_values_that_take_effect()
    {
        await using var vault = await TestVault.StartAsync();
        await vault.DataAsync(Operation.Update, "sys/mounts/kv", """{"type":"kv"}""");
        var data = await vault.DataAsync(Operation.Read, "sys/mounts/kv/tune");
        Assert.Equal(2764800, data.GetProperty("default_lease_ttl").GetInt32());
        await vault.DataAsync(
            Operation.Update,
            "sys/mounts/kv/tune",
            """{"max_lease_ttl":"2h","default_lease_ttl":"1h","description":"d"}"""
        );
        data = await vault.DataAsync(Operation.Read, "sys/mounts/kv/tune");
        Assert.Equal(7200, data.GetProperty("max_lease_ttl").GetInt32());
        Assert.Equal("d", data.GetProperty("description").GetString());
        await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "sys/mounts/kv/tune",
            """{"default_lease_ttl":"3h"}"""
        );
    }
}
