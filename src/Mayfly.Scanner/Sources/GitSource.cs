using System.Collections.Concurrent;
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

    private static readonly string[] Patch =
    [
        "-U0",
        "--full-index",
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

    private readonly GitProgram _git = new(repository);

    /// <summary>So many archives inside of each other are opened; 0 for none.</summary>
    public int MaxArchiveDepth { get; init; }

    /// <summary>Larger archives (in bytes) are listed as passed over; 0 for any size.</summary>
    public long LargestFile { get; init; }

    /// <summary>Is told how far the scan is.</summary>
    public ScanProgress Progress { get; init; } = new();

    /// <inheritdoc />
    public ScanResult Scan(SecretScanner scanner, CancellationToken cancellation)
    {
        var tally = new ScanTally(Progress);
        var binaries = new List<BinaryFile>();
        var problem = _git.Run(Command(), null, patch => Scan(scanner, patch, tally, binaries, cancellation));
        if (problem is null)
        {
            ScanBlobs(scanner, binaries, tally, cancellation);
            return tally.Result();
        }

        if (scope == GitScope.History && Commits() is { Count: > 0 } commits)
        {
            // git ends at the first object that it cannot read. What it showed until then is read again with the rest.
            tally = new ScanTally(Progress);
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
            _git.Run(["for-each-ref", "--format=%(objectname)"], null, output => tips.AddRange(Lines(output)));
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
            _git.Run(
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
        var binaries = new List<BinaryFile>();
        var merges = logOptions.TakeWhile(word => word != "--").Where(IsAboutMerges);
        var paths = logOptions.SkipWhile(word => word != "--");
        string[] command = [.. Log, .. merges, "--no-walk=unsorted", "--stdin", .. paths];
        var problem = _git.Run(command, commits, patch => Scan(scanner, patch, part, binaries, cancellation));
        if (problem is not null && commits.Length > 1 && unreadable < MostUnreadable)
        {
            ScanReadable(scanner, commits[..(commits.Length / 2)], tally, ref unreadable, cancellation);
            ScanReadable(scanner, commits[(commits.Length / 2)..], tally, ref unreadable, cancellation);
            return;
        }

        ScanBlobs(scanner, binaries, part, cancellation);
        tally.Include(part.Result());
        if (problem is not null)
        {
            unreadable++;
            var more = commits.Length > 1 ? $" and {commits.Length - 1} commits after it" : "";
            tally.PassOver($"{repository}: commit {commits[0]}{more}", problem);
        }
    }

    /// <summary>
    /// Looks into files of which git shows no lines: they may be archives, but also text in UTF-16, or text of which
    /// <c>.gitattributes</c> says that it has no differences to show.
    /// </summary>
    private void ScanBlobs(
        SecretScanner scanner,
        List<BinaryFile> binaries,
        ScanTally tally,
        CancellationToken cancellation
    )
    {
        var blobs = new GitBlobs(_git, LargestFile, MaxArchiveDepth);
        if (scope == GitScope.Unstaged)
        {
            blobs.ScanWorkingTree(binaries, scanner, tally, cancellation);
        }
        else
        {
            blobs.Scan(binaries, scanner, tally, cancellation);
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

    /// <summary>Scans patches in the form that <see cref="GitPatchReader"/> reads.</summary>
    internal static void Scan(
        SecretScanner scanner,
        Stream patch,
        ScanTally tally,
        List<BinaryFile> binaries,
        CancellationToken cancellation
    )
    {
        var options = new ParallelOptions
        {
            CancellationToken = cancellation,
            MaxDegreeOfParallelism = Environment.ProcessorCount,
        };
        var batches = Batches(new GitPatchReader(patch, tally, binaries))
            .Select((batch, order) => (Batch: batch, Order: (long)order << 20));
        Parallel.ForEach(
            // Else a thread takes up to 512 batches at once, and all of them are in memory.
            Partitioner.Create(batches, EnumerablePartitionerOptions.NoBuffering),
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
}
