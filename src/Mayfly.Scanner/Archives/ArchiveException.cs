namespace Mayfly.Scanner.Archives;

/// <summary>Why an archive, or the rest of it, cannot be read: it is broken, or larger than its limits allow.</summary>
/// <param name="reason">For people; holds nothing of what is in the archive.</param>
/// <param name="endsAll">No more of the file that is scanned may be unpacked, whatever other archives are in it.</param>
internal sealed class ArchiveException(string reason, bool endsAll = false) : Exception(reason)
{
    public bool EndsAll { get; } = endsAll;

    /// <summary>What readers throw when their input is broken, the framework's too.</summary>
    public static bool IsBroken(Exception e) =>
        e
            is ArchiveException { EndsAll: false }
                or InvalidDataException
                or IOException
                or NotSupportedException
                or ArgumentException
                or OverflowException;
}
