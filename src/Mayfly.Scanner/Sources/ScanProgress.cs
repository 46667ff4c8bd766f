namespace Mayfly.Scanner.Sources;

/// <summary>How far a scan is, for somebody who watches it from another thread. Numbers only grow.</summary>
public sealed class ScanProgress
{
    private long _bytes;
    private long _files;
    private long _commits;
    private long _findings;

    /// <summary>How much text was looked at.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>How many files, or patches of files.</summary>
    public long Files => Interlocked.Read(ref _files);

    /// <summary>How many commits.</summary>
    public long Commits => Interlocked.Read(ref _commits);

    /// <summary>How many findings, with those that will turn out to be known already.</summary>
    public long Findings => Interlocked.Read(ref _findings);

    internal void CountBytes(long bytes) => Interlocked.Add(ref _bytes, bytes);

    internal void CountFiles(long files) => Interlocked.Add(ref _files, files);

    internal void CountCommits(long commits) => Interlocked.Add(ref _commits, commits);

    internal void CountFindings(long findings) => Interlocked.Add(ref _findings, findings);
}
