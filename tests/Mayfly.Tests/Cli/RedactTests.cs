using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Mayfly.Tests.Cli;

/// <summary><c>mayfly redact</c> as pipelines run it: the program itself, with real pipes.</summary>
public sealed class RedactTests : IDisposable
{
    private const string Key = "AKIAQ3EGRZ7VN5KXM2PL";
    private const string Known = "correct-horse/battery+staple";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Storage.TempFolder _temp = new();

    public RedactTests() => Directory.CreateDirectory(_temp.Path);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task Rules_and_values_of_variables_files_and_lists_are_masked_in_all_their_forms()
    {
        var file = Write("secret", "from-a-file-4711\n");
        var list = Write("values", "first-of-list\r\n\nsecond-of-list\n");
        var base64 = Convert.ToBase64String(Encoding.UTF8.GetBytes("user:" + Known));
        var input =
            $"{Key}\n{Known}\nin base64: {base64}.\n{Uri.EscapeDataString(Known)}\n"
            + "from-a-file-4711 first-of-list second-of-list\nok\n";
        var (code, output, error) = await RunAsync(
            input,
            "-env=PASSWORD_OF_TEST",
            $"-secret-file={file}",
            $"-values-file={list}"
        );
        Assert.Equal((0, ""), (code, error));
        // Up to the letter that holds a part of the value's first bits.
        Assert.Equal(
            $"[redacted]\n[redacted]\nin base64: {base64[..6]}[redacted].\n[redacted]\n"
                + "[redacted] [redacted] [redacted]\nok\n",
            output
        );
    }

    [Theory]
    [InlineData(Key)]
    [InlineData(Known)]
    public async Task A_secret_that_comes_in_two_writes_with_time_between_them_is_masked(string secret)
    {
        using var redact = Start("-env=PASSWORD_OF_TEST", "-delay=50ms");
        await SendAsync(redact, "ready\nvalue: " + secret[..9]);
        // Everything before it is out, after a silence.
        Assert.Equal("ready\nvalue: ", await ReadAsync(redact, "ready\nvalue: ".Length));
        await SendAsync(redact, secret[9..] + " end\n");
        redact.StandardInput.Close();
        Assert.Equal("[redacted] end\n", await redact.StandardOutput.ReadToEndAsync(Cancellation));
    }

    [Fact]
    public async Task A_line_comes_out_at_once_and_a_question_without_an_end_soon()
    {
        using var redact = Start("-delay=50ms");
        await SendAsync(redact, "line\n");
        Assert.Equal("line\n", await ReadAsync(redact, 5));
        await SendAsync(redact, "Continue? [y/N] ");
        Assert.Equal("Continue? [y/N] ", await ReadAsync(redact, 16));
        redact.StandardInput.Close();
        await redact.WaitForExitAsync(Cancellation).WaitAsync(Patience, Cancellation);
        Assert.Equal(0, redact.ExitCode);
    }

    [Fact]
    public async Task Bytes_that_are_no_text_pass_as_they_are()
    {
        var bytes = RandomNumberGenerator.GetBytes(1 << 20);
        using var redact = Start("-env=PASSWORD_OF_TEST");
        var reading = ReadAllAsync(redact.StandardOutput.BaseStream);
        await redact.StandardInput.BaseStream.WriteAsync(bytes, Cancellation);
        redact.StandardInput.Close();
        Assert.Equal(bytes, await reading);
    }

    [Fact]
    public async Task A_program_keeps_its_streams_its_input_its_exit_code_and_its_words()
    {
        var (code, output, error) = await RunAsync(
            "typed\n",
            "-env=PASSWORD_OF_TEST",
            "--",
            "/bin/sh",
            "-c",
            "read line; echo \"out $line $PASSWORD_OF_TEST\"; echo \"err $PASSWORD_OF_TEST\" >&2; exit 7"
        );
        Assert.Equal((7, "out typed [redacted]\n", "err [redacted]\n"), (code, output, error));
        Assert.Equal(127, (await RunAsync("", "--", "/no/such/program")).Code);
        Assert.Equal(137, (await RunAsync("", "--", "/bin/sh", "-c", "kill -9 $$")).Code);
    }

    [Fact]
    public async Task Signals_reach_the_program_and_its_last_words_come_out()
    {
        using var redact = Start(
            "--",
            "/bin/sh",
            "-c",
            $"trap 'echo bye {Key}; exit 3' TERM; echo up; while :; do sleep 0.05; done"
        );
        Assert.Equal("up\n", await ReadAsync(redact, 3));
        using (var kill = Process.Start("kill", ["-TERM", $"{redact.Id}"]))
        {
            await kill.WaitForExitAsync(Cancellation);
        }

        Assert.Equal("bye [redacted]\n", await redact.StandardOutput.ReadToEndAsync(Cancellation));
        await redact.WaitForExitAsync(Cancellation).WaitAsync(Patience, Cancellation);
        Assert.Equal(3, redact.ExitCode);
    }

