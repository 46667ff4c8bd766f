using Mayfly.Scanner.Findings;

namespace Mayfly.Scanner.Sources;

/// <summary>Collects what the threads of a scan find. Safe for concurrent use.</summary>
internal sealed class ScanTally
{
    private readonly Lock _lock = new();
    private readonly List<(long Order, Finding Finding)> _findings = [];
    private readonly List<PassedOver> _passedOver = [];
    private string? _failure;
    private long _bytes;
    private long _files;
    private long _binaryFiles;
    private long _commits;

    /// <param name="order">The place of the file or patch among the others, from which the report has its order.</param>
    /// <param name="findings">What was found in it.</param>
    public void Add(long order, IEnumerable<Finding> findings)
    {
        lock (_lock)
        {
            _findings.AddRange(findings.Select(finding => (order, finding)));
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
            _findings.AddRange(part.Findings.Select((finding, i) => (order + i, finding)));
            _passedOver.AddRange(part.PassedOver);
        }

        CountBytes(part.Bytes);
        Interlocked.Add(ref _files, part.Files);
        Interlocked.Add(ref _binaryFiles, part.BinaryFiles);
        Interlocked.Add(ref _commits, part.Commits);
    }

    /// <summary>The rest could not be read.</summary>
    public void Fail(string reason) => _failure = reason;

    public void CountBytes(long bytes) => Interlocked.Add(ref _bytes, bytes);

    public void CountFile() => Interlocked.Increment(ref _files);

    public void CountBinaryFile() => Interlocked.Increment(ref _binaryFiles);

    public void CountCommit() => Interlocked.Increment(ref _commits);

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
            _bytes,
            _files,
            _binaryFiles,
            _commits,
            _failure
        );
}
