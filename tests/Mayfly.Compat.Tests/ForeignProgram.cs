using System.Diagnostics;
using System.Text;

namespace Mayfly.Compat.Tests;

/// <summary>A program that we did not write, run to its end: Python, Node.js, curl, a shell.</summary>
internal static class ForeignProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>The interpreter that Debian's packages belong to, whatever else the PATH offers.</summary>
    public const string Python = "/usr/bin/python3";

    /// <summary>A script of the folder <c>clients</c>, which the build puts beside the tests.</summary>
    public static string Script(string name) => Path.Combine(AppContext.BaseDirectory, "clients", name);

    /// <summary>The root of the repository: where the solution is.</summary>
    public static string Repository
    {
        get
        {
            for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
            {
                if (File.Exists(Path.Combine(at.FullName, "Mayfly.slnx")))
                {
                    return at.FullName;
                }
            }

            throw new InvalidOperationException("These tests run from inside the repository.");
        }
    }

    /// <summary>Runs it without anybody's Vault settings. A home of null keeps the one of the caller.</summary>
    public static async Task<ProgramResult> RunAsync(
        string program,
        string[] arguments,
        string? folder = null,
        string? home = null,
        string input = ""
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            StandardOutputEncoding = Encoding.UTF8,
            WorkingDirectory = folder ?? "",
        };
        foreach (var name in start.Environment.Keys.Where(IsSetting).ToList())
        {
            start.Environment.Remove(name);
        }

        if (home is not null)
        {
            start.Environment["HOME"] = home;
        }

        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.StandardInput.WriteAsync(input.AsMemory(), limit.Token);
            process.StandardInput.Close();
            await process.WaitForExitAsync(limit.Token);
            return new ProgramResult(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    private static bool IsSetting(string variable) =>
        variable.StartsWith("MAYFLY_", StringComparison.Ordinal)
        || variable.StartsWith("VAULT_", StringComparison.Ordinal)
        || variable.EndsWith("_proxy", StringComparison.OrdinalIgnoreCase);
}

/// <summary>What a program left behind.</summary>
internal sealed record ProgramResult(int Code, string Output, string Error)
{
    /// <summary>Its output, when it ended well; otherwise the test fails with all that it said.</summary>
    public string Succeeded()
    {
        Assert.True(Code == 0, $"exit code {Code}\n{Output}\n{Error}");
        return Output;
    }
}
