using Mayfly.Scanner.Findings;

namespace Mayfly.Scanner.Sources;

/// <summary>Collects what the threads of a scan find. Safe for concurrent use.</summary>
/// <param name="progress">Is told how far the scan is; null when nobody watches.</param>
internal sealed class ScanTally(ScanProgress? progress = null)
{
    private readonly Lock _lock = new();
    private readonly List<(long Order, Finding Finding)> _findings = [];
    private readonly List<PassedOver> _passedOver = [];

    // Its own, as a watcher may have seen another try before.
    private readonly ScanProgress _counts = new();
    private string? _failure;
    private long _binaryFiles;

    /// <param name="order">The place of the file or patch among the others, from which the report has its order.</param>
    /// <param name="findings">What was found in it.</param>
    public void Add(long order, IEnumerable<Finding> findings)
    {
        lock (_lock)
        {
            var before = _findings.Count;
            _findings.AddRange(findings.Select(finding => (order, finding)));
            progress?.CountFindings(_findings.Count - before);
        }
    }

    public void PassOver(string path, string reason)
    {
        lock (_lock)
        {
            _passedOver.Add(new PassedOver(path, reason));
        }
    }

    /// <summary>Adds what another scan found, after everything that is here.</summary>
    public void Include(ScanResult part)
    {
        lock (_lock)
        {
            var order = _findings.Count == 0 ? 0 : _findings.Max(each => each.Order) + 1;
            Include(part, part.Findings.Select((finding, i) => (order + i, finding)));
        }
    }

    /// <summary>Adds what was found in one file or patch.</summary>
    /// <param name="part">All of it.</param>
    /// <param name="order">Its place among the others.</param>
    public void Include(ScanResult part, long order)
    {
        lock (_lock)
        {
            Include(part, part.Findings.Select(finding => (order, finding)));
        }
    }

    private void Include(ScanResult part, IEnumerable<(long Order, Finding Finding)> findings)
    {
        lock (_lock)
        {
            _findings.AddRange(findings);
            _passedOver.AddRange(part.PassedOver);
        }

        CountBytes(part.Bytes);
        progress?.CountFindings(part.Findings.Count);
        CountFiles(part.Files);
        CountCommits(part.Commits);
        Interlocked.Add(ref _binaryFiles, part.BinaryFiles);
    }

    /// <summary>The rest could not be read.</summary>
    public void Fail(string reason) => _failure = reason;

    public void CountBytes(long bytes)
    {
        _counts.CountBytes(bytes);
        progress?.CountBytes(bytes);
    }

    public void CountFile() => CountFiles(1);

    public void CountBinaryFile() => Interlocked.Increment(ref _binaryFiles);

    public void CountCommit() => CountCommits(1);

    public ScanResult Result() =>
        new(
            [
                .. _findings
                    .OrderBy(each => each.Order)
                    .ThenBy(each => each.Finding.File, StringComparer.Ordinal)
                    .ThenBy(each => each.Finding.StartLine)
                    .ThenBy(each => each.Finding.StartColumn)
                    .ThenBy(each => each.Finding.RuleId, StringComparer.Ordinal)
                    .Select(each => each.Finding),
            ],
            [.. _passedOver.OrderBy(each => each.Path, StringComparer.Ordinal)],
            _counts.Bytes,
            _counts.Files,
            _binaryFiles,
            _counts.Commits,
            _failure
        );

    private void CountFiles(long files)
    {
        _counts.CountFiles(files);
        progress?.CountFiles(files);
    }

    private void CountCommits(long commits)
    {
        _counts.CountCommits(commits);
        progress?.CountCommits(commits);
    }
}
