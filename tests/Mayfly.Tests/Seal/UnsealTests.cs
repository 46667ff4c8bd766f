using Mayfly.Core.Pipeline;
using Mayfly.Core.Seal;
using Mayfly.Core.Storage;

namespace Mayfly.Tests.Seal;

public sealed class UnsealTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(5, 3)]
    [InlineData(255, 255)]
    [InlineData(255, 2)]
    public async Task The_threshold_of_shares_opens_the_vault_and_one_less_does_not(int shares, int threshold)
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(shares, threshold);
        Assert.Equal(shares, keys.Distinct().Count());
        Assert.True(server.Custody.Status is { Initialized: true, Sealed: true });

        // Any of them, not only the first ones.
        await server.UnsealAsync(keys.TakeLast(threshold - 1));
        Assert.True(server.Custody.Status.Sealed);
        Assert.Equal(threshold - 1, server.Custody.Status.Progress);
        await server.UnsealAsync(keys[0]);
        Assert.False(server.Custody.Status.Sealed);
        Assert.Equal("hello", await server.ReadSecretAsync());
    }

    [Fact]
    public async Task The_vault_opens_again_after_a_restart()
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(3, 2);
        await using var restarted = await server.RestartAsync();
        Assert.True(restarted.Custody.Status is { Initialized: true, Sealed: true, Threshold: 2, Shares: 3 });
        await restarted.UnsealAsync(keys[1], keys[2]);
        Assert.Equal("hello", await restarted.ReadSecretAsync());
    }

    [Fact]
    public async Task A_wrong_share_is_refused_and_spoils_nothing()
    {
        await using var other = await CustodyHarness.StartAsync();
        var foreign = await other.InitializeAsync(3, 2);
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(3, 2);
        await server.UnsealAsync(keys[0]);
        foreach (
            var wrong in (string[])
                [foreign[1], keys[1][..^2], keys[1] + "00", "", "zz", "ÿ", new string('a', 10_000), new string('0', 66)]
        )
        {
            var fault = await server.Custody.SubmitShareAsync(wrong, migrate: false, Cancellation);
            Assert.Equal(FaultKind.Invalid, fault?.Kind);
        }

        Assert.Equal(1, server.Custody.Status.Progress);
        await server.UnsealAsync(keys[2]);
        Assert.False(server.Custody.Status.Sealed);
    }

    [Fact]
    public async Task The_same_share_twice_counts_once_in_either_notation()
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(3, 2);
        await server.UnsealAsync(keys[0], keys[0].ToUpperInvariant());
        await server.UnsealAsync(Convert.ToBase64String(Convert.FromHexString(keys[0])));
        Assert.Equal(1, server.Custody.Status.Progress);
        Assert.True(server.Custody.Status.Sealed);
        await server.UnsealAsync(Convert.ToBase64String(Convert.FromHexString(keys[1])));
        Assert.False(server.Custody.Status.Sealed);
    }

    [Fact]
    public async Task Reset_forgets_the_shares_that_were_given()
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(3, 2);
        await server.UnsealAsync(keys[0]);
        Assert.NotEqual("", server.Custody.Status.Nonce);
        await server.Custody.ResetAsync(Cancellation);
        Assert.Equal(0, server.Custody.Status.Progress);
        Assert.Equal("", server.Custody.Status.Nonce);
        await server.UnsealAsync(keys[1]);
        Assert.True(server.Custody.Status.Sealed);
    }

    [Fact]
    public async Task Sealing_forgets_the_keys_and_shares_bring_them_back()
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(1, 1);
        await server.UnsealAsync(keys);
        var keyring = server.Barrier!.Keyring;
        await server.Custody.SealAsync(Cancellation);
        Assert.True(server.Custody.Status.Sealed);
        Assert.Throws<ObjectDisposedException>(() => keyring.Seal("a"u8, "b"u8));
        Assert.Throws<ObjectDisposedException>(() => keyring.EncryptName("a"u8, "b"u8));
        Assert.Throws<ObjectDisposedException>(() => keyring.DeriveKey("c"));
        await server.UnsealAsync(keys);
        Assert.Equal("hello", await server.ReadSecretAsync());
    }

    [Fact]
    public async Task A_request_that_sealing_waits_for_is_told_that_the_vault_is_sealed()
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(1, 1);
        await server.UnsealAsync(keys);
        Fault? rotated = null;
        Fault? unsealed = null;
        server.WhileClosing = async () =>
        {
            rotated = await server.Custody.Rotation.RotateAsync(Cancellation);
            unsealed = await server.Custody.SubmitShareAsync(keys[0], migrate: false, Cancellation);
            await server.Custody.SealAsync(Cancellation);
        };
        await server.Custody.SealAsync(Cancellation);
        Assert.Equal(FaultKind.Sealed, rotated?.Kind);
        Assert.Equal(FaultKind.Unavailable, unsealed?.Kind);
        server.WhileClosing = null;
        await server.UnsealAsync(keys);
        Assert.Equal("hello", await server.ReadSecretAsync());
    }

    [Fact]
    public async Task A_vault_that_cannot_open_stays_sealed_and_can_be_tried_again()
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(1, 1);
        server.Refuse = Fault.Unavailable("no audit device works");
        var fault = await server.Custody.SubmitShareAsync(keys[0], migrate: false, Cancellation);
        Assert.Equal(FaultKind.Unavailable, fault?.Kind);
        Assert.True(server.Custody.Status.Sealed);
        server.Refuse = null;
        await server.UnsealAsync(keys);
        Assert.False(server.Custody.Status.Sealed);
    }

    [Fact]
    public async Task Every_flipped_bit_of_the_two_records_is_noticed()
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(1, 1);
        foreach (var key in (StoreKey[])[CoreKeys.Seal, CoreKeys.Keyring])
        {
            var sound = (await server.Store.GetAsync(key, Cancellation))!.Value.ToArray();
            for (var bit = 0; bit < sound.Length * 8; bit++)
            {
                var flipped = sound.ToArray();
                flipped[bit / 8] ^= (byte)(1 << (bit % 8));
                await PutAsync(server, key, flipped);
                Assert.False(await OpensAsync(server, keys), $"bit {bit} of {key}");
            }

            await PutAsync(server, key, sound);
        }

        Assert.True(await OpensAsync(server, keys));
    }

    private static async Task<bool> OpensAsync(CustodyHarness server, string[] keys)
    {
        try
        {
            await using var restarted = await server.RestartAsync();
            var fault = await restarted.Custody.SubmitShareAsync(keys[0], migrate: false, Cancellation);
            return fault is null && !restarted.Custody.Status.Sealed;
        }
        catch (StoreCorruptException)
        {
            return false;
        }
    }

    private static async Task PutAsync(CustodyHarness server, StoreKey key, byte[] value)
    {
        var batch = new Batch();
        batch.Put(key, value);
        Assert.True((await server.Store.CommitAsync(batch, Cancellation)).Succeeded);
    }
}
