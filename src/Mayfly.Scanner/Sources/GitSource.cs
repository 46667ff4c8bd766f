using System.Diagnostics;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Scanner.Sources;

/// <summary>What of a repository is looked at.</summary>
public enum GitScope
{
    /// <summary>The added lines of every commit of every branch, or of those that the log options choose.</summary>
    History,

    /// <summary>What <c>git add</c> has staged.</summary>
    Staged,

    /// <summary>What has been changed and not yet staged.</summary>
    Unstaged,
}

/// <summary>A git repository, read through the <c>git</c> program, which must be on the PATH.</summary>
/// <param name="repository">Its folder; may be bare or shallow.</param>
/// <param name="scope">What of it.</param>
/// <param name="logOptions">For <c>git log</c>, instead of <c>--all</c>; empty for every commit.</param>
public sealed class GitSource(string repository, GitScope scope, IReadOnlyList<string> logOptions) : IScanSource
{
    /// <summary>So many bytes of patch go to a thread at once.</summary>
    private const int Batch = 128 << 10;

    /// <summary>How git must answer whatever the repository's or user's configuration says, and that it runs nothing from there.</summary>
    private static readonly string[] Settings =
    [
        "-c",
        "core.quotePath=false",
        "-c",
        "core.fsmonitor=false",
        "-c",
        "log.showSignature=false",
    ];

    private static readonly string[] Patch =
    [
        "-U0",
        "-O/dev/null",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--find-renames",
        "--submodule=short",
        "--ignore-submodules=dirty",
        "--src-prefix=a/",
        "--dst-prefix=b/",
        "--output-indicator-new=+",
        "--output-indicator-old=-",
    ];

    /// <inheritdoc />
    public ScanResult Scan(SecretScanner scanner, CancellationToken cancellation)
    {
        var tally = new ScanTally();
        using var git = new Process { StartInfo = Start() };
        var complaints = new List<string>();
        git.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { Length: > 0 } && complaints.Count < 10)
            {
                complaints.Add(line.Data);
            }
        };
        try
        {
            git.Start();
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            tally.Fail($"{repository}: git could not be started: {e.Message}");
            return tally.Result();
        }

        git.BeginErrorReadLine();
        try
        {
            Scan(scanner, git.StandardOutput.BaseStream, tally, cancellation);
            git.WaitForExit();
            if (git.ExitCode != 0)
            {
                tally.Fail($"{repository}: git ended with exit code {git.ExitCode}: {string.Join("; ", complaints)}");
            }
        }
        finally
        {
            if (!git.HasExited)
            {
                git.Kill(entireProcessTree: true);
                git.WaitForExit();
            }
        }

        return tally.Result();
    }

    /// <summary>Scans patches in the form that <see cref="GitPatchReader"/> reads.</summary>
    internal static void Scan(SecretScanner scanner, Stream patch, ScanTally tally, CancellationToken cancellation)
    {
        var options = new ParallelOptions
        {
            CancellationToken = cancellation,
            MaxDegreeOfParallelism = Environment.ProcessorCount,
        };
        Parallel.ForEach(
            Batches(new GitPatchReader(patch, tally))
                .Select((batch, order) => (Batch: batch, Order: (long)order << 20)),
            options,
            each =>
            {
                var order = each.Order;
                foreach (var fragment in each.Batch)
                {
                    tally.Add(order++, FindingsIn(scanner, fragment));
                }
            }
        );
    }

    private static IEnumerable<Findings.Finding> FindingsIn(SecretScanner scanner, Fragment fragment) =>
        scanner.PassesOver(fragment.Path, fragment.Commit?.Hash ?? "") ? []
        : fragment.Bytes.IsEmpty ? scanner.ScanPath(fragment.Path, fragment.Commit)
        : scanner.Scan(fragment);

    private static IEnumerable<List<Fragment>> Batches(GitPatchReader reader)
    {
        var batch = new List<Fragment>();
        var size = 0;
        foreach (var fragment in reader.Read())
        {
            batch.Add(fragment);
            size += fragment.Bytes.Length + 64;
            if (size >= Batch)
            {
                yield return batch;
                batch = [];
                size = 0;
            }
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }

    private ProcessStartInfo Start()
    {
        var start = new ProcessStartInfo("git")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        string[] command = scope switch
        {
            GitScope.Staged => ["diff", "--staged", .. Patch],
            GitScope.Unstaged => ["diff", .. Patch],
            _ =>
            [
                "log",
                "-p",
                "--full-history",
                "--diff-filter=tuxdb",
                $"--pretty=format:{GitPatchReader.Format}",
                .. Patch,
                .. logOptions.Count > 0 ? logOptions : ["--all"],
            ],
        };
        foreach (var word in (string[])["-C", repository, .. Settings, .. command])
        {
            start.ArgumentList.Add(word);
        }

        start.Environment["GIT_OPTIONAL_LOCKS"] = "0";
        start.Environment["LC_ALL"] = "C";
        return start;
    }
}
