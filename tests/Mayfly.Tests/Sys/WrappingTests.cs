using System.Text.Json;
using Mayfly.Core.Pipeline;

namespace Mayfly.Tests.Sys;

public sealed class WrappingTests
{
    private static readonly TimeSpan Ttl = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task A_wrapped_reply_is_unwrapped_once()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await WrapAsync(vault, """{"a":1,"b":{"c":"d"}}""");
        var data = await vault.DataAsync(Operation.Update, "sys/wrapping/unwrap", $$"""{"token":"{{token}}"}""");
        Assert.Equal("d", data.GetProperty("b").GetProperty("c").GetString());
        var message = await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "sys/wrapping/unwrap",
            $$"""{"token":"{{token}}"}"""
        );
        Assert.Equal("wrapping token is not valid or does not exist", message);
    }

    [Fact]
    public async Task What_is_nested_as_deeply_as_a_body_may_be_is_unwrapped_too()
    {
        await using var vault = await TestVault.StartAsync();
        var deep = string.Concat(Enumerable.Repeat("{\"a\":", Json.MaxDepth)) + "1" + new string('}', Json.MaxDepth);
        var token = await WrapAsync(vault, deep);
        var outcome = await vault.HandleAsync(Operation.Update, "sys/wrapping/unwrap", token: token);
        Assert.Equal(deep, System.Text.Encoding.UTF8.GetString(outcome.Response!.Data.Span));
    }

    [Fact]
    public async Task Of_many_who_unwrap_at_once_one_gets_it()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await WrapAsync(vault, """{"a":1}""");
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 32)
                .Select(_ => Task.Run(() => vault.HandleAsync(Operation.Update, "sys/wrapping/unwrap", token: token)))
        );
        Assert.Equal(1, outcomes.Count(outcome => outcome.Succeeded));
    }

    [Fact]
    public async Task The_wrapping_token_itself_unwraps_and_does_nothing_else()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await WrapAsync(vault, """{"a":1}""");
        await vault.FaultAsync(FaultKind.Denied, Operation.Read, "auth/token/lookup-self", token: token);
        token = await WrapAsync(vault, """{"a":1}""");
        await vault.DataAsync(Operation.Update, "sys/wrapping/unwrap", "{}", token);
    }

    [Fact]
    public async Task A_lookup_does_not_use_it_up()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await WrapAsync(vault, """{"a":1}""");
        var data = await vault.DataAsync(Operation.Update, "sys/wrapping/lookup", $$"""{"token":"{{token}}"}""");
        Assert.Equal("sys/wrapping/wrap", data.GetProperty("creation_path").GetString());
        Assert.Equal(300, data.GetProperty("creation_ttl").GetInt32());
        await vault.DataAsync(Operation.Update, "sys/wrapping/unwrap", $$"""{"token":"{{token}}"}""");
    }

    [Fact]
    public async Task Rewrapping_gives_a_new_token_and_ends_the_old_one()
    {
        await using var vault = await TestVault.StartAsync();
        var token = await WrapAsync(vault, """{"a":1}""");
        var outcome = await vault.HandleAsync(Operation.Update, "sys/wrapping/rewrap", $$"""{"token":"{{token}}"}""");
        var renewed = outcome.Response!.WrapInfo!.Token;
        await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "sys/wrapping/unwrap",
            $$"""{"token":"{{token}}"}"""
        );
        var data = await vault.DataAsync(Operation.Update, "sys/wrapping/unwrap", $$"""{"token":"{{renewed}}"}""");
        Assert.Equal(1, data.GetProperty("a").GetInt32());
    }

    [Fact]
    public async Task It_ends_with_its_ttl_and_leaves_nothing_behind()
    {
        await using var vault = await TestVault.StartAsync();
        var before = await vault.Store.CountAsync(default, TestContext.Current.CancellationToken);
        var token = await WrapAsync(vault, """{"a":1}""");
        await vault.AdvanceAsync(TimeSpan.FromMinutes(6));
        await vault.FaultAsync(
            FaultKind.Invalid,
            Operation.Update,
            "sys/wrapping/unwrap",
            $$"""{"token":"{{token}}"}"""
        );
        Assert.Equal(before, await vault.Store.CountAsync(default, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_wrapped_login_gives_the_whole_auth()
    {
        await using var vault = await TestVault.StartAsync();
        var made = await vault.HandleAsync(
            Operation.Update,
            "auth/token/create",
            """{"policies":["default"]}""",
            wrapTtl: Ttl
        );
        Assert.Null(made.Response!.Auth);
        var info = made.Response.WrapInfo!;
        Assert.Equal("auth/token/create", info.CreationPath);
        var outcome = await vault.HandleAsync(
            Operation.Update,
            "sys/wrapping/unwrap",
            $$"""{"token":"{{info.Token}}"}"""
        );
        var auth = outcome.Response!.Auth!;
        Assert.Equal(info.WrappedAccessor, auth.Entry.Accessor);
        await vault.DataAsync(Operation.Read, "auth/token/lookup-self", token: auth.Token);
    }

    private static async Task<string> WrapAsync(TestVault vault, string body)
    {
        var outcome = await vault.HandleAsync(Operation.Update, "sys/wrapping/wrap", body, wrapTtl: Ttl);
        Assert.True(outcome.Succeeded, JsonSerializer.Serialize(outcome.Fault?.Messages));
        return outcome.Response!.WrapInfo!.Token;
    }
}
