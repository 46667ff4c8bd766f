using Mayfly.Core.Pipeline;

namespace Mayfly.Core.Engines;

/// <summary>Rules for paths that callers choose for their own data.</summary>
internal static class KeyPath
{
    private const int MaxLength = 4_096;
    private const int MaxSegments = 128;

    /// <summary>Why <paramref name="path"/> cannot name a record, or null when it can.</summary>
    public static Fault? Problem(ReadOnlySpan<char> path, Operation operation)
    {
        if (path.IsEmpty)
        {
            return Fault.Invalid("missing path");
        }

        if (path[^1] != '/')
        {
            return FolderProblem(path);
        }

        return operation == Operation.Read ? Fault.NotFound() : Fault.Invalid("cannot write to a path ending in '/'");
    }

    /// <summary>Why <paramref name="folder"/> ("" or with a slash at the end or not) cannot be listed, or null when it can.</summary>
    public static Fault? FolderProblem(ReadOnlySpan<char> folder)
    {
        if (folder.Length > MaxLength)
        {
            return Fault.Invalid($"the path is longer than {MaxLength} characters");
        }

        if (folder.IndexOfAnyInRange('\0', '\u001f') >= 0)
        {
            return Fault.Invalid("the path has a control character");
        }

        if (folder.StartsWith("/") || folder.IndexOf("//") >= 0)
        {
            return Fault.Invalid("the path has an empty part");
        }

        return folder.Count('/') >= MaxSegments ? Fault.Invalid($"the path has more than {MaxSegments} parts") : null;
    }

    /// <summary><paramref name="path"/> as <c>View</c> takes folders: empty, or with a slash at the end.</summary>
    public static string Folder(string path) => path.Length == 0 || path[^1] == '/' ? path : path + "/";
}
