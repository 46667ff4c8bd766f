namespace Mayfly.Scanner.Archives;

/// <summary>Ends where the one below breaks off, so that what came before is still looked at.</summary>
/// <param name="inner">Not owned.</param>
internal sealed class TornStream(Stream inner) : ForwardStream
{
    /// <summary>Why it ended too early, or null.</summary>
    public Exception? Problem { get; private set; }

    public override int Read(Span<byte> buffer)
    {
        if (Problem is not null)
        {
            return 0;
        }

        try
        {
            return inner.Read(buffer);
        }
        catch (Exception e) when (e is ArchiveException || ArchiveException.IsBroken(e))
        {
            Problem = e;
            return 0;
        }
    }
}
