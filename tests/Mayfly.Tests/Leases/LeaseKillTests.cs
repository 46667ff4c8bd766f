using Mayfly.Tests.Storage;

namespace Mayfly.Tests.Leases;

/// <summary>The server dies at each step of issuing: afterwards every credential has a lease, and every lease its credential.</summary>
public sealed class LeaseKillTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Only a credential whose reply has left, and is known to have left, lives on.</summary>
    [Theory]
    [InlineData("planned", 0)]
    [InlineData("made", 0)]
    [InlineData("revoking", 0)]
    [InlineData("revoked", 0)]
    [InlineData("answered", 0)]
    [InlineData("settled", 1)]
    public async Task What_nobody_has_received_does_not_outlive_a_crash(string step, int alive)
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder.Path);
        var keys = await SayAsync("prepare-leases", folder.Path);
        for (var round = 0; round < 3; round++)
        {
            using var child = ChildProcess.Start("issue-and-die", folder.Path, keys[0], keys[1], step);
            Assert.NotInRange(await child.ExitAsync(Cancellation), 0, 3);
        }

        var left = await SayAsync("recover-leases", folder.Path, keys[0], keys[1]);

        Assert.Equal(3 * alive, Directory.GetFiles(folder.Path, "cred-*").Length);
        Assert.Equal([$"{3 * alive}"], left);
    }

    private static async Task<string[]> SayAsync(params string[] arguments)
    {
        using var child = ChildProcess.Start(arguments);
        var said = await child.Output.ReadToEndAsync(Cancellation);
        Assert.Equal(0, await child.ExitAsync(Cancellation));
        return said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