    [Fact]
    public async Task A_program_left_in_the_background_with_the_output_does_not_hold_everything_up()
    {
        var (code, output, _) = await RunAsync("", "--", "/bin/sh", "-c", "sleep 30 & echo done");
        Assert.Equal((0, "done\n"), (code, output));
    }

    [Fact]
    public async Task A_reader_that_stops_ends_the_program()
    {
        using var redact = Start("--", "/bin/sh", "-c", "while echo line; do :; done");
        Assert.Equal("line\n", await ReadAsync(redact, 5));
        redact.StandardOutput.Close();
        await redact.WaitForExitAsync(Cancellation).WaitAsync(Patience, Cancellation);
    }

    [Fact]
    public async Task What_cannot_be_masked_is_told_without_it_and_what_cannot_be_read_passes_nothing()
    {
        var list = Write("values", "abc12\ndatabase\nlong-enough-value\n");
        var (code, output, error) = await RunAsync(
            "abc12 database long-enough-value\n",
            "-env=NOT_SET_AT_ALL",
            $"-values-file={list}"
        );
        Assert.Equal((0, "abc12 database [redacted]\n"), (code, output));
        Assert.Contains("NOT_SET_AT_ALL is not set", error, StringComparison.Ordinal);
        Assert.Contains($"{list}:1 has fewer than 6 characters", error, StringComparison.Ordinal);
        Assert.Contains($"{list}:2 is an ordinary word", error, StringComparison.Ordinal);
        Assert.DoesNotContain("abc12", error, StringComparison.Ordinal);
        foreach (var wrong in (string[])["-values-file=/nowhere", "-delay=2h", "-c=/nowhere", "-no-such-flag"])
        {
            var refused = await RunAsync($"{Key}\n", wrong);
            Assert.Equal((2, ""), (refused.Code, refused.Output));
        }
    }

    [Fact]
    public async Task Rules_can_be_others_or_none()
    {
        Assert.Equal($"{Key}\n", (await RunAsync($"{Key}\n", "-no-rules")).Output);
        var rules = Write("r.toml", "[[rules]]\nid = 'mine'\nregex = 'own-[0-9]{6}'\n");
        Assert.Equal($"{Key} [redacted]\n", (await RunAsync($"{Key} own-123456\n", $"-c={rules}")).Output);
        // A line of a log cannot say that it holds none.
        Assert.Equal("[redacted] gitleaks:allow\n", (await RunAsync($"{Key} gitleaks:allow\n")).Output);
    }

    private string Write(string name, string content)
    {
        var path = Path.Combine(_temp.Path, name);
        File.WriteAllText(path, content);
        return path;
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(string input, params string[] words)
    {
        using var process = Start(words);
        var output = process.StandardOutput.ReadToEndAsync(Cancellation);
        var error = process.StandardError.ReadToEndAsync(Cancellation);
        try
        {
            await SendAsync(process, input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended without reading.
        }

        await process.WaitForExitAsync(Cancellation).WaitAsync(Patience, Cancellation);
        return (process.ExitCode, await output, await error);
    }

    private static async Task SendAsync(Process process, string text)
    {
        await process.StandardInput.WriteAsync(text.AsMemory(), Cancellation);
        await process.StandardInput.FlushAsync(Cancellation);
    }

    private static async Task<string> ReadAsync(Process process, int length)
    {
        var buffer = new byte[length];
        await process
            .StandardOutput.BaseStream.ReadExactlyAsync(buffer, Cancellation)
            .AsTask()
            .WaitAsync(Patience, Cancellation);
        return Encoding.UTF8.GetString(buffer);
    }

    private static async Task<byte[]> ReadAllAsync(Stream stream)
    {
        using var all = new MemoryStream();
        await stream.CopyToAsync(all, Cancellation);
        return all.ToArray();
    }

    private static Process Start(params string[] words)
    {
        var start = new ProcessStartInfo(ServerProcess.Program("mayfly"), ["redact", .. words])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PASSWORD_OF_TEST"] = Known;
        start.Environment.Remove("GITLEAKS_CONFIG");
        start.Environment.Remove("GITLEAKS_CONFIG_TOML");
        return Process.Start(start)!;
    }
}
