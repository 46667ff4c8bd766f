using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Mayfly.Core.Audit;
using Mayfly.Core.Pipeline;
using Mayfly.Crypto.Audit;

namespace Mayfly.Tests.Audit;

public sealed class BrokenDeviceTests
{
    [Fact]
    public async Task Without_devices_requests_pass()
    {
        await using var audit = await AuditHarness.StartAsync();
        Assert.False(audit.Broker.Enabled);
        Assert.Null(await audit.WriteAsync("{}"));
    }

    [Fact]
    public async Task A_device_that_cannot_record_a_test_entry_is_not_enabled()
    {
        await using var audit = await AuditHarness.StartAsync();
        var fault = await audit.EnableAsync("full/", "file", ("file_path", "/dev/full"));
        Assert.Equal(FaultKind.Invalid, fault!.Kind);
        Assert.Contains("No space left", fault.Messages[0], StringComparison.Ordinal);
        Assert.False(audit.Broker.Enabled);
    }

    [Fact]
    public async Task A_device_that_hangs_on_its_test_entry_is_not_enabled()
    {
        await using var audit = await AuditHarness.StartAsync();
        var pipe = Path.Combine(audit.Folder, "pipe");
        Run("mkfifo", pipe);
        await using var reader = OpenPipe(pipe);
        // A pipe holds 64 KiB: from here on it takes nothing.
        await reader.WriteAsync(new byte[64 * 1024], TestContext.Current.CancellationToken);
        var enable = audit.EnableAsync("pipe/", "file", ("file_path", pipe));
        await RetryUntilAsync(audit, () => enable.IsCompleted, "enabling gives up");
        Assert.Contains("longer than 5 s", (await enable)!.Messages[0], StringComparison.Ordinal);
        Assert.False(audit.Broker.Enabled);
    }

    [Fact]
    public async Task A_pipe_that_nobody_reads_delays_nobody_and_is_reported()
    {
        await using var audit = await AuditHarness.StartAsync();
        var pipe = Path.Combine(audit.Folder, "pipe");
        Run("mkfifo", pipe);
        await using var reader = OpenPipe(pipe);
        Assert.Null(await audit.EnableAsync("pipe/", "file", ("file_path", pipe)));
        await audit.EnableFileAsync();
        for (var i = 0; i < 100; i++)
        {
            Assert.Null(await audit.ReadAsync());
        }

        var device = audit.Broker.Find("pipe/")!;
        // Again and again: its thread may begin to write only after the clock has moved.
        await AuditHarness.EventuallyAsync(
            () =>
            {
                audit.Time.Advance(TimeSpan.FromSeconds(6));
                return !device.Status.Works;
            },
            "the pipe is marked as failed"
        );
        Assert.Contains("longer than 5 s", device.Status.Failure!, StringComparison.Ordinal);
        Assert.Contains(audit.Log.Lines, line => line.Contains("pipe/ has failed", StringComparison.Ordinal));
        Assert.Null(await audit.ReadAsync());
        Assert.True(device.Status.Lost > 0);

        var draining = true;
        var drain = Task.Run(() => Drain(reader, ref draining), TestContext.Current.CancellationToken);
        await RetryUntilAsync(audit, () => device.Status.Works, "the pipe works again");
        Assert.Null(await audit.ReadAsync());
        Assert.Contains(audit.Log.Lines, line => line.Contains("pipe/ works again", StringComparison.Ordinal));
        await audit.Broker.DisableAsync("pipe/", TestContext.Current.CancellationToken);
        Volatile.Write(ref draining, false);
        reader.WriteByte(0);
        await drain;
    }

    private static void Drain(FileStream reader, ref bool draining)
    {
        var buffer = new byte[64 * 1024];
        while (Volatile.Read(ref draining))
        {
            _ = reader.Read(buffer);
        }
    }

    [Fact]
    public async Task When_the_last_device_fails_requests_are_refused_until_it_works_again()
    {
        await using var audit = await AuditHarness.StartAsync();
        var folder = Path.Combine(audit.Folder, "logs");
        Directory.CreateDirectory(folder);
        var log = Path.Combine(folder, "audit.log");
        Assert.Null(await audit.EnableAsync("file/", "file", ("file_path", log)));
        Assert.Null(await audit.ReadAsync());
        Directory.Move(folder, folder + ".gone");
        // What is moved away keeps taking entries until somebody looks.
        await audit.Broker.ReopenAsync();

        var fault = await audit.WriteAsync("""{"a":"CANARY"}""");
        Assert.Equal(FaultKind.Unavailable, fault!.Kind);
        Assert.DoesNotContain(audit.Folder, fault.Messages[0], StringComparison.Ordinal);
        Assert.Equal(FaultKind.Unavailable, (await audit.ReadAsync())!.Kind);

        Directory.CreateDirectory(folder);
        await RetryUntilAsync(audit, () => audit.Broker.Devices[0].Status.Works, "the device works again");
        Assert.Null(await audit.ReadAsync());
        await audit.Broker.ReopenAsync();
        var report = await audit.VerifyAsync(log);
        Assert.True(report.Intact, string.Join('\n', report.Findings));
        Assert.Contains(report.Findings, finding => finding.Kind == AuditFindingKind.Lost);
    }

