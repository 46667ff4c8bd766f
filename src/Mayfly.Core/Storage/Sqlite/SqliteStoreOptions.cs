namespace Mayfly.Core.Storage.Sqlite;

/// <summary>What an operator or a test may set. Immutable.</summary>
public sealed record SqliteStoreOptions
{
    /// <summary>
    /// Open the store although acknowledged writes are missing from it (a damaged write-ahead log, an older copy of the
    /// data file). Without it the store refuses to open.
    /// </summary>
    public bool AcceptLostCommits { get; init; }

    /// <summary>When the write-ahead log has grown to this, its pages are moved into the data file.</summary>
    public long CheckpointBytes { get; init; } = 16 << 20;

    /// <summary>Most commits that share one sync.</summary>
    public int GroupLimit { get; init; } = 256;

    /// <summary>Most commits that may wait for the writer; more are refused.</summary>
    public int WaitingLimit { get; init; } = 16_384;

    /// <summary>Most reads that run at the same time; more wait.</summary>
    public int Readers { get; init; } = Math.Clamp(Environment.ProcessorCount, 4, 16);

    /// <summary>Memory for the writer's page cache.</summary>
    public int WriterCacheKibibytes { get; init; } = 8192;

    /// <summary>
    /// Memory for each reader's page cache. Small: it is void after each commit, and what is read often is remembered
    /// above the store.
    /// </summary>
    public int ReaderCacheKibibytes { get; init; } = 2048;
}
