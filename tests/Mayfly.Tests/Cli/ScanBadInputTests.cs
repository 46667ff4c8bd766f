using System.Diagnostics;
using System.IO.Compression;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using Mayfly.Tests.Scanner.Sources;

namespace Mayfly.Tests.Cli;

/// <summary>What is broken, strange or out of reach never ends a scan: it is listed, and <c>-strict</c> makes a failure of it.</summary>
[SupportedOSPlatform("linux")]
public sealed class ScanBadInputTests : IDisposable
{
    private const string Key = "AKIAQ3EGRZ7VN5KXM2PL";

    /// <summary>So many folders with names of 250 letters are deeper than Linux' 4,096.</summary>
    private const int Deepest = 25;

    private readonly CommandLine _mayfly = new();
    private readonly Git _git = new();

    public void Dispose()
    {
        _mayfly.Dispose();
        _git.Dispose();
    }

    [Fact]
    public async Task A_broken_archive_is_listed() =>
        await ListedAsync(
            () => File.WriteAllBytes(At("a.zip"), Zip()[..^25]),
            "a.zip",
            ["dir", "--max-archive-depth=1", _git.Folder]
        );

    [Fact]
    public async Task An_entry_with_another_checksum_is_listed() =>
        await ListedAsync(
            () =>
            {
                var zip = Zip();
                zip[zip.AsSpan().IndexOf("plain"u8)]++;
                File.WriteAllBytes(At("a.zip"), zip);
            },
            "a.zip!in.txt: it is broken: its checksum is another one",
            ["dir", "--max-archive-depth=1", _git.Folder]
        );

    [Fact]
    public async Task A_link_that_leads_in_circles_is_listed_when_it_is_followed() =>
        await ListedAsync(
            () => File.CreateSymbolicLink(At("loop"), At("loop")),
            "loop: ",
            ["dir", "--follow-symlinks", _git.Folder]
        );

    [Fact]
    public async Task A_file_that_is_too_large_is_listed() =>
        await ListedAsync(
            () => _git.Write("large.txt", new string('x', 1_100_000)),
            "large.txt: it is larger than",
            ["dir", "--max-target-megabytes=1", _git.Folder]
        );

    [Fact]
    public async Task A_path_that_is_too_long_for_the_system_is_listed()
    {
        try
        {
            await ListedAsync(MakeDeep, "its path is longer", ["dir", _git.Folder]);
        }
        finally
        {
            // The framework cannot.
            using var rm = Process.Start("rm", ["-rf", At($"{Deepest}")]);
            await rm.WaitForExitAsync(CancellationToken.None);
        }

        // From the bottom up, as no path can name it.
        void MakeDeep()
        {
            _git.Write("0/deep.txt", "x");
            for (var depth = 1; depth <= Deepest; depth++)
            {
                Directory.CreateDirectory(At($"{depth}"));
                Directory.Move(At($"{depth - 1}"), Path.Combine(At($"{depth}"), new string('n', 250)));
            }
        }
    }

    [Fact]
    public async Task An_object_that_git_has_lost_is_listed() =>
        await ListedAsync(
            () =>
            {
                _git.Write("b.txt", "another\n");
                _git.Commit("another");
                var blob = _git.Run("rev-parse", "HEAD:b.txt").Trim();
                var file = Path.Combine(_git.Folder, ".git", "objects", blob[..2], blob[2..]);
                File.SetAttributes(file, FileAttributes.Normal);
                File.WriteAllText(file, "broken");
                _git.Write("c.txt", "a third\n");
                _git.Run("add", "c.txt");
                _git.Run("commit", "-q", "-m", "a third");
            },
            "git could not read all of it",
            ["git", _git.Folder]
        );

