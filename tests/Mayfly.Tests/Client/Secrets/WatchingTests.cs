using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Tests.Client.Secrets;

/// <summary>Whether changes are heard of is told as it is, also while a source tries to connect again by itself.</summary>
public sealed class WatchingTests : IAsyncLifetime
{
    private readonly DevServer _server = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task While_the_server_is_away_nothing_is_heard_and_that_is_told()
    {
        await _server.WriteAsync("secret/data/app", new { data = new { value = "one" } });
        using var client = _server.Client();
        await using var secrets = new LiveSecrets(
            new MayflySecretSource(client),
            new LiveSecretsOptions { Ttl = TimeSpan.FromDays(1) }
        );
        var first = await secrets.GetAsync("secret/data/app", Cancellation);
        await UntilAsync(() => secrets.IsWatching);
        Assert.Null(secrets.WatchFailure);

        await _server.StopAsync();
        await UntilAsync(() => !secrets.IsWatching);
        Assert.Equal(SecretFailure.Unreachable, secrets.WatchFailure!.Reason);

        await _server.StartAsync();
        await UntilAsync(() => secrets.IsWatching);
        Assert.Null(secrets.WatchFailure);
        await _server.WriteAsync("secret/data/app", new { data = new { value = "two" } });
        var second = await secrets.Get("secret/data/app").WaitForChangeAsync(first, Cancellation);
        Assert.Equal("two", second["value"]);
    }

    [Fact]
    public async Task Several_sources_are_heard_when_all_of_them_are()
    {
        await _server.WriteAsync("secret/data/app", new { data = new { value = "one" } });
        using var client = _server.Client();
        var mock = new MockSecretSource();
        await using var secrets = new LiveSecrets(
            new FallbackSecretSource(new MayflySecretSource(client), mock),
            new LiveSecretsOptions { Ttl = TimeSpan.FromDays(1) }
        );
        await secrets.GetAsync("secret/data/app", Cancellation);
        await UntilAsync(() => secrets.IsWatching);

        await _server.StopAsync();
        await UntilAsync(() => !secrets.IsWatching);
        mock.Set("other", "changed meanwhile");
        await UntilAsync(() => secrets.WatchFailure is not null && !secrets.IsWatching);

        await _server.StartAsync();
        await UntilAsync(() => secrets.IsWatching);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(20, Cancellation);
        }
    }
}
