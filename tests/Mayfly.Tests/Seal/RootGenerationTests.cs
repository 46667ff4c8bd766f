using System.Text;
using Mayfly.Core.Pipeline;
using Mayfly.Core.Seal;

namespace Mayfly.Tests.Seal;

public sealed class RootGenerationTests
{
    private static readonly Claim Nobody = new(Sudo: false, Nonce: "", Share: "");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("")]
    [InlineData("abcdefghijklmnopqrstuvwxyz12")]
    public async Task Enough_shares_give_a_token_that_only_the_pad_reveals(string otp)
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(3, 2);
        await server.UnsealAsync(keys[0], keys[1]);
        var (started, fault) = await server.Custody.GenerateRoot.StartAsync(Nobody, otp, Cancellation);
        Assert.Null(fault);
        Assert.Equal(28, started!.OtpLength);
        Assert.Equal(otp.Length == 0 ? 28 : 0, started.Otp.Length);
        var pad = otp.Length == 0 ? started.Otp : otp;
        var claim = Nobody with { Nonce = started.Nonce };
        var (half, _) = await server.Custody.GenerateRoot.UpdateAsync(claim with { Share = keys[2] }, Cancellation);
        Assert.True(half is { Progress: 1, Required: 2, Complete: false, EncodedToken: "", Otp: "" });
        Assert.Equal(0, server.Minted);
        var (done, _) = await server.Custody.GenerateRoot.UpdateAsync(claim with { Share = keys[1] }, Cancellation);
        Assert.True(done is { Complete: true, Progress: 2 });
        Assert.Equal(1, server.Minted);
        var encoded = Convert.FromBase64String(done.EncodedToken.PadRight((done.EncodedToken.Length + 3) / 4 * 4, '='));
        var token = encoded.Zip(Encoding.ASCII.GetBytes(pad), (a, b) => (byte)(a ^ b)).ToArray();
        Assert.Equal(CustodyHarness.RootToken, Encoding.ASCII.GetString(token));
        Assert.False((await server.Custody.GenerateRoot.StatusAsync(Cancellation)).Status!.Started);
    }

    [Theory]
    [InlineData("short")]
    [InlineData("abcdefghijklmnopqrstuvwxyz1ü")]
    public async Task A_pad_of_the_wrong_form_is_refused(string otp)
    {
        await using var server = await CustodyHarness.StartAsync();
        await server.UnsealAsync(await server.InitializeAsync(1, 1));
        var (_, fault) = await server.Custody.GenerateRoot.StartAsync(Nobody, otp, Cancellation);
        Assert.Equal(FaultKind.Invalid, fault?.Kind);
    }

    [Fact]
    public async Task A_stranger_can_neither_cancel_nor_replace_an_attempt()
    {
        await using var server = await CustodyHarness.StartAsync();
        var keys = await server.InitializeAsync(3, 2);
        await server.UnsealAsync(keys[0], keys[1]);
        var generation = server.Custody.GenerateRoot;
        var (started, _) = await generation.StartAsync(Nobody, "", Cancellation);
        var nonce = started!.Nonce;
        Assert.Equal(
            FaultKind.Denied,
            (await generation.CancelAsync(Nobody with { Nonce = nonce }, Cancellation))?.Kind
        );
        Assert.NotNull((await generation.StartAsync(Nobody, "", Cancellation)).Fault);
        Assert.NotNull((await generation.UpdateAsync(new Claim(false, nonce, "00"), Cancellation)).Fault);
        Assert.NotNull((await generation.UpdateAsync(new Claim(false, "other", keys[0]), Cancellation)).Fault);
        Assert.Equal(nonce, (await generation.StatusAsync(Cancellation)).Status!.Nonce);
        Assert.Equal("", (await generation.StatusAsync(Cancellation)).Status!.Otp);
        Assert.Null(await generation.CancelAsync(new Claim(true, "", ""), Cancellation));
        Assert.False((await generation.StatusAsync(Cancellation)).Status!.Started);
    }
}
