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

    /// <summary>When some commits cannot be read, the others are asked for in lists of so many.</summary>
    private const int CommitsAtOnce = 200;

    /// <summary>So many are looked for one by one.</summary>
    private const int MostUnreadable = 200;

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

    private static readonly string[] Log =
    [
        "log",
        "-p",
        "--full-history",
        "--diff-filter=tuxdb",
        $"--pretty=format:{GitPatchReader.Format}",
        .. Patch,
    ];

    /// <inheritdoc />
    public ScanResult Scan(SecretScanner scanner, CancellationToken cancellation)
    {
        var tally = new ScanTally();
        var problem = Run(Command(), null, patch => Scan(scanner, patch, tally, cancellation));
        if (problem is null)
        {
            return tally.Result();
        }

        if (scope == GitScope.History && Commits() is { Count: > 0 } commits)
        {
            // git ends at the first object that it cannot read. What it showed until then is read again with the rest.
            tally = new ScanTally();
            tally.PassOver(repository, $"git could not read all of it: {problem}");
            var unreadable = 0;
            foreach (var some in commits.Chunk(CommitsAtOnce))
            {
                ScanReadable(scanner, some, tally, ref unreadable, cancellation);
            }
        }
        else
        {
            tally.Fail($"{repository}: {problem}");
        }

        return tally.Result();
    }

    /// <summary>The commits that git can list: of all references one by one, as one that is broken would hide the others.</summary>
    private List<string> Commits()
    {
        var found = new HashSet<string>();
        var all = new List<string>();
        var tips = new List<string>();
        if (logOptions.Count == 0)
        {
            Run(["for-each-ref", "--format=%(objectname)"], null, output => tips.AddRange(Lines(output)));
        }

        foreach (
            var which in tips.Count > 0
                ? tips.Distinct().Select(tip => (string[])[tip])
                :
                [
                    [.. logOptions],
                ]
        )
        {
            Run(
                ["log", "-s", "--format=%H", .. which],
                null,
                output => all.AddRange(Lines(output).Where(line => line.Length >= 40 && found.Add(line)))
            );
        }

        return all;
    }

    private void ScanReadable(
        SecretScanner scanner,
        string[] commits,
        ScanTally tally,
        ref int unreadable,
        CancellationToken cancellation
    )
    {
        cancellation.ThrowIfCancellationRequested();
        var part = new ScanTally();
        var merges = logOptions.TakeWhile(word => word != "--").Where(IsAboutMerges);
        var paths = logOptions.SkipWhile(word => word != "--");
        string[] command = [.. Log, .. merges, "--no-walk=unsorted", "--stdin", .. paths];
        var problem = Run(command, commits, patch => Scan(scanner, patch, part, cancellation));
        if (problem is not null && commits.Length > 1 && unreadable < MostUnreadable)
        {
            ScanReadable(scanner, commits[..(commits.Length / 2)], tally, ref unreadable, cancellation);
            ScanReadable(scanner, commits[(commits.Length / 2)..], tally, ref unreadable, cancellation);
            return;
        }

        tally.Include(part.Result());
        if (problem is not null)
        {
            unreadable++;
            var more = commits.Length > 1 ? $" and {commits.Length - 1} commits after it" : "";
            tally.PassOver($"{repository}: commit {commits[0]}{more}", problem);
        }
    }

    private static bool IsAboutMerges(string option) =>
        option is "-m" or "-c" or "--cc" or "--first-parent" or "--remerge-diff" or "--dd"
        || option.StartsWith("--diff-merges=", StringComparison.Ordinal);

    private static IEnumerable<string> Lines(Stream output)
    {
        using var reader = new StreamReader(output);
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }

    /// <summary>Why git failed, or null.</summary>
    private string? Run(IReadOnlyList<string> command, string[]? input, Action<Stream> read)
    {
        using var git = new Process { StartInfo = Start(command) };
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
            return $"git could not be started: {e.Message}";
        }

        git.BeginErrorReadLine();
        try
        {
            if (input is not null)
            {
                git.StandardInput.Write(string.Join('\n', input) + "\n");
                git.StandardInput.Close();
            }

            read(git.StandardOutput.BaseStream);
            git.WaitForExit();
            return git.ExitCode == 0
                ? null
                : $"git ended with exit code {git.ExitCode}: {string.Join("; ", complaints)}";
        }
        finally
        {
            if (!git.HasExited)
            {
                git.Kill(entireProcessTree: true);
                git.WaitForExit();
            }
        }
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

    private string[] Command() =>
        scope switch
        {
            GitScope.Staged => ["diff", "--staged", .. Patch],
            GitScope.Unstaged => ["diff", .. Patch],
            _ => [.. Log, .. logOptions.Count > 0 ? logOptions : ["--all"]],
        };

    private ProcessStartInfo Start(IReadOnlyList<string> command)
    {
        var start = new ProcessStartInfo("git")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
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
