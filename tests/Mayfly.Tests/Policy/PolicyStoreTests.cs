using Mayfly.Core.Pipeline;
using Mayfly.Core.Policy;
using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Crypto;
using Barrier = Mayfly.Core.Storage.Barrier;

namespace Mayfly.Tests.Policy;

public sealed class PolicyStoreTests : IAsyncDisposable
{
    private readonly Keyring _keyring = Keyring.Generate();
    private readonly MemoryStore _store = new();
    private readonly View _view;
    private readonly PolicyStore _policies;

    public PolicyStoreTests()
    {
        _view = new View(new Barrier(_store, _keyring), StoreKey.Root.Append("sys").Append("policy"));
        _policies = new PolicyStore(_view);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_policy_survives_a_restart_and_keeps_its_text()
    {
        const string Text = "# mine\npath \"secret/*\" { capabilities = [\"read\"] }\n";
        Assert.Null(await _policies.PutAsync(" Team/App ", Text, Cancellation));
        var again = new PolicyStore(_view);
        Assert.Equal(Text, (await again.GetAsync("TEAM/app", Cancellation))?.Text);
        Assert.Equal("team/app", (await again.GetAsync("team/app", Cancellation))?.Name);
        Assert.Equal(["default", "team/app", "root"], await again.ListAsync(Cancellation));
        Assert.Null(await again.DeleteAsync("team/APP", Cancellation));
        Assert.Null(await again.GetAsync("team/app", Cancellation));
        Assert.Null(await again.DeleteAsync("team/app", Cancellation));
        Assert.Equal(["default", "root"], await again.ListAsync(Cancellation));
    }

    [Fact]
    public async Task Built_in_policies_are_there_and_stay()
    {
        Assert.Contains(
            "lookup-self",
            (await _policies.GetAsync("default", Cancellation))!.Text,
            StringComparison.Ordinal
        );
        Assert.Equal("", (await _policies.GetAsync("root", Cancellation))!.Text);
        Assert.Equal("cannot update \"root\" policy", Message(await _policies.PutAsync("Root", "", Cancellation)));
        Assert.Equal("cannot delete \"root\" policy", Message(await _policies.DeleteAsync("root", Cancellation)));
        Assert.Equal("cannot delete \"default\" policy", Message(await _policies.DeleteAsync("default", Cancellation)));
        Assert.Equal(
            "cannot update \"response-wrapping\" policy",
            Message(await _policies.PutAsync("response-wrapping", "", Cancellation))
        );

        Assert.Null(await _policies.PutAsync("default", "path \"x\" { policy = \"read\" }", Cancellation));
        Assert.True(Reads(await _policies.AclForAsync(["default"], Cancellation), "x"));
        Assert.False(Reads(await _policies.AclForAsync(["default"], Cancellation), "auth/token/lookup-self"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("/")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("../a")]
    [InlineData("a\0b")]
    [InlineData("a\nb")]
    public async Task Odd_names_are_refused(string name)
    {
        Assert.Equal(FaultKind.Invalid, (await _policies.PutAsync(name, "", Cancellation))?.Kind);
        Assert.Equal(FaultKind.Invalid, (await _policies.DeleteAsync(name, Cancellation))?.Kind);
        Assert.Null(await _policies.GetAsync(name, Cancellation));
        Assert.False(Reads(await _policies.AclForAsync([name], Cancellation), "x"));
    }

    [Fact]
    public async Task A_wrong_policy_is_refused_with_its_line_and_changes_nothing()
    {
        Assert.Null(await _policies.PutAsync("a", "path \"x\" { policy = \"read\" }", Cancellation));
        var fault = await _policies.PutAsync("a", "path \"x\" {\n  capabilties = []\n}", Cancellation);
        Assert.Equal(FaultKind.Invalid, fault?.Kind);
        Assert.StartsWith(
            "failed to parse policy: line 2, column 3: path \"x\": invalid key \"capabilties\"",
            Message(fault),
            StringComparison.Ordinal
        );
        Assert.True(Reads(await _policies.AclForAsync(["a"], Cancellation), "x"));
    }

    [Fact]
    public async Task A_change_is_seen_by_every_set_of_names()
    {
        string[] names = ["a", "b", "default"];
        Assert.False(Reads(await _policies.AclForAsync(names, Cancellation), "x"));
        Assert.Null(await _policies.PutAsync("b", "path \"x\" { policy = \"read\" }", Cancellation));
        Assert.True(Reads(await _policies.AclForAsync(names, Cancellation), "x"));
        Assert.Null(await _policies.PutAsync("a", "path \"x\" { policy = \"deny\" }", Cancellation));
        Assert.False(Reads(await _policies.AclForAsync(names, Cancellation), "x"));
        Assert.Null(await _policies.DeleteAsync("a", Cancellation));
        Assert.True(Reads(await _policies.AclForAsync(names, Cancellation), "x"));
    }

    [Fact]
    public async Task A_known_set_is_found_at_once_and_without_allocating()
    {
        IReadOnlyList<string> names = ["a", "default"];
        var first = await _policies.AclForAsync(names, Cancellation);
        IReadOnlyList<string> same = ["a", "default"];
        var before = GC.GetAllocatedBytesForCurrentThread();
        var again = _policies.AclForAsync(same, Cancellation);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(again.IsCompletedSuccessfully);
        Assert.Same(first, await again);
        Assert.Equal(0, allocated);
    }

    [Fact]
    public async Task Root_in_a_set_allows_everything_and_missing_names_nothing()
    {
        Assert.True((await _policies.AclForAsync(["default", "root"], Cancellation)).IsRoot);
        Assert.Equal(["deny"], (await _policies.AclForAsync(["missing"], Cancellation)).Capabilities("secret/a"));
        Assert.Equal(["deny"], (await _policies.AclForAsync([], Cancellation)).Capabilities("secret/a"));
    }

    [Fact]
    public async Task A_stored_policy_that_cannot_be_read_stops_the_request()
    {
        // Leaving it out would drop the denials that it may hold.
        Assert.True((await _view.PutAsync("broken", "path {"u8, Cancellation)).Succeeded);
        await Assert.ThrowsAsync<StoreCorruptException>(async () =>
            await _policies.AclForAsync(["broken", "default"], Cancellation)
        );
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        _keyring.Dispose();
    }

    private static string? Message(Fault? fault) => fault?.Messages[0];

    private static bool Reads(Acl acl, string path) => acl.Decide(Operation.Read, path, null, null).Allowed;
}
