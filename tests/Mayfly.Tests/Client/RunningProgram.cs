using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Mayfly.Tests.Rotation;

namespace Mayfly.Tests.Client;

/// <summary>A web program that runs until the test ends.</summary>
internal sealed partial class RunningProgram : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    public RunningProgram(string program, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(program)
        {
            UseShellExecute = false,
            WorkingDirectory = Path.GetDirectoryName(program),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>What it has written so far, to both streams.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Where it says that it listens.</summary>
    public async Task<Uri> AddressAsync()
    {
        await RotationFunction.WaitForAsync(
            () => Listening().IsMatch(Output) || _process.HasExited,
            "the program does not listen"
        );
        Assert.False(_process.HasExited, Output);
        return new Uri(Listening().Match(Output).Groups["address"].Value);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private void Keep(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }
    }

    [GeneratedRegex("Now listening on: (?<address>\\S+)", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Listening();
}
