using System.Runtime.Versioning;
using Mayfly.Client.Secrets;
using Mayfly.Client.Secrets.Sources;

namespace Mayfly.Tests.Client.Secrets;

/// <summary>Starting while the source is away, with what was kept on disk.</summary>
public sealed class LastKnownGoodTests : IDisposable
{
    private const string App = "secret/data/app";
    private const string Canary = "canary-7c1e5a";

    private readonly TemporaryFolder _folder = new();
    private readonly ManualTime _time = new();
    private readonly MockSecretSource _source;
    private readonly byte[] _key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    public LastKnownGoodTests()
    {
        _source = new MockSecretSource(_time);
        _source.Set(App, Canary);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Folder => _folder.File("kept");

    private string TheFile => Assert.Single(Directory.GetFiles(Folder));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_start_while_the_source_is_away_uses_the_last_value_until_it_is_too_old()
    {
        await KeepAsync();
        _source.Fail();
        _time.Advance(TimeSpan.FromMinutes(4));

        await using var secrets = Open();
        var secret = secrets.Get(App);
        Assert.Equal(Canary, (await secret.GetAsync(Cancellation))["value"]);
        Assert.Equal("1", secret.Current.Version);
        Assert.Equal(SecretState.Stale, secret.State);
        Assert.Equal(SecretFailure.Unreachable, secret.LastFailure!.Reason);

        // TTL and MaxStale are five minutes each, and four have passed before the start.
        await _time.PassAsync(TimeSpan.FromMinutes(5.9), secret);
        Assert.Equal(Canary, secret.Current["value"]);
        await _time.PassAsync(TimeSpan.FromMinutes(0.2), secret);
        Assert.Throws<SecretExpiredException>(() => secret.Current);
    }

    [Fact]
    public async Task A_start_waits_for_a_slow_source_no_longer_than_was_said()
    {
        await KeepAsync();
        _source.Set(App, "newer");
        _source.Hold();
        await using var secrets = Open();
        var read = secrets.GetAsync(App, Cancellation).AsTask();
        Assert.False(read.IsCompleted);
        await _time.PassUntilAsync(() => read.IsCompleted);
        Assert.Equal(Canary, (await read)["value"]);

        _source.Release();
        await secrets.Get(App).IdleAsync();
        Assert.Equal("newer", secrets.Get(App).Current["value"]);
    }

    [Fact]
    public async Task A_start_with_a_source_that_answers_uses_its_answer()
    {
        await KeepAsync();
        _source.Set(App, "newer");
        await using var secrets = Open();
        Assert.Equal("newer", (await secrets.GetAsync(App, Cancellation))["value"]);
    }

    [Theory]
    [InlineData(SecretFailure.Denied)]
    [InlineData(SecretFailure.NotFound)]
    public async Task A_source_that_refuses_is_believed_and_the_value_is_kept_no_longer(SecretFailure refusal)
    {
        await KeepAsync();
        _source.Fail(refusal);
        await using var secrets = Open();
        var failure = await Assert.ThrowsAsync<SecretUnavailableException>(async () =>
            await secrets.GetAsync(App, Cancellation)
        );
        Assert.Equal(refusal, failure.Reason);
        await secrets.Get(App).IdleAsync();
        Assert.Empty(Directory.GetFiles(Folder));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task The_files_are_for_this_user_alone_and_tell_nothing()
    {
        await KeepAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(TheFile));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            File.GetUnixFileMode(Folder)
        );
        var content = await File.ReadAllBytesAsync(TheFile, Cancellation);
        Assert.True(content.AsSpan().IndexOf("canary"u8) < 0);
        Assert.DoesNotContain("app", Path.GetFileName(TheFile), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_with_any_bit_flipped_is_not_used()
    {
        await KeepAsync();
        _source.Fail();
        var content = await File.ReadAllBytesAsync(TheFile, Cancellation);
        for (var i = 0; i < content.Length; i++)
        {
            content[i] ^= 0x10;
            await File.WriteAllBytesAsync(TheFile, content, Cancellation);
            content[i] ^= 0x10;
            Assert.Null(Load(App, out var reason));
            Assert.Contains("damaged", reason, StringComparison.Ordinal);
        }

        foreach (var length in new[] { 0, 7, 55, content.Length - 1 })
        {
            await File.WriteAllBytesAsync(TheFile, content[..length], Cancellation);
            Assert.Null(Load(App, out _));
        }

        await using var secrets = Open();
        await Assert.ThrowsAsync<SecretUnavailableException>(async () => await secrets.GetAsync(App, Cancellation));
    }

    [Fact]
    public async Task What_a_killed_process_left_is_removed_by_a_later_write_and_what_is_being_written_is_not()
    {
        await KeepAsync();
        var (left, written) = (TheFile + ".0123456789ab.tmp", TheFile + ".ba9876543210.tmp");
        await File.WriteAllTextAsync(left, "half of a file", Cancellation);
        await File.WriteAllTextAsync(written, "another process", Cancellation);
        File.SetLastWriteTimeUtc(left, TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(-1));

        Assert.Equal(Canary, Load(App, out _)!.Secret.Fields.GetProperty("value").GetString());
        await KeepAsync();

        Assert.False(File.Exists(left));
        Assert.True(File.Exists(written));
        Assert.NotNull(Load(App, out _));
    }

    [Fact]
    public async Task A_process_that_is_killed_while_it_writes_leaves_one_whole_value()
    {
        for (
            var lines = 1;
            Directory.Exists(Folder) is false || Directory.GetFiles(Folder, "*.tmp").Length < 3;
            lines++
        )
        {
            var heard = 0;
            var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var child = HeardProcess.Start(
                Storage.ChildProcess.Executable,
                ["keep-secret", Folder, Convert.ToHexString(_key), App],
                [],
                hear: _ =>
                {
                    if (++heard == lines)
                    {
                        enough.SetResult();
                    }
                },
                exited: () => enough.TrySetResult()
            );
            await enough.Task.WaitAsync(Cancellation);
            Assert.False(child.HasExited, child.Output);
            await child.CrashAsync();

            var value = new LastKnownGoodFolder(Folder, _key)
                .Load("mock", App, TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(10), out var reason)
                ?.Secret.Fields.GetProperty("value")
                .GetString();
            Assert.Null(reason);
            Assert.Equal(new string(value![0], 128 * 1024), value);
        }

        // Halves that were left are in nobody's way.
        _source.Fail();
        await using var secrets = new LiveSecrets(
            _source,
            new LiveSecretsOptions { Watch = false, LastKnownGood = new LastKnownGoodFolder(Folder, _key) }
        );
        Assert.Equal(128 * 1024, (await secrets.GetAsync(App, Cancellation))["value"].Length);
    }

    [Fact]
    public async Task A_file_counts_for_its_own_secret_and_source_and_key_alone()
    {
        await KeepAsync();
        var content = await File.ReadAllBytesAsync(TheFile, Cancellation);
        var kept = new LastKnownGoodFolder(Folder, _key);
        kept.Save("mock", "other", FetchedSecret.Of("x"), _time.GetUtcNow(), TimeSpan.FromMinutes(1));
        kept.Save("elsewhere", App, FetchedSecret.Of("x"), _time.GetUtcNow(), TimeSpan.FromMinutes(1));
        foreach (var file in Directory.GetFiles(Folder))
        {
            await File.WriteAllBytesAsync(file, content, Cancellation);
        }

        Assert.NotNull(kept.Load("mock", App, _time.GetUtcNow(), TimeSpan.FromHours(1), out _));
        Assert.Null(kept.Load("mock", "other", _time.GetUtcNow(), TimeSpan.FromHours(1), out _));
        Assert.Null(kept.Load("elsewhere", App, _time.GetUtcNow(), TimeSpan.FromHours(1), out _));
        var stranger = new LastKnownGoodFolder(Folder, new byte[32]);
        Assert.Null(stranger.Load("mock", App, _time.GetUtcNow(), TimeSpan.FromHours(1), out _));
    }

    [Fact]
    public async Task A_clock_that_was_set_back_does_not_make_an_old_value_young()
    {
        await KeepAsync();
        _time.Jump(-TimeSpan.FromHours(1));
        Assert.Null(Load(App, out var reason));
        Assert.Contains("yet to come", reason, StringComparison.Ordinal);
        _time.Jump(TimeSpan.FromHours(2));
        Assert.Null(Load(App, out reason));
        Assert.Contains("too old", reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leased_credentials_are_not_kept()
    {
        _source.SetDynamic("database/creds/app", TimeSpan.FromHours(1));
        await using var secrets = Open();
        await secrets.GetAsync("database/creds/app", Cancellation);
        await secrets.Get("database/creds/app").IdleAsync();
        Assert.False(Directory.Exists(Folder));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_no_reason_to_fail()
    {
        await File.WriteAllTextAsync(Folder, "a file where the folder should be", Cancellation);
        await using var secrets = Open();
        Assert.Equal(Canary, (await secrets.GetAsync(App, Cancellation))["value"]);
        await secrets.Get(App).IdleAsync();
        Assert.Equal(SecretState.Fresh, secrets.Get(App).State);
    }

    [Fact]
    public async Task A_key_file_is_a_key()
    {
        var file = _folder.File("key");
        await File.WriteAllBytesAsync(file, _key, Cancellation);
        await KeepAsync();
        Assert.NotNull(
            LastKnownGoodFolder
                .WithKeyFile(Folder, file)
                .Load("mock", App, _time.GetUtcNow(), TimeSpan.FromHours(1), out _)
        );
        await File.WriteAllBytesAsync(file, _key[..31], Cancellation);
        Assert.Throws<ArgumentException>(() => LastKnownGoodFolder.WithKeyFile(Folder, file));
    }

    private async Task KeepAsync()
    {
        await using var secrets = Open();
        await secrets.GetAsync(App, Cancellation);
        await secrets.Get(App).IdleAsync();
    }

    private KeptSecret? Load(string name, out string? reason) =>
        new LastKnownGoodFolder(Folder, _key).Load(
            "mock",
            name,
            _time.GetUtcNow(),
            TimeSpan.FromMinutes(10),
            out reason
        );

    private LiveSecrets Open() =>
        new(
            _source,
            new LiveSecretsOptions
            {
                Watch = false,
                Time = _time,
                LastKnownGood = new LastKnownGoodFolder(Folder, _key),
            }
        );
}
