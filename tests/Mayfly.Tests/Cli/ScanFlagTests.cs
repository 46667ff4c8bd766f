using System.Diagnostics;
using System.Text;
using Mayfly.Tests.Scanner.Sources;

namespace Mayfly.Tests.Cli;

/// <summary>Command lines that were written for gitleaks.</summary>
public sealed class ScanFlagTests : IDisposable
{
    private const string Key = "AKIAQ3EGRZ7VN5KXM2PL";

    private readonly CommandLine _mayfly = new();
    private readonly Git _git = new();

    public void Dispose()
    {
        _mayfly.Dispose();
        _git.Dispose();
    }

    [Theory]
    [InlineData(1, "--no-banner", "-v")]
    [InlineData(1, "--verbose", "--redact=50")]
    [InlineData(1, "--redact", "--no-color")]
    [InlineData(1, "-l", "debug", "--log-level=info")]
    [InlineData(1, "--enable-rule", "aws-access-key-id", "--enable-rule", "jwt")]
    [InlineData(1, "--max-archive-depth", "2", "--max-decode-depth", "3", "--max-target-megabytes", "5")]
    [InlineData(1, "--ignore-gitleaks-allow", "--follow-symlinks", "--timeout", "600")]
    [InlineData(1, "-i", ".", "-f", "json")]
    [InlineData(9, "--exit-code", "9", "--no-progress")]
    [InlineData(2, "--max-decode-depth=-1")]
    [InlineData(2, "--report-template", "x.tmpl")]
    [InlineData(2, "--diagnostics", "cpu")]
    [InlineData(2, "--redact=101")]
    public async Task The_flags_of_gitleaks_work_as_they_are_or_say_that_they_do_not(int code, params string[] flags)
    {
        _git.Write("a.txt", $"id = {Key}\n");
        var result = await Scan(["dir", .. flags, _git.Folder]);
        Assert.Equal(code, result.Code);
        Assert.Equal(
            code == 2,
            result.Error.Contains("invalid value", StringComparison.Ordinal)
                || result.Error.Contains("goes from", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task The_verbs_that_gitleaks_had_before_still_mean_what_they_meant()
    {
        _git.Write("a.txt", $"id = {Key}\n");
        Assert.Equal(1, (await Scan("detect", "--source", _git.Folder, "--no-git")).Code);
        Assert.Equal(0, (await Scan("detect", "-s", _git.Folder)).Code);
        Assert.Equal(0, (await Scan("protect", "--staged", "--source", _git.Folder)).Code);
        _git.Run("add", "-A");
        Assert.Equal(1, (await Scan("protect", "--staged", "--source", _git.Folder)).Code);
        Assert.Equal(0, (await Scan("protect", "--source", _git.Folder)).Code);
        _git.Commit("leak");
        Assert.Equal(1, (await Scan("detect", "-v", "--source", _git.Folder)).Code);
        Assert.Equal(1, (await Scan("git", "--platform", "github", _git.Folder)).Code);
        Assert.Equal(0, (await Scan("detect", "--source", _git.Folder, "--log-opts=--until=1990-01-01 main")).Code);
        Assert.Equal(1, (await _mayfly.RunAsync(["scan", "detect", "--pipe"], $"x {Key}\n")).Code);
        Assert.Equal(2, (await Scan("detect", "--source", "/nowhere/at/all")).Code);
        Assert.Equal(0, (await Scan("version")).Code);
    }

    [Fact]
    public async Task What_is_encoded_is_found_unless_nobody_wants_it()
    {
        _git.Write("a.yaml", $"data: {Convert.ToBase64String(Encoding.UTF8.GetBytes($"id = {Key}"))}\n");
        Assert.Equal(1, (await Scan("dir", _git.Folder)).Code);
        Assert.Equal(0, (await Scan("dir", "--max-decode-depth=0", _git.Folder)).Code);
    }

    [Fact]
    public async Task A_scan_that_takes_too_long_is_a_failure()
    {
        var slow = await _mayfly.RunAsync(["scan", "stdin", "--timeout", "1"], new EndlessText());
        Assert.Equal(2, slow.Code);
        Assert.Contains("within 1 seconds", slow.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_terminal_is_shown_how_far_a_long_scan_is_and_a_pipe_is_not()
    {
        Assert.Contains(" files, ", await Shown(""), StringComparison.Ordinal);
        Assert.DoesNotContain(" MB/s", await Shown("-no-progress"), StringComparison.Ordinal);
        Assert.DoesNotContain(" MB/s", await Shown("2>&1 | cat"), StringComparison.Ordinal);
    }

    /// <summary>What util-linux' script, which gives it a terminal, shows of a scan of more than a second.</summary>
    private static async Task<string> Shown(string more)
    {
        var command = $"(sleep 2; echo end) | {ServerProcess.Program("mayfly")} scan stdin {more}";
        var start = new ProcessStartInfo("/usr/bin/script", ["-qefc", command, "/dev/null"])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["TERM"] = "xterm";
        using var process = Process.Start(start)!;
        var shown = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
        return shown;
    }

    private Task<CommandResult> Scan(params string[] words) => _mayfly.RunAsync(["scan", .. words]);

    /// <summary>Goes on for as long as somebody reads.</summary>
    private sealed class EndlessText : MemoryStream
    {
        public override int Read(Span<byte> buffer)
        {
            buffer.Fill((byte)'\n');
            return buffer.Length;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    }
}
