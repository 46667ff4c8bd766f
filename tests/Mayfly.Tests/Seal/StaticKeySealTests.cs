using System.Text;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Seal;

namespace Mayfly.Tests.Seal;

public sealed class StaticKeySealTests
{
    private static readonly byte[] Key = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];
    private static readonly byte[] OtherKey = [.. Enumerable.Range(101, 32).Select(i => (byte)i)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void Raw_hexadecimal_and_base64_are_the_same_key()
    {
        using var raw = KeyFile.Load(Key);
        using var hex = KeyFile.Load(Encoding.ASCII.GetBytes(Convert.ToHexString(Key) + "\n"));
        using var base64 = KeyFile.Load(Encoding.ASCII.GetBytes(Convert.ToBase64String(Key) + "\r\n"));
        Assert.Equal(raw.KeyId, hex.KeyId);
        Assert.Equal(raw.KeyId, base64.KeyId);
    }

    [Theory]
    [InlineData("")]
    [InlineData("too short")]
    [InlineData("00000000000000000000000000000000000000000000000000000000000000zz")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000ff")]
    public void What_is_no_key_is_refused(string content)
    {
        var (seal, fault) = KeyFile.TryLoad(Encoding.ASCII.GetBytes(content), UnixFileMode.UserRead);
        Assert.Null(seal);
        Assert.Equal(FaultKind.Invalid, fault!.Kind);
        Assert.Null(KeyFile.TryLoad(new byte[5000], UnixFileMode.UserRead).Seal);
    }

    [Fact]
    public void A_key_file_that_others_may_read_is_refused()
    {
        var (seal, fault) = KeyFile.TryLoad(Key, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.True(OperatingSystem.IsWindows() || seal is null);
        Assert.True(OperatingSystem.IsWindows() || fault!.Messages[0].Contains("chmod 600", StringComparison.Ordinal));
    }

    [Fact]
    public void A_missing_key_file_is_reported() =>
        Assert.Equal(FaultKind.Unavailable, StaticKeySeal.Load("/nowhere/key").Fault!.Kind);

    [Fact]
    public async Task The_vault_opens_by_itself_at_once_and_after_restarts()
    {
        await using var server = await CustodyHarness.StartAsync(KeyFile.Load(Key));
        await server.InitializeAsync(3, 2);
        Assert.True(server.Custody.Status is { Sealed: false, Type: "static", RecoverySeal: true, Threshold: 2 });
        await using var restarted = await server.RestartAsync(KeyFile.Load(Key));
        Assert.True(restarted.Custody.Status.Sealed);
        Assert.Null(await restarted.Custody.UnsealAutomaticallyAsync(Cancellation));
        Assert.Equal("hello", await restarted.ReadSecretAsync());
    }

    [Fact]
    public async Task Recovery_keys_open_the_vault_when_the_key_file_is_lost()
    {
        await using var server = await CustodyHarness.StartAsync(KeyFile.Load(Key));
        var keys = await server.InitializeAsync(3, 2);
        await using var without = await server.RestartAsync();
        Assert.Equal(FaultKind.Unavailable, (await without.Custody.UnsealAutomaticallyAsync(Cancellation))?.Kind);
        Assert.True(without.Custody.Status is { Sealed: true, Migration: true });
        await without.UnsealAsync(keys[2], keys[0]);
        Assert.Equal("hello", await without.ReadSecretAsync());
    }

    [Fact]
    public async Task Recovery_keys_put_another_key_file_in_the_place_of_a_lost_one()
    {
        await using var server = await CustodyHarness.StartAsync(KeyFile.Load(Key));
        var keys = await server.InitializeAsync(3, 2);
        await using var replaced = await server.RestartAsync(KeyFile.Load(OtherKey));
        var fault = await replaced.Custody.UnsealAutomaticallyAsync(Cancellation);
        Assert.Contains("recovery keys", fault!.Messages[0], StringComparison.Ordinal);
        Assert.Null(await replaced.Custody.SubmitShareAsync(keys[0], migrate: true, Cancellation));
        Assert.Equal(
            FaultKind.Invalid,
            (await replaced.Custody.SubmitShareAsync(keys[1], migrate: false, Cancellation))?.Kind
        );
        Assert.Null(await replaced.Custody.SubmitShareAsync(keys[1], migrate: true, Cancellation));
        Assert.False(replaced.Custody.Status.Sealed);

        await using var later = await server.RestartAsync(KeyFile.Load(OtherKey));
        Assert.Null(await later.Custody.UnsealAutomaticallyAsync(Cancellation));
        Assert.Equal("hello", await later.ReadSecretAsync());
        await using var lost = await server.RestartAsync(KeyFile.Load(Key));
        Assert.NotNull(await lost.Custody.UnsealAutomaticallyAsync(Cancellation));
    }

    [Fact]
    public async Task A_vault_moves_from_shares_to_a_key_file_and_back()
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(1, 1);
        await using var unattended = await server.RestartAsync(KeyFile.Load(Key));
        Assert.Null(await unattended.Custody.UnsealAutomaticallyAsync(Cancellation));
        Assert.True(unattended.Custody.Status is { Sealed: true, Migration: true, Type: "shamir" });
        Assert.Null(await unattended.Custody.SubmitShareAsync(keys[0], migrate: true, Cancellation));
        Assert.True(unattended.Custody.Status is { Sealed: false, Type: "static" });
        await using var back = await server.RestartAsync();
        Assert.Null(await back.Custody.SubmitShareAsync(keys[0], migrate: true, Cancellation));
        Assert.True(back.Custody.Status is { Sealed: false, Type: "shamir", RecoverySeal: false });
    }
}
