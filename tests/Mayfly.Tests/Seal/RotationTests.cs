using Mayfly.Core.Pipeline;
using Mayfly.Core.Seal;
using Mayfly.Core.Storage;
using Mayfly.Crypto;

namespace Mayfly.Tests.Seal;

public sealed class RotationTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rotating_rewraps_every_record_and_leaves_ciphertext_and_due_times_as_they_are()
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(1, 1);
        await server.UnsealAsync(keys);
        await FillAsync(server, 300);
        var before = await ScanAsync(server);
        Assert.Null(await server.Custody.Rotation.RotateAsync(Cancellation));
        await server.Custody.Rotation.Rewrapping;
        Assert.True(server.Custody.Rotation.Progress is { Version: 2, Complete: true, Rewrapped: 301, Damaged: 0 });

        foreach (var (key, record) in await ScanAsync(server))
        {
            var old = before[key];
            Assert.Equal(2u, Envelope.Read(record.Value.Span).KekVersion);
            Assert.Equal(1u, Envelope.Read(old.Value.Span).KekVersion);
            Assert.Equal(
                old.Value.Span[Envelope.HeaderSize..].ToArray(),
                record.Value.Span[Envelope.HeaderSize..].ToArray()
            );
            Assert.Equal(old.Due, record.Due);
        }

        Assert.Equal("hello", await server.ReadSecretAsync());
        await using var restarted = await server.RestartAsync();
        await restarted.UnsealAsync(keys);
        Assert.Equal("hello", await restarted.ReadSecretAsync());
        Assert.Equal(2, restarted.Barrier!.Keyring.ActiveVersion);
    }

    [Fact]
    public async Task A_walk_that_a_restart_interrupted_goes_on()
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(1, 1);
        await server.UnsealAsync(keys);
        await FillAsync(server, 300);

        // As if the process had ended after the new key was persisted, and before anything was re-wrapped.
        var keyring = server.Barrier!.Keyring;
        keyring.Stage(server.Time.GetUtcNow());
        await server.Custody.Records.SaveKeyringAsync(server.Custody.Open!.RootKey, keyring, Cancellation);
        await using var restarted = await server.RestartAsync();
        await restarted.UnsealAsync(keys);
        await restarted.Custody.Rotation.Rewrapping;
        Assert.True(restarted.Custody.Rotation.Progress is { Version: 2, Complete: true, Rewrapped: 301 });

        // And one that had come to its end does not begin again.
        await using var again = await server.RestartAsync();
        await again.UnsealAsync(keys);
        await again.Custody.Rotation.Rewrapping;
        Assert.Equal(restarted.Custody.Rotation.Progress, again.Custody.Rotation.Progress);
    }

    [Fact]
    public async Task Writes_during_a_walk_are_not_undone()
    {
        await using var server = await CustodyHarness.StartAsync();
        await server.UnsealAsync(await server.InitializeAsync(1, 1));
        await FillAsync(server, 500);
        Assert.Null(await server.Custody.Rotation.RotateAsync(Cancellation));
        for (var i = 0; i < 500; i++)
        {
            var batch = new Batch();
            server.Barrier!.Put(batch, Key(i), System.Text.Encoding.UTF8.GetBytes($"new {i}"));
            await server.Store.CommitAsync(batch, Cancellation);
        }

        await server.Custody.Rotation.Rewrapping;
        Assert.True(server.Custody.Rotation.Progress.Complete);
        for (var i = 0; i < 500; i++)
        {
            using var entry = await server.Barrier!.GetAsync(Key(i), Cancellation);
            Assert.Equal($"new {i}", System.Text.Encoding.UTF8.GetString(entry!.Value.Span));
        }
    }

    [Fact]
    public async Task A_damaged_record_is_counted_and_does_not_stop_the_walk()
    {
        await using var server = await CustodyHarness.StartAsync();
        await server.UnsealAsync(await server.InitializeAsync(1, 1));
        await FillAsync(server, 10);
        var damage = new Batch();
        damage.Put(Key(5), new byte[100]);
        await server.Store.CommitAsync(damage, Cancellation);
        Assert.Null(await server.Custody.Rotation.RotateAsync(Cancellation));
        await server.Custody.Rotation.Rewrapping;
        var progress = server.Custody.Rotation.Progress;
        Assert.Equal((true, 10, 1), (progress.Complete, progress.Rewrapped, progress.Damaged));
    }

    [Fact]
    public async Task The_key_rotates_by_itself_after_its_interval_and_uses()
    {
        await using var server = await CustodyHarness.StartAsync();
        await server.UnsealAsync(await server.InitializeAsync(1, 1));
        var rotation = server.Custody.Rotation;
        await rotation.CheckOnceAsync(Cancellation);
        Assert.Equal(1, server.Barrier!.Keyring.ActiveVersion);
        Assert.Null(
            await rotation.SetPolicyAsync(new RotationPolicy { Interval = TimeSpan.FromHours(24) }, Cancellation)
        );
        server.Time.Advance(TimeSpan.FromHours(25));
        await rotation.CheckOnceAsync(Cancellation);
        Assert.Equal(2, server.Barrier.Keyring.ActiveVersion);
        await rotation.CheckOnceAsync(Cancellation);
        Assert.Equal(2, server.Barrier.Keyring.ActiveVersion);
    }

    [Theory]
    [InlineData(RotationPolicy.DefaultMaxOperations - 1, true, false)]
    [InlineData(RotationPolicy.DefaultMaxOperations, true, true)]
    [InlineData(RotationPolicy.DefaultMaxOperations, false, false)]
    [InlineData(RotationPolicy.MostOperations, false, true)]
    public void The_limit_of_the_key_itself_counts_even_when_rotation_is_off(long uses, bool enabled, bool due) =>
        Assert.Equal(due, new RotationPolicy { Enabled = enabled }.IsDue(uses, TimeSpan.Zero));

    [Fact]
    public async Task The_policy_and_the_count_of_uses_outlive_a_restart()
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(1, 1);
        await server.UnsealAsync(keys);
        Assert.Null(
            await server.Custody.Rotation.SetPolicyAsync(new RotationPolicy { MaxOperations = 2_000_000 }, Cancellation)
        );
        var uses = server.Barrier!.Keyring.ActiveUses;
        await using var restarted = await server.RestartAsync();
        await restarted.UnsealAsync(keys);
        await restarted.Custody.Rotation.Rewrapping;
        Assert.Equal(2_000_000, restarted.Custody.Rotation.Policy.MaxOperations);
        Assert.True(restarted.Barrier!.Keyring.ActiveUses > uses);
    }

    [Fact]
    public async Task Nothing_rotates_while_sealed()
    {
        await using var server = await CustodyHarness.StartAsync();
        await server.InitializeAsync(1, 1);
        Assert.Equal(FaultKind.Sealed, (await server.Custody.Rotation.RotateAsync(Cancellation))?.Kind);
        Assert.Equal(FaultKind.Sealed, (await server.Custody.Rotation.StatusAsync(Cancellation)).Fault?.Kind);
        await server.Custody.Rotation.CheckOnceAsync(Cancellation);
    }

    private static StoreKey Key(int number) => StoreKey.Root.Append("mount").Append($"record {number}");

    private static async Task FillAsync(CustodyHarness server, int records)
    {
        var batch = new Batch();
        for (var i = 0; i < records; i++)
        {
            server.Barrier!.Put(batch, Key(i), "value"u8, due: i % 2 == 0 ? 1_000_000 + i : null);
        }

        Assert.True((await server.Store.CommitAsync(batch, Cancellation)).Succeeded);
    }

    private static async Task<Dictionary<StoreKey, StoredRecord>> ScanAsync(CustodyHarness server)
    {
        var found = await server.Store.ScanAsync(StoreKey.Root.Append("mount"), null, 10_000, Cancellation);
        return found.ToDictionary(pair => pair.Key, pair => pair.Record);
    }
}
