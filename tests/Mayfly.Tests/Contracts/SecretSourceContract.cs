using Mayfly.Client.Secrets;

namespace Mayfly.Tests.Contracts;

/// <summary>
/// Everything that <see cref="ISecretSource"/> promises. A new source inherits this class and says how it is opened and how
/// a secret gets into what it reads from; each test uses names of its own.
/// </summary>
public abstract class SecretSourceContract : IAsyncLifetime
{
    private const string Canary = "canary-d41d8c";

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The source under test.</summary>
    protected abstract ISecretSource Source { get; }

    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_secret_is_read_with_its_fields()
    {
        var name = Name("app");
        await PutAsync(name, new() { ["username"] = "app", ["password"] = "ünïcode \"quoted\" $HOME \\ line\nbreak" });
        var fetched = await Source.FetchAsync(name, Cancellation);
        Assert.Equal("app", fetched.Fields.GetProperty("username").GetString());
        Assert.Equal("ünïcode \"quoted\" $HOME \\ line\nbreak", fetched.Fields.GetProperty("password").GetString());
        Assert.Null(fetched.Lease);
    }

    [Fact]
    public async Task A_secret_that_was_replaced_is_read_anew()
    {
        var name = Name("app");
        await PutAsync(name, new() { ["password"] = "one" });
        var first = await Source.FetchAsync(name, Cancellation);
        await PutAsync(name, new() { ["password"] = "two" });
        var second = await Source.FetchAsync(name, Cancellation);
        Assert.Equal("two", second.Fields.GetProperty("password").GetString());
        Assert.True(first.Version is null || first.Version != second.Version);
        Assert.True(first.VersionNumber is null || first.VersionNumber < second.VersionNumber);
    }

    [Fact]
    public async Task What_is_not_there_is_not_found_and_the_message_names_it()
    {
        var name = Name("nothing");
        var failure = await Assert.ThrowsAsync<SecretSourceException>(() => Source.FetchAsync(name, Cancellation));
        Assert.Equal(SecretFailure.NotFound, failure.Reason);
        Assert.Contains(name, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_of_a_mebibyte_is_read_whole()
    {
        var name = Name("large");
        var value = new string('x', LargestValue);
        await PutAsync(name, new() { ["value"] = value });
        Assert.Equal(value, (await Source.FetchAsync(name, Cancellation)).Fields.GetProperty("value").GetString());
    }

    [Fact]
    public async Task Many_read_at_once()
    {
        var name = Name("many");
        await PutAsync(name, new() { ["value"] = "shared" });
        var all = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Source.FetchAsync(name, Cancellation)));
        Assert.All(all, fetched => Assert.Equal("shared", fetched.Fields.GetProperty("value").GetString()));
    }

    [Fact]
    public async Task No_message_holds_a_value()
    {
        var name = Name("told");
        await PutAsync(name, new() { ["password"] = Canary });
        var fetched = await Source.FetchAsync(name, Cancellation);
        await using var secrets = new LiveSecrets(Source, new LiveSecretsOptions { Watch = false });
        var value = await secrets.GetAsync(name, Cancellation);
        Assert.DoesNotContain(Canary, $"{Source.Id}{fetched}{value}{secrets.Get(name)}", StringComparison.Ordinal);
        Assert.Equal(Canary, value["password"]);
        Assert.DoesNotContain(
            Canary,
            Assert.Throws<KeyNotFoundException>(() => value["absent"]).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_watch_begins_with_everything_and_tells_a_change()
    {
        if (Source is not IWatchableSecretSource watchable)
        {
            return;
        }

        var name = Name("watched");
        await PutAsync(name, new() { ["value"] = "one" });
        await Source.FetchAsync(name, Cancellation);
        await using var changes = watchable.WatchAsync(Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await changes.MoveNextAsync());
        Assert.Null(changes.Current.Name);

        await PutAsync(name, new() { ["value"] = "two" });
        do
        {
            var next = changes.MoveNextAsync().AsTask();
            await PassTimeAsync(next);
            Assert.True(await next);
        } while (changes.Current.Name is { } other && other != name);

        Assert.Equal("two", (await Source.FetchAsync(name, Cancellation)).Fields.GetProperty("value").GetString());
    }

    [Fact]
    public async Task A_live_secret_follows_it()
    {
        var name = Name("live");
        await PutAsync(name, new() { ["value"] = "one" });
        await using var secrets = new LiveSecrets(
            Source,
            new LiveSecretsOptions { Watch = false, LeastInterval = TimeSpan.Zero }
        );
        var first = await secrets.GetAsync(name, Cancellation);
        Assert.Equal("one", first["value"]);
        await PutAsync(name, new() { ["value"] = "two" });
        var second = await secrets.Get(name).RefreshAsync(Cancellation);
        Assert.Equal("two", second["value"]);
        Assert.NotEqual(first.VersionHash, second.VersionHash);
        Assert.Same(second, await secrets.Get(name).RefreshAsync(Cancellation));
    }

    /// <summary>The most characters that a value can have there; a mebibyte unless the source allows less.</summary>
    protected virtual int LargestValue => 1 << 20;

    /// <summary>A name of this test's own, as the source spells names.</summary>
    protected virtual string Name(string name) => name;

    /// <summary>Puts a secret, or a new version of it, where the source reads.</summary>
    protected abstract Task PutAsync(string name, Dictionary<string, string> fields);

    /// <summary>For a source that looks for changes by the clock: lets time pass until the task has ended.</summary>
    protected virtual Task PassTimeAsync(Task task) => task.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
}
