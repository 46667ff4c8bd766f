using Mayfly.Core.Pipeline;
using Mayfly.Core.Seal;

namespace Mayfly.Tests.Seal;

public sealed class RekeyTests
{
    private static readonly Claim Nobody = new(Sudo: false, Nonce: "", Share: "");
    private static readonly Claim Root = Nobody with { Sudo = true };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task New_shares_open_the_vault_and_the_old_ones_no_longer_do()
    {
        await using var server = await CustodyHarness.StartAsync();
        var old = await server.InitializeAsync(3, 2);
        await server.UnsealAsync(old[0], old[1]);
        var rekey = server.Custody.Rekey;
        var (started, _) = await rekey.StartAsync(Nobody, 5, 3, verify: false, Cancellation);
        Assert.True(started is { Started: true, Shares: 5, Threshold: 3, Required: 2, Progress: 0 });
        var claim = Nobody with { Nonce = started.Nonce };
        var (half, _) = await rekey.UpdateAsync(claim with { Share = old[2] }, Cancellation);
        Assert.True(half is { New: null, Status.Progress: 1 });
        var (done, _) = await rekey.UpdateAsync(claim with { Share = old[0] }, Cancellation);
        var made = done!.New!.Shares.Select(share => Convert.ToHexStringLower(share.Span)).ToArray();
        Assert.Equal(5, made.Length);
        Assert.True(server.Custody.Status is { Shares: 5, Threshold: 3, Sealed: false });
        Assert.Equal("hello", await server.ReadSecretAsync());

        await using var restarted = await server.RestartAsync();
        Assert.NotNull(await restarted.Custody.SubmitShareAsync(old[0], migrate: false, Cancellation));
        await restarted.UnsealAsync(made[4], made[1], made[2]);
        Assert.Equal("hello", await restarted.ReadSecretAsync());
    }

    [Fact]
    public async Task With_verification_the_old_shares_count_until_enough_new_ones_came_back()
    {
        await using var server = await CustodyHarness.StartAsync();
        var old = await server.InitializeAsync(1, 1);
        await server.UnsealAsync(old);
        var rekey = server.Custody.Rekey;
        var (started, _) = await rekey.StartAsync(Nobody, 3, 2, verify: true, Cancellation);
        var (given, _) = await rekey.UpdateAsync(new Claim(false, started!.Nonce, old[0]), Cancellation);
        var made = given!.New!.Shares.Select(share => Convert.ToHexStringLower(share.Span)).ToArray();
        var (waiting, _) = await rekey.VerificationAsync(Cancellation);
        Assert.True(waiting is { Progress: 0, Shares: 3, Threshold: 2, Complete: false });
        Assert.Equal(1, server.Custody.Status.Shares);

        Assert.NotNull((await rekey.VerifyAsync(new Claim(false, "wrong", made[0]), Cancellation)).Fault);
        Assert.NotNull((await rekey.VerifyAsync(new Claim(false, waiting.Nonce, old[0]), Cancellation)).Fault);
        Assert.Null((await rekey.VerifyAsync(new Claim(false, waiting.Nonce, made[0]), Cancellation)).Fault);
        Assert.NotNull((await rekey.RestartVerificationAsync(Nobody, Cancellation)).Fault);
        var (again, _) = await rekey.RestartVerificationAsync(Root, Cancellation);
        Assert.NotEqual(waiting.Nonce, again!.Nonce);
        Assert.Equal(0, again.Progress);
        await rekey.VerifyAsync(new Claim(false, again.Nonce, made[0]), Cancellation);
        var (complete, _) = await rekey.VerifyAsync(new Claim(false, again.Nonce, made[2]), Cancellation);
        Assert.True(complete!.Complete);
        Assert.Equal(3, server.Custody.Status.Shares);
        await using var restarted = await server.RestartAsync();
        await restarted.UnsealAsync(made[1], made[2]);
        Assert.Equal("hello", await restarted.ReadSecretAsync());
    }