    [Fact]
    public async Task A_full_disk_refuses_and_resumes_without_a_break_in_the_chain()
    {
        await using var audit = await AuditHarness.StartAsync();
        var disk = Path.Combine(audit.Folder, "disk");
        Directory.CreateDirectory(disk);
        if (Run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk) != 0)
        {
            TestContext.Current.TestOutputHelper?.WriteLine("left out: this machine cannot mount a small disk");
            return;
        }

        try
        {
            var log = Path.Combine(disk, "audit.log");
            Assert.Null(await audit.EnableAsync("file/", "file", ("file_path", log)));
            var filler = Path.Combine(disk, "filler");
            await File.WriteAllBytesAsync(filler, new byte[128 * 1024], TestContext.Current.CancellationToken);
            Fault? fault = null;
            for (var i = 0; i < 500 && fault is null; i++)
            {
                fault = await audit.ReadAsync();
            }

            Assert.Equal(FaultKind.Unavailable, fault!.Kind);
            Assert.Contains("No space left", audit.Broker.Devices[0].Status.Failure!, StringComparison.Ordinal);
            File.Delete(filler);
            await RetryUntilAsync(audit, () => audit.Broker.Devices[0].Status.Works, "the device works again");
            Assert.Null(await audit.ReadAsync());
            await audit.Broker.ReopenAsync();
            var report = await audit.VerifyAsync(log);
            Assert.True(report.Intact, string.Join('\n', report.Findings));
            await audit.Broker.DisposeAsync();
        }
        finally
        {
            Run("umount", "-l", disk);
        }

        await audit.UnsealAsync();
    }

    [Fact]
    public async Task A_broken_device_does_not_prevent_unsealing()
    {
        await using var audit = await AuditHarness.StartAsync();
        var folder = Path.Combine(audit.Folder, "logs");
        Directory.CreateDirectory(folder);
        Assert.Null(await audit.EnableAsync("file/", "file", ("file_path", Path.Combine(folder, "audit.log"))));
        await audit.Broker.DisposeAsync();
        Directory.Delete(folder, recursive: true);
        await audit.UnsealAsync();

        Assert.True(audit.Broker.Enabled);
        Assert.Equal(FaultKind.Unavailable, (await audit.ReadAsync())!.Kind);
        Assert.False(audit.Broker.Devices[0].Status.Works);
        Assert.Contains(audit.Log.Lines, line => line.Contains("file/ has failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Two_devices_cannot_share_a_file()
    {
        await using var audit = await AuditHarness.StartAsync();
        await using var other = await AuditHarness.StartAsync();
        await audit.EnableFileAsync();
        Assert.NotNull(await audit.EnableAsync("second/", "file", ("file_path", audit.LogPath)));
        var fault = await other.EnableAsync("file/", "file", ("file_path", audit.LogPath));
        Assert.Contains("another process writes", fault!.Messages[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_socket_whose_peer_stops_reading_is_marked_failed_and_connected_again()
    {
        await using var audit = await AuditHarness.StartAsync();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = listener.LocalEndpoint.ToString()!;
        await audit.EnableFileAsync();
        var enable = audit.EnableAsync("tcp/", "socket", ("address", address));
        using var stalled = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        stalled.ReceiveBufferSize = 4096;
        Assert.Null(await enable);
        var device = audit.Broker.Find("tcp/")!;
        var large = "{\"data\":[" + string.Join(',', Enumerable.Repeat("1234567890", 20_000)) + "]}";
        await AuditHarness.EventuallyAsync(
            () =>
            {
                Assert.Null(audit.ReadAsync(response: large).GetAwaiter().GetResult());
                audit.Time.Advance(TimeSpan.FromSeconds(1));
                return !device.Status.Works;
            },
            "the socket is marked as failed"
        );
        stalled.Dispose();
        using var reader = new StreamReader((await Accept(listener, audit, device)).GetStream());
        var line = await reader.ReadLineAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith("{\"time\":", line, StringComparison.Ordinal);
        await audit.Broker.DisableAsync("tcp/", TestContext.Current.CancellationToken);
    }

    private static async Task<TcpClient> Accept(TcpListener listener, AuditHarness audit, AuditDevice device)
    {
        var accepted = listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask();
        await RetryUntilAsync(audit, () => accepted.IsCompleted, "the device connects again");
        return await accepted;
    }

    /// <summary>Moves the clock on to the next try, until one has succeeded.</summary>
    private static Task RetryUntilAsync(AuditHarness audit, Func<bool> condition, string what) =>
        AuditHarness.EventuallyAsync(
            () =>
            {
                if (condition())
                {
                    return true;
                }

                audit.Time.Advance(TimeSpan.FromSeconds(40));
                return false;
            },
            $"{what}; {string.Join(", ", audit.Broker.Devices.Select(device => device.Status))}"
        );

    private static FileStream OpenPipe(string pipe) =>
        // Opening for both directions does not wait for a writer.
        new(
            pipe,
            new FileStreamOptions
            {
                Access = FileAccess.ReadWrite,
                Mode = FileMode.Open,
                BufferSize = 0,
            }
        );

    private static int Run(string command, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(command, arguments) { RedirectStandardError = true, UseShellExecute = false }
        )!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }
}
