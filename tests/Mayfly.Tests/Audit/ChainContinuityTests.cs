using System.Globalization;
using System.Runtime.InteropServices;
using Mayfly.Crypto.Audit;
using Microsoft.Win32.SafeHandles;

namespace Mayfly.Tests.Audit;

public sealed partial class ChainContinuityTests
{
    [Fact]
    public async Task The_chain_goes_on_over_restarts()
    {
        await using var audit = await AuditHarness.StartAsync();
        await audit.EnableFileAsync();
        for (var i = 0; i < 3; i++)
        {
            Assert.Null(await audit.ReadAsync());
            await audit.RestartAsync();
        }

        Assert.Null(await audit.ReadAsync());
        await audit.Broker.ReopenAsync();
        var report = await audit.VerifyAsync();
        Assert.True(report.Intact, string.Join('\n', report.Findings));
        Assert.Equal(1 + (4 * 2), report.Entries);
    }

    [Fact]
    public async Task A_device_comes_back_while_a_starting_process_has_copies_of_our_descriptors()
    {
        await using var audit = await AuditHarness.StartAsync();
        await audit.EnableFileAsync();
        var copies = CopiesOf(audit.LogPath);
        try
        {
            Assert.NotEmpty(copies);
            await audit.RestartAsync();
            Assert.Null(await audit.ReadAsync());
        }
        finally
        {
            copies.ForEach(static copy => copy.Dispose());
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(57)]
    [InlineData(700)]
    public async Task A_killed_server_leaves_a_log_that_verifies(int cut)
    {
        await using var audit = await AuditHarness.StartAsync();
        await audit.EnableFileAsync();
        for (var second = 0; second < 10; second++)
        {
            // One by one: a writer that is at work while the clock makes a leap would count as stuck.
            audit.Time.Advance(TimeSpan.FromSeconds(1));
            await AuditHarness.EventuallyAsync(() => audit.Broker.Devices[0].IsIdle, "the checkpoint is written");
        }

        for (var i = 0; i < 5; i++)
        {
            Assert.Null(await audit.ReadAsync());
        }

        await audit.KillAsync(cut);
        Assert.Null(await audit.ReadAsync());
        await audit.Broker.ReopenAsync();

        var report = await audit.VerifyAsync();
        Assert.True(report.Intact, string.Join('\n', report.Findings));
        // One byte less is a whole line without its line feed.
        Assert.Equal(cut > 1, report.Findings.Any(finding => finding.Kind == AuditFindingKind.Torn));
        Assert.Contains(report.Findings, finding => finding.Kind == AuditFindingKind.Unsigned);
    }

    [Fact]
    public async Task A_log_that_was_cut_off_while_the_server_was_down_says_so()
    {
        await using var audit = await AuditHarness.StartAsync();
        await audit.EnableFileAsync();
        Assert.Null(await audit.ReadAsync());
        await audit.Broker.DisposeAsync();
        var lines = await File.ReadAllLinesAsync(audit.LogPath, TestContext.Current.CancellationToken);
        audit.Truncate(new FileInfo(audit.LogPath).Length - lines[^1].Length - lines[^2].Length - 2);
        await audit.UnsealAsync();
        await audit.Broker.ReopenAsync();

        var report = await audit.VerifyAsync();
        Assert.Contains(report.Findings, finding => finding is { IsProblem: true, Kind: AuditFindingKind.CutOff });
        Assert.Contains("cut off", audit.Broker.Devices[0].Status.Remark!, StringComparison.Ordinal);
        Assert.Contains(audit.Log.Lines, line => line.StartsWith("Error", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public async Task A_log_that_somebody_shortens_in_place_is_begun_anew_and_reported(int left)
    {
        await using var audit = await AuditHarness.StartAsync();
        await audit.EnableFileAsync();
        Assert.Null(await audit.ReadAsync());
        audit.Truncate(left);
        Assert.Null(await audit.ReadAsync());
        await audit.Broker.ReopenAsync();

        Assert.Contains("cut off", audit.Broker.Devices[0].Status.Remark!, StringComparison.Ordinal);
        Assert.Contains(audit.Log.Lines, line => line.Contains("cut off", StringComparison.Ordinal));
        Assert.Equal(2, (await audit.VerifyAsync()).Entries);
    }

    [Fact]
    public async Task A_log_without_head_and_closing_checkpoint_is_not_called_intact()
    {
        await using var audit = await AuditHarness.StartAsync();
        await audit.EnableFileAsync();
        Assert.Null(await audit.ReadAsync());
        await audit.Broker.ReopenAsync();
        Assert.True((await audit.VerifyAsync()).Intact);
        var copy = audit.LogPath + ".copy";
        File.Copy(audit.LogPath, copy);

        var report = await audit.VerifyAsync(copy);

        Assert.False(report.Intact);
        Assert.Contains(report.Findings, finding => finding is { IsProblem: true, Kind: AuditFindingKind.Unconfirmed });
    }

    [Fact]
    public async Task Rotation_links_the_new_file_to_the_old_one()
    {
        await using var audit = await AuditHarness.StartAsync();
        await audit.EnableFileAsync();
        Assert.Null(await audit.ReadAsync());
        var old = audit.LogPath + ".1";
        File.Move(audit.LogPath, old);
        await audit.Broker.ReopenAsync();
        Assert.Null(await audit.ReadAsync());
        await audit.Broker.ReopenAsync();

        var first = await audit.VerifyAsync(old);
        Assert.True(first.Intact, string.Join('\n', first.Findings));
        Assert.DoesNotContain(first.Findings, finding => finding.Kind == AuditFindingKind.Unconfirmed);
        var second = await audit.VerifyAsync(previous: first.Last);
        Assert.True(second.Intact, string.Join('\n', second.Findings));
        Assert.Equal(2, second.Entries);
        var wrong = await audit.VerifyAsync(previous: new AuditLink(1, first.Last!.Hash));
        Assert.False(wrong.Intact);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_that_somebody_deleted_or_replaced_is_made_again_and_reported(bool replace)
    {
        await using var audit = await AuditHarness.StartAsync();
        await audit.EnableFileAsync();
        Assert.Null(await audit.ReadAsync());
        File.Delete(audit.LogPath);
        if (replace)
        {
            await File.WriteAllTextAsync(audit.LogPath, "", TestContext.Current.CancellationToken);
        }

        Assert.Null(await audit.ReadAsync());
        Assert.Equal(2, audit.Entries().Count);
        await audit.Broker.ReopenAsync();
        var report = await audit.VerifyAsync();
        Assert.True(report.Intact, string.Join('\n', report.Findings));
        Assert.NotNull(report.Continues);
        var what = replace ? "replaced" : "deleted";
        Assert.Contains(what, audit.Broker.Devices[0].Status.Remark!, StringComparison.Ordinal);
        Assert.Contains(audit.Log.Lines, line => line.Contains(what, StringComparison.Ordinal));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(audit.LogPath));
        }
    }

    [Fact]
    public async Task Sixty_four_callers_at_once_make_one_chain()
    {
        await using var audit = await AuditHarness.StartAsync();
        await audit.EnableFileAsync();
        await Task.WhenAll(
            Enumerable
                .Range(0, 64)
                .Select(caller =>
                    Task.Run(async () =>
                    {
                        for (var i = 0; i < 50; i++)
                        {
                            Assert.Null(i % 3 == 0 ? await audit.WriteAsync("""{"a":"b"}""") : await audit.ReadAsync());
                        }
                    })
                )
        );
        await audit.Broker.ReopenAsync();
        var report = await audit.VerifyAsync();
        Assert.True(report.Intact, string.Join('\n', report.Findings));
        Assert.Equal(1 + (64 * 50 * 2), report.Entries);
        Assert.Equal(0, report.Unsigned);
    }

    /// <summary>What a child has of the file between fork and exec.</summary>
    private static List<SafeFileHandle> CopiesOf(string path) =>
        [
            .. Directory
                .EnumerateFileSystemEntries("/proc/self/fd")
                .Where(entry => new FileInfo(entry).LinkTarget == path)
                .Select(static entry => Duplicate(int.Parse(Path.GetFileName(entry), CultureInfo.InvariantCulture))),
        ];

    [LibraryImport("libc", EntryPoint = "dup")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial SafeFileHandle Duplicate(int descriptor);
}