    [Fact]
    public async Task A_stranger_can_neither_cancel_replace_nor_spoil_an_operation()
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(3, 2);
        await server.UnsealAsync(keys[0], keys[1]);
        var rekey = server.Custody.Rekey;
        var (started, _) = await rekey.StartAsync(Nobody, 1, 1, verify: false, Cancellation);
        var nonce = started!.Nonce;
        Assert.Equal(FaultKind.Denied, (await rekey.CancelAsync(Nobody, Cancellation))?.Kind);
        Assert.Equal(FaultKind.Denied, (await rekey.CancelAsync(Nobody with { Nonce = nonce }, Cancellation))?.Kind);
        Assert.Equal(
            FaultKind.Denied,
            (await rekey.CancelAsync(new Claim(false, nonce, new string('0', 66)), Cancellation))?.Kind
        );
        Assert.NotNull((await rekey.StartAsync(Nobody, 1, 1, verify: false, Cancellation)).Fault);
        await rekey.UpdateAsync(new Claim(false, nonce, keys[0]), Cancellation);
        Assert.NotNull((await rekey.UpdateAsync(new Claim(false, nonce, new string('0', 66)), Cancellation)).Fault);
        Assert.NotNull((await rekey.UpdateAsync(new Claim(false, "", keys[1]), Cancellation)).Fault);
        var (status, _) = await rekey.StatusAsync(Cancellation);
        Assert.True(status is { Started: true, Progress: 1 } && status.Nonce == nonce);

        // Not even with a token: what people have begun has to be cancelled before it gives way.
        Assert.NotNull((await rekey.StartAsync(Root, 1, 1, verify: false, Cancellation)).Fault);
        Assert.Null(await rekey.CancelAsync(new Claim(false, nonce, keys[2]), Cancellation));
        Assert.False((await rekey.StatusAsync(Cancellation)).Status!.Started);
        await rekey.StartAsync(Nobody, 1, 1, verify: false, Cancellation);
        Assert.Null(await rekey.CancelAsync(Root, Cancellation));
    }

    [Fact]
    public async Task What_nobody_stands_behind_gives_way_and_ends_by_itself()
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(3, 2);
        await server.UnsealAsync(keys[0], keys[1]);
        var rekey = server.Custody.Rekey;
        var (squatter, _) = await rekey.StartAsync(Nobody, 1, 1, verify: false, Cancellation);
        var (holder, _) = await rekey.StartAsync(Nobody with { Share = keys[0] }, 1, 1, verify: false, Cancellation);
        Assert.NotEqual(squatter!.Nonce, holder!.Nonce);
        Assert.Null(await rekey.CancelAsync(Root, Cancellation));

        await rekey.StartAsync(Nobody, 1, 1, verify: false, Cancellation);
        server.Time.Advance(TimeSpan.FromMinutes(11));
        Assert.False((await rekey.StatusAsync(Cancellation)).Status!.Started);

        await rekey.StartAsync(Root, 1, 1, verify: false, Cancellation);
        server.Time.Advance(TimeSpan.FromMinutes(11));
        Assert.True((await rekey.StatusAsync(Cancellation)).Status!.Started);
    }

    [Fact]
    public async Task Recovery_keys_are_rekeyed_on_their_own_path_and_the_key_file_still_opens()
    {
        var key = Enumerable.Range(1, 32).Select(i => (byte)i).ToArray();
        await using var server = await CustodyHarness.StartAsync(KeyFile.Load(key));
        var old = await server.InitializeAsync(1, 1);
        Assert.NotNull((await server.Custody.Rekey.StartAsync(Root, 1, 1, false, Cancellation)).Fault);
        var (started, _) = await server.Custody.RekeyRecovery.StartAsync(Root, 2, 2, false, Cancellation);
        var (done, _) = await server.Custody.RekeyRecovery.UpdateAsync(
            new Claim(false, started!.Nonce, old[0]),
            Cancellation
        );
        var made = done!.New!.Shares.Select(share => Convert.ToHexStringLower(share.Span)).ToArray();
        await using var unattended = await server.RestartAsync(KeyFile.Load(key));
        Assert.Null(await unattended.Custody.UnsealAutomaticallyAsync(Cancellation));
        Assert.Equal("hello", await unattended.ReadSecretAsync());
        await using var recovered = await server.RestartAsync();
        await recovered.UnsealAsync(made);
        Assert.Equal("hello", await recovered.ReadSecretAsync());
    }

    [Fact]
    public async Task Sealing_ends_every_operation()
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(1, 1);
        await server.UnsealAsync(keys);
        await server.Custody.Rekey.StartAsync(Root, 1, 1, verify: false, Cancellation);
        await server.Custody.GenerateRoot.StartAsync(Root, "", Cancellation);
        await server.Custody.SealAsync(Cancellation);
        Assert.Equal(FaultKind.Sealed, (await server.Custody.Rekey.StatusAsync(Cancellation)).Fault?.Kind);
        await server.UnsealAsync(keys);
        Assert.False((await server.Custody.Rekey.StatusAsync(Cancellation)).Status!.Started);
        Assert.False((await server.Custody.GenerateRoot.StatusAsync(Cancellation)).Status!.Started);
    }
}
