using Mayfly.Core.Storage;
using Mayfly.Core.Storage.Memory;
using Mayfly.Crypto;
using Barrier = Mayfly.Core.Storage.Barrier;

namespace Mayfly.Tests.Storage;

public sealed class ViewTests : IDisposable
{
    private readonly MemoryStore _store = new();
    private readonly Keyring _keyring = Keyring.Generate();
    private readonly Barrier _barrier;
    private readonly View _view;

    public ViewTests()
    {
        _barrier = new Barrier(_store, _keyring);
        _view = new View(_barrier, StoreKey.Root.Append("mount"));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _barrier.Dispose();
        _keyring.Dispose();
    }

    [Theory]
    [InlineData("a")]
    [InlineData("a/b")]
    [InlineData("a/b/c/d/e")]
    [InlineData("with space/ünïcode/日本")]
    public async Task A_path_leads_back_to_what_was_written_and_can_be_told_from_its_address(string path)
    {
        Assert.True((await _view.PutAsync(path, "value"u8, Cancellation)).Succeeded);
        using var entry = await _view.GetAsync(path, Cancellation);
        Assert.Equal("value"u8, entry!.Value.Span);
        Assert.Equal(path, _view.PathOf(_view.KeyOf(path)));
        var fresh = new View(_barrier, _view.Root);
        Assert.Equal(_view.KeyOf(path), fresh.KeyOf(path));
    }

    [Fact]
    public async Task A_list_has_names_and_folders_in_order()
    {
        foreach (var path in (string[])["b", "a/x", "a/y", "b/z", "c"])
        {
            await _view.PutAsync(path, "value"u8, Cancellation);
        }

        Assert.Equal(["a/", "b", "b/", "c"], await _view.ListAsync("", Cancellation));
        Assert.Equal(["x", "y"], await _view.ListAsync("a/", Cancellation));
        Assert.Equal(["z"], await _view.Sub("b/").ListAsync("", Cancellation));
        await _view.DeleteTreeAsync("a/", Cancellation);
        Assert.Equal(["b", "b/", "c"], await _view.ListAsync("", Cancellation));
    }

    [Fact]
    public async Task Records_that_were_exchanged_in_the_store_are_noticed()
    {
        await _view.PutAsync("a", "first"u8, Cancellation);
        await _view.PutAsync("b", "other"u8, Cancellation);
        var other = await _store.GetAsync(_view.KeyOf("b"), Cancellation);
        var batch = new Batch();
        batch.Put(_view.KeyOf("a"), other!.Value);
        await _store.CommitAsync(batch, Cancellation);
        await Assert.ThrowsAsync<StoreCorruptException>(async () => await _view.GetAsync("a", Cancellation));
    }

    [Fact]
    public async Task A_name_that_stands_in_another_folder_is_noticed()
    {
        await _view.PutAsync("a/name", "value"u8, Cancellation);
        var key = _view.KeyOf("a/name");
        var segment = key.ChildOf(_view.KeyOf("a/"), out _).ToArray();
        var batch = new Batch();
        batch.Put(_view.KeyOf("b/").Append(segment), new byte[100]);
        await _store.CommitAsync(batch, Cancellation);
        await Assert.ThrowsAsync<StoreCorruptException>(async () => await _view.ListAsync("b/", Cancellation));
    }

    [Fact]
    public void A_path_of_many_segments_does_not_exhaust_the_stack()
    {
        var path = string.Join('/', Enumerable.Repeat("a", 200)) + "/b";
        Assert.Equal(path, _view.PathOf(_view.KeyOf(path)));
    }

    [Fact]
    public void The_names_remembered_are_bounded_and_what_is_in_use_stays()
    {
        var names = new NameCache(capacity: 100);
        names.Add("hot", StoreKey.Root.Append("hot"));
        for (var i = 0; i < 10_000; i++)
        {
            Assert.True(names.TryGet("hot", out _));
            names.Add($"cold {i}", StoreKey.Root.Append("cold"));
            Assert.True(names.Count <= 101);
            Assert.True(i < 10 || names.TryGet($"cold {i - 10}", out _));
        }
    }
}