    [Fact]
    public async Task What_may_not_be_read_is_listed()
    {
        Assert.True(File.Exists("/usr/bin/setpriv"), "the package util-linux is essential on Debian");
        var folder = Directory.CreateTempSubdirectory("mayfly-denied-").FullName;
        try
        {
            await File.WriteAllTextAsync(
                Path.Combine(folder, "a.txt"),
                $"id = {Key}\n",
                TestContext.Current.CancellationToken
            );
            await File.WriteAllTextAsync(Path.Combine(folder, "b.txt"), "x", TestContext.Current.CancellationToken);
            Directory.CreateDirectory(Path.Combine(folder, "closed"), UnixFileMode.None);
            File.SetUnixFileMode(Path.Combine(folder, "b.txt"), UnixFileMode.None);
            File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
            foreach (var (flag, code) in new[] { ("--no-banner", 1), ("--strict", 2) })
            {
                var start = new ProcessStartInfo(
                    "/usr/bin/setpriv",
                    // Root may read everything.
                    [
                        .. Environment.IsPrivilegedProcess ? (string[])["--reuid=65534", "--clear-groups"] : [],
                        "--",
                        ServerProcess.Program("mayfly"),
                        "scan",
                        "dir",
                        flag,
                        folder,
                    ]
                )
                {
                    RedirectStandardError = true,
                    RedirectStandardOutput = true,
                    UseShellExecute = false,
                };
                using var process = Process.Start(start)!;
                var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
                await process.WaitForExitAsync(TestContext.Current.CancellationToken);
                Assert.Contains($"passed over: {folder}/b.txt: permission denied", error, StringComparison.Ordinal);
                Assert.Contains($"passed over: {folder}/closed/: permission denied", error, StringComparison.Ordinal);
                Assert.Equal(code, process.ExitCode);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Pipes_sockets_and_devices_in_a_folder_are_not_opened()
    {
        using var mkfifo = Process.Start("mkfifo", At("pipe"));
        await mkfifo.WaitForExitAsync(TestContext.Current.CancellationToken);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(At("socket")));
        File.CreateSymbolicLink(At("zero"), "/dev/zero");
        File.CreateSymbolicLink(At("to-pipe"), At("pipe"));
        Directory.CreateSymbolicLink(At("up"), _git.Folder);
        _git.Write("a.txt", $"id = {Key}\n");
        var result = await _mayfly.RunAsync("scan", "dir", "--follow-symlinks", "--strict", _git.Folder);
        Assert.Equal(1, result.Code);
        Assert.Contains("1 leak found in 1 files", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_is_found_in_every_encoding_of_text()
    {
        var text = $"schlüssel\nid = {Key}\n";
        File.WriteAllBytes(At("utf16le"), [0xFF, 0xFE, .. Encoding.Unicode.GetBytes(text)]);
        File.WriteAllBytes(At("utf16be"), [0xFE, 0xFF, .. Encoding.BigEndianUnicode.GetBytes(text)]);
        File.WriteAllBytes(At("utf16"), Encoding.Unicode.GetBytes(text));
        File.WriteAllBytes(At("utf8bom"), [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(text)]);
        File.WriteAllBytes(At("latin1"), Encoding.Latin1.GetBytes(text));
        File.WriteAllBytes(
            At("invalid"),
            [0xC3, (byte)'\n', .. Encoding.UTF8.GetBytes($"id = {Key} "), 0xFE, 0xFF, (byte)'\n']
        );
        var result = await _mayfly.RunAsync("scan", "dir", "--strict", _git.Folder);
        Assert.Equal(1, result.Code);
        foreach (var name in (string[])["utf16le", "utf16be", "utf16", "utf8bom", "latin1", "invalid"])
        {
            Assert.Contains($"/{name}:2:6  aws-access-key-id", result.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_line_of_a_hundred_megabytes_is_scanned_to_its_end()
    {
        var result = await _mayfly.RunAsync(["scan", "stdin", "--strict"], new LongLine(100_000_000, $" {Key} "));
        Assert.Equal(1, result.Code);
        Assert.Contains(":1:100000002  aws-access-key-id", result.Output, StringComparison.Ordinal);
        Assert.True(result.Output.Length < 1000, "the line is not shown");
    }

    [Fact]
    public async Task A_name_with_a_line_break_stays_on_one_line()
    {
        _git.Write("new\nline.txt", $"id = {Key}\n");
        foreach (var result in new[] { await Scan("dir"), await CommitAndScan() })
        {
            Assert.Contains("new\\nline.txt:1:6", result.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("\nline.txt", result.Output, StringComparison.Ordinal);
        }

        async Task<CommandResult> CommitAndScan()
        {
            _git.Commit("x");
            return await Scan("git");
        }

        Task<CommandResult> Scan(string verb) => _mayfly.RunAsync("scan", verb, "-v", _git.Folder);
    }

    [Theory]
    [InlineData("a = ", ": line 1, column 5: ")]
    [InlineData("[[rules]]\nid = 'x'\nregex = '''(a'''\n", ":3: ")]
    [InlineData("[[rules]]\nid = 'x'\nregex = 'a'\nentropy = 'much'\n", ":4: ")]
    public async Task A_rule_file_that_is_wrong_is_refused_with_its_place(string text, string place)
    {
        var file = _git.Write("r.toml", text);
        var result = await _mayfly.RunAsync("scan", "dir", "-c", file, _git.Folder);
        Assert.Equal(2, result.Code);
        Assert.Contains($"{file}{place}", result.Error, StringComparison.Ordinal);
    }

    private string At(string name) => Path.Combine(_git.Folder, name);

    private static byte[] Zip()
    {
        using var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create))
        {
            using var entry = new StreamWriter(zip.CreateEntry("in.txt", CompressionLevel.NoCompression).Open());
            entry.Write("plain text, as it is\n");
        }

        return bytes.ToArray();
    }

    /// <summary>The rest is scanned and has a leak; what is broken is listed, and is a failure only with -strict.</summary>
    private async Task ListedAsync(Action makeBroken, string says, string[] words)
    {
        _git.Write("a.txt", $"id = {Key}\n");
        _git.Commit("a leak");
        makeBroken();
        var lenient = await _mayfly.RunAsync(["scan", .. words]);
        Assert.Equal(1, lenient.Code);
        Assert.Contains("a.txt:1:6  aws-access-key-id", lenient.Output, StringComparison.Ordinal);
        Assert.Contains("passed over: ", lenient.Error, StringComparison.Ordinal);
        Assert.Contains(says, lenient.Error, StringComparison.Ordinal);
        var strict = await _mayfly.RunAsync(["scan", words[0], "--strict", .. words[1..]]);
        Assert.Equal(2, strict.Code);
        Assert.Contains("a.txt:1:6  aws-access-key-id", strict.Output, StringComparison.Ordinal);
    }

    private sealed class LongLine(int before, string end) : MemoryStream
    {
        private int _given;

        public override int Read(Span<byte> buffer)
        {
            var length = Math.Min(buffer.Length, before + end.Length - _given);
            for (var i = 0; i < length; i++)
            {
                var at = _given + i;
                buffer[i] = at < before ? (byte)'x' : (byte)end[at - before];
            }

            _given += length;
            return length;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    }
}
