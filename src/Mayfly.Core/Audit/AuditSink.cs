namespace Mayfly.Core.Audit;

/// <summary>Where a device's lines go. Used by one writer at a time; only <see cref="Abort"/> comes from elsewhere.</summary>
internal abstract class AuditSink : IDisposable
{
    /// <summary>A write may block for long, so it needs a thread of its own.</summary>
    public abstract bool Blocks { get; }

    /// <summary>A line that is longer does not fit; it is refused before it gets here.</summary>
    public virtual int LongestLine => int.MaxValue;

    /// <summary>Makes it ready for lines: opens, connects, or notices that the file is no longer the one.</summary>
    /// <param name="look">Look also for what is dear to find out: whether the path still leads to the open file.</param>
    public abstract Preparation Prepare(bool look);

    /// <summary>Writes what is not done yet and advances <see cref="SealedLines.Done"/>; null, or why it did not go on.</summary>
    public abstract string? Write(SealedLines lines);

    /// <summary>After <see cref="SinkState.Moved"/>: lets go of the old file, so that the next preparation opens the new one.</summary>
    public virtual void LetGo() { }

    /// <summary>Keeps the newest checkpoint beside the log.</summary>
    public virtual string? SaveHead(ReadOnlySpan<byte> checkpoint) => null;

    /// <summary>Ends a wait inside <see cref="Write"/>.</summary>
    public virtual void Abort() { }

    public abstract void Dispose();
}

/// <summary>What <see cref="AuditSink.Prepare"/> found.</summary>
internal enum SinkState
{
    /// <summary>As it was.</summary>
    Ready,

    /// <summary>Opened, and there is nothing in it yet.</summary>
    Empty,

    /// <summary>Opened, and it has lines already.</summary>
    Continued,

    /// <summary>Connected again to something that has seen lines before: what was sent in part must be sent again.</summary>
    Reconnected,

    /// <summary>The path leads to another file, or to none; the old one is still open for a last line.</summary>
    Moved,

    /// <summary>It cannot take lines.</summary>
    Failed,
}

/// <summary>The state of a sink, with what belongs to it.</summary>
/// <param name="State">What was found.</param>
/// <param name="Reason">Why it failed or moved, for the operator.</param>
/// <param name="Tail">How a continued file ends.</param>
internal readonly record struct Preparation(SinkState State, string Reason = "", FileTail? Tail = null)
{
    public static Preparation Ready => new(SinkState.Ready);

    public static Preparation Failed(string reason) => new(SinkState.Failed, reason);
}
