using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Mayfly.Agent.Configuration;
using Mayfly.Agent.Processes;
using Mayfly.Client.Redaction;
using Microsoft.Extensions.Logging;

namespace Mayfly.Agent.Rendering;

/// <summary>
/// The program that runs after a file has changed. It has a limit of time. What it writes is not the agent's to publish: the last
/// of it is told when it fails, without secrets.
/// </summary>
internal static class ChangeProgram
{
    private const int Told = 2000;

    // A secret that is cut is not recognised: of output that does not fit, nothing is told.
    private const int Known = 64 * 1024;

    /// <summary>Runs it to its end.</summary>
    /// <exception cref="IOException">It cannot be started, failed, or took too long.</exception>
    public static async Task RunAsync(ChangeCommand command, ILogger log, CancellationToken stop)
    {
        var arguments = command.Arguments.Count == 1 ? ["/bin/sh", "-c", command.Arguments[0]] : command.Arguments;
        var start = new ProcessStartInfo(Locate(arguments[0]), arguments.Skip(1))
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in IdentityVariables.InUse())
        {
            start.Environment.Remove(name);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(command.Timeout);
        using var process = Start(start);
        var output = new StringBuilder();
        process.OutputDataReceived += (_, line) => Keep(output, line.Data);
        process.ErrorDataReceived += (_, line) => Keep(output, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.StandardInput.Close();
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException late) when (!stop.IsCancellationRequested)
        {
            throw new IOException(
                $"the command did not end within {command.Timeout.TotalSeconds} s, and was ended",
                late
            );
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }

        if (process.ExitCode != 0)
        {
            throw new IOException($"the command ended with exit code {process.ExitCode}{Last(output)}");
        }

        log.LogInformation("The command ended well");
    }

    private static string Locate(string program)
    {
        try
        {
            return ChildProcess.Locate(program);
        }
        catch (ProgramStartException failure)
        {
            throw new IOException($"the command cannot be started: {failure.Message}", failure);
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception failure)
        {
            throw new IOException($"the command cannot be started: {failure.Message}", failure);
        }
    }

    private static void Keep(StringBuilder output, string? line)
    {
        lock (output)
        {
            if (output.Length <= Known)
            {
                output.Append(line).Append('\n');
            }
        }
    }

    private static string Last(StringBuilder output)
    {
        lock (output)
        {
            var text = output.Length > Known ? "" : Redactor.Shared.Redact(output.ToString()).Trim();
            text = text.Length > Told ? text[^Told..] : text;
            return text.Length > 0 ? $", after it wrote: {text}" : "";
        }
    }
}
