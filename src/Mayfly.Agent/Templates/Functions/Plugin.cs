using System.ComponentModel;
using System.Diagnostics;
using Mayfly.Agent.Processes;
using Mayfly.Agent.Templates.Values;

namespace Mayfly.Agent.Templates.Functions;

/// <summary>A program whose output becomes a value. It gets no secret but its arguments, and has 30 s.</summary>
internal static class Plugin
{
    private const int MaxOutput = 4 * 1024 * 1024;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static string Run(string program, IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        if (program.Length == 0)
        {
            throw new FunctionException("the program is missing");
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Limit);
        var start = new ProcessStartInfo(Locate(program), arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var name in IdentityVariables.InUse())
        {
            start.Environment.Remove(name);
        }

        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            try
            {
                return OutputAsync(process, limit.Token).GetAwaiter().GetResult();
            }
            finally
            {
                if (!process.HasExited)
                {
                    process.Kill(entireProcessTree: true);
                }
            }
        }
        catch (Win32Exception failure)
        {
            throw new FunctionException($"cannot start the program: {failure.Message}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new FunctionException($"the program did not end within {Limit.TotalSeconds} s");
        }
    }

    private static string Locate(string program)
    {
        try
        {
            return ChildProcess.Locate(program);
        }
        catch (ProgramStartException failure)
        {
            throw new FunctionException($"cannot start the program: {failure.Message}");
        }
    }

    private static async Task<string> OutputAsync(Process process, CancellationToken cancellation)
    {
        // What it says on standard error may be secret, and is dropped.
        var errors = process.StandardError.BaseStream.CopyToAsync(Stream.Null, cancellation);
        using var output = new MemoryStream();
        var buffer = new byte[16 * 1024];
        int read;
        while (
            (read = await process.StandardOutput.BaseStream.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0
        )
        {
            output.Write(buffer, 0, read);
            if (output.Length > MaxOutput)
            {
                throw new FunctionException($"the program wrote more than {MaxOutput} bytes");
            }
        }

        await errors.ConfigureAwait(false);
        await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
        return process.ExitCode == 0
            ? GoText.Decode(output.GetBuffer().AsSpan(0, (int)output.Length)).TrimEnd('\n', '\r')
            : throw new FunctionException($"the program ended with exit code {process.ExitCode}");
    }
}
