using System.Diagnostics;
using System.Text;

namespace Mayfly.Tests.Cli;

/// <summary>The program itself, as a shell starts it.</summary>
[Collection(DevServerTests.Name)]
public sealed class ProgramTests(DevServer server)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_version_is_printed() =>
        Assert.Equal((0, "Mayfly v0.1.0\n"), await RunAsync(ServerProcess.Program("mayfly"), ["version"]));

    [Fact]
    public async Task Server_becomes_mayflyd_with_its_exit_code()
    {
        var (code, output) = await RunAsync(ServerProcess.Program("mayfly"), ["server", "-version"]);
        Assert.Equal(0, code);
        Assert.Contains("1.17.0+mayfly.", output, StringComparison.Ordinal);
        Assert.Equal(1, (await RunAsync(ServerProcess.Program("mayfly"), ["server", "-no-such-flag"])).Code);
    }

    [Fact]
    public async Task Two_programs_share_a_redirected_output()
    {
        var mayfly = ServerProcess.Program("mayfly");
        var file = Path.GetTempFileName();
        var (code, _) = await RunAsync("/bin/sh", ["-c", $"( {mayfly} version; {mayfly} version ) > {file}"]);
        Assert.Equal(0, code);
        Assert.Equal("Mayfly v0.1.0\nMayfly v0.1.0\n", await File.ReadAllTextAsync(file, Cancellation));
        File.Delete(file);
    }

    [Fact]
    public async Task What_is_typed_at_a_prompt_is_not_shown()
    {
        // util-linux' script gives it a terminal, and writes down all that the terminal shows.
        const string Script = "/usr/bin/script";
        Assert.True(File.Exists(Script), "the package bsdutils is essential on Debian");
        const string Prompt = "Token (will be hidden): ";
        var command = $"{ServerProcess.Program("mayfly")} login -no-store -field=token_accessor";
        using var process = Start(Script, ["-qefc", command, "/dev/null"], ("NO_COLOR", "1"));
        var shown = new StringBuilder();
        await ReadUntilAsync(process, shown, Prompt);

        // As a paste: in pieces, with time between them.
        foreach (var piece in ServerProcess.DevToken.Chunk(8))
        {
            await process.StandardInput.WriteAsync(piece, Cancellation);
            await process.StandardInput.FlushAsync(Cancellation);
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancellation);
        }

        await process.StandardInput.WriteAsync("\n".AsMemory(), Cancellation);
        await process.StandardInput.FlushAsync(Cancellation);
        shown.Append(await process.StandardOutput.ReadToEndAsync(Cancellation));
        await process.WaitForExitAsync(Cancellation).WaitAsync(Patience, Cancellation);

        Assert.Equal(0, process.ExitCode);
        Assert.DoesNotContain("\e", shown.ToString(), StringComparison.Ordinal);
        foreach (var piece in ServerProcess.DevToken.Chunk(8))
        {
            Assert.DoesNotContain(new string(piece), shown.ToString(), StringComparison.Ordinal);
        }
    }

    private static async Task ReadUntilAsync(Process process, StringBuilder shown, string end)
    {
        var buffer = new char[256];
        while (!shown.ToString().Contains(end, StringComparison.Ordinal))
        {
            var read = await process.StandardOutput.ReadAsync(buffer, Cancellation).AsTask().WaitAsync(Patience);
            Assert.True(read > 0, shown.ToString());
            shown.Append(buffer, 0, read);
        }
    }

    private async Task<(int Code, string Output)> RunAsync(string program, string[] arguments)
    {
        using var process = Start(program, arguments);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(Cancellation);
        _ = await process.StandardError.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation).WaitAsync(Patience, Cancellation);
        return (process.ExitCode, await output);
    }

    private Process Start(string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["HOME"] = "/nonexistent";
        start.Environment["MAYFLY_ADDR"] = server.Process.Address;
        start.Environment["TERM"] = "xterm";
        start.Environment["SHELL"] = "/bin/sh";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        start.Environment.Remove("MAYFLY_TOKEN");
        start.Environment.Remove("VAULT_TOKEN");
        return Process.Start(start)!;
    }
}
