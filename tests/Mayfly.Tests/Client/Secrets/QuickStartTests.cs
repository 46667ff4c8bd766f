using Mayfly.Client;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Tests.Client.Secrets;

/// <summary>
/// The quick start that the SDK is measured against: a TTL of 60 s, the refresh seen at 42 s, the server stopped inside the TTL,
/// and started again.
/// </summary>
public sealed class QuickStartTests : IAsyncDisposable
{
    private const string Key = "secret/data/myapp/api_key";

    private readonly DevServer _server = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task The_quick_start_works_on_a_clock_of_its_own()
    {
        await _server.StartAsync();
        await PutAsync("sk-test-12345");
        using var client = _server.Client();
        var source = new CountingSource(new MayflySecretSource(client));
        var time = new ManualTime();
        await using var secrets = new LiveSecrets(
            source,
            new LiveSecretsOptions
            {
                Ttl = TimeSpan.FromSeconds(60),
                MaxStale = TimeSpan.Zero,
                Watch = false,
                Time = time,
            }
        );

        // Called twice; the second call gives the cached value.
        var secret = secrets.Get(Key);
        var first = await secret.GetAsync(Cancellation);
        Assert.Equal("sk-test-12345", first["value"]);
        Assert.Same(first, await secret.GetAsync(Cancellation));
        Assert.Equal(1, source.Count);

        // The hash changes with a rotation, and the refresh is seen at 42 s: in the background, nobody waits for it.
        await PutAsync("sk-test-67890");
        await time.PassAsync(TimeSpan.FromSeconds(35.9), secret);
        Assert.Equal(1, source.Count);
        Assert.Same(first, secret.Current);
        await time.PassAsync(TimeSpan.FromSeconds(6.2), secret);
        Assert.Equal(2, source.Count);
        var second = secret.Current;
        Assert.Equal("sk-test-67890", second["value"]);
        Assert.NotEqual(first.VersionHash, second.VersionHash);

        // The server stops inside the TTL: the stale value goes on being served, to the end of the TTL and no further.
        await _server.StopAsync();
        await time.PassAsync(TimeSpan.FromSeconds(48), secret);
        Assert.Same(second, await secret.GetAsync(Cancellation));
        Assert.Equal(SecretState.Stale, secret.State);
        await time.PassAsync(TimeSpan.FromSeconds(13), secret);
        var gone = Assert.Throws<SecretExpiredException>(() => secret.Current);
        Assert.Equal(SecretFailure.Unreachable, gone.Reason);

        // It starts again, and the secret recovers without a hand.
        await _server.StartAsync();
        await time.PassAsync(TimeSpan.FromSeconds(31), secret);
        Assert.Equal("sk-test-67890", secret.Current["value"]);
        Assert.Equal(SecretState.Fresh, secret.State);
    }

    [Fact]
    public async Task The_quick_start_works_on_the_real_clock_with_shorter_times()
    {
        await _server.StartAsync();
        await PutAsync("sk-test-12345");
        using var client = _server.Client();
        await using var secrets = new LiveSecrets(
            new MayflySecretSource(client),
            new LiveSecretsOptions
            {
                Ttl = TimeSpan.FromSeconds(2),
                MaxStale = TimeSpan.FromSeconds(120),
                LongestBackOff = TimeSpan.FromSeconds(1),
                Watch = false,
            }
        );
        var secret = secrets.Get(Key);
        var first = await secret.GetAsync(Cancellation);
        await PutAsync("sk-test-67890");
        var second = await secret.WaitForChangeAsync(first, Cancellation);
        Assert.Equal("sk-test-67890", second["value"]);

        await _server.StopAsync();
        await UntilAsync(() => secret.State == SecretState.Stale);
        Assert.Same(second, secret.Current);
        Assert.True(secret.GetAsync(Cancellation).AsTask().IsCompletedSuccessfully);

        await _server.StartAsync();
        await UntilAsync(() => secret.State == SecretState.Fresh);
        Assert.Same(second, secret.Current);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(20, Cancellation);
        }
    }

    private Task<MayflyResponse> PutAsync(string value) => _server.WriteAsync(Key, new { data = new { value } });

    private sealed class CountingSource(ISecretSource source) : ISecretSource
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public string Id => source.Id;

        public Task<FetchedSecret> FetchAsync(string name, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _count);
            return source.FetchAsync(name, cancellationToken);
        }
    }
}
