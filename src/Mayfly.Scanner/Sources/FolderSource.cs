using Mayfly.Scanner.Archives;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Scanner.Sources;

/// <summary>
/// The files of a folder and all below it, or one file. Left out: what <c>.gitignore</c> files name, <c>.git</c> itself,
/// and files that are no text. Links to folders are not followed.
/// </summary>
/// <param name="root">The folder or file, as findings name it.</param>
public sealed class FolderSource(string root) : IScanSource
{
    /// <summary>What the framework gives for what the system does not know.</summary>
    private const FileAttributes NoAttributes = (FileAttributes)(-1);

    private static readonly EnumerationOptions Everything = new()
    {
        AttributesToSkip = FileAttributes.None,
        IgnoreInaccessible = false,
    };

    /// <summary>Links to files are followed; findings name both.</summary>
    public bool FollowLinks { get; init; }

    /// <summary>Also what <c>.gitignore</c> files name.</summary>
    public bool IncludeIgnored { get; init; }

    /// <summary>Larger files (in bytes) are listed as passed over; 0 for any size.</summary>
    public long LargestFile { get; init; }

    /// <summary>So many archives inside of each other are opened; 0 for none.</summary>
    public int MaxArchiveDepth { get; init; }

    /// <summary>Files (by their full path) that are left out: the baseline and the configuration of the scan itself.</summary>
    public IReadOnlySet<string> Except { get; init; } = new HashSet<string>();

    /// <summary>Is told how far the scan is.</summary>
    public ScanProgress Progress { get; init; } = new();

    /// <inheritdoc />
    public ScanResult Scan(SecretScanner scanner, CancellationToken cancellation)
    {
        var tally = new ScanTally(Progress);
        var options = new ParallelOptions
        {
            CancellationToken = cancellation,
            MaxDegreeOfParallelism = Environment.ProcessorCount,
        };
        Parallel.ForEach(
            Files(tally).Select((file, order) => (File: file, Order: (long)order)),
            options,
            static () => new FragmentCutter(),
            (each, _, cutter) =>
            {
                ScanFile(scanner, cutter, each.File, each.Order, tally, cancellation);
                return cutter;
            },
            static _ => { }
        );
        return tally.Result();
    }

    private void ScanFile(
        SecretScanner scanner,
        FragmentCutter cutter,
        FoundFile file,
        long order,
        ScanTally tally,
        CancellationToken cancellation
    )
    {
        if (scanner.PassesOver(file.Name))
        {
            return;
        }

        tally.Add(order, scanner.ScanPath(file.Name));
        try
        {
            using var stream = new FileStream(file.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1);
            if (LargestFile > 0 && stream.Length > LargestFile)
            {
                tally.PassOver(file.Name, $"it is larger than {LargestFile >> 20} MB");
                return;
            }

            var model = new Fragment(default, file.Name) { SymlinkFile = file.Link };
            var content = new ContentScan(scanner, cutter, tally, order, MaxArchiveDepth, file.IsRoot, cancellation);
            content.Scan(stream, model, stream.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            tally.PassOver(file.Name, e is UnauthorizedAccessException ? "permission denied" : e.Message);
        }
    }

    private IEnumerable<FoundFile> Files(ScanTally tally)
    {
        var start = Path.GetFullPath(root);
        if (!Directory.Exists(start))
        {
            var name = Slashes(root);
            if (File.Exists(start))
            {
                yield return new FoundFile(start, name, "") { IsRoot = true };
            }
            else
            {
                tally.PassOver(name, "there is no such file or folder");
            }

            yield break;
        }

        var prefix = Slashes(root).TrimEnd('/');
        prefix =
            prefix is "" && root.StartsWith('/') ? "/"
            : prefix is "." or "" ? ""
            : prefix + "/";
        prefix = prefix.StartsWith("./", StringComparison.Ordinal) ? prefix[2..] : prefix;
        var folders = new Stack<(string Path, string Name, IgnoreStack? Ignored)>();
        folders.Push((start, prefix, IncludeIgnored ? null : IgnoreStack.For(start)));
        while (folders.TryPop(out var folder))
        {
            var below = new List<(string, string, IgnoreStack?)>();
            foreach (var entry in Entries(folder.Path, folder.Name, tally))
            {
                if (entry.Attributes == NoAttributes)
                {
                    tally.PassOver(folder.Name + entry.Name, "it is gone, or its path is longer than the system takes");
                    continue;
                }

                var isLink = entry.Attributes.HasFlag(FileAttributes.ReparsePoint);
                var isFolder = entry.Attributes.HasFlag(FileAttributes.Directory);
                if (
                    entry.Name == ".git"
                    || Except.Contains(entry.FullName)
                    || folder.Ignored?.Ignores(entry.FullName, isFolder && !isLink) == true
                )
                {
                    continue;
                }

                var name = folder.Name + entry.Name;
                if (isLink)
                {
                    if (FollowLinks && LinkedFile(entry, name, tally) is { } linked)
                    {
                        yield return linked;
                    }
                }
                else if (isFolder)
                {
                    var ignored = IncludeIgnored ? null : IgnoreStack.Enter(folder.Ignored, entry.FullName);
                    below.Add((entry.FullName, name + "/", ignored));
                }
                // Pipes and devices have no length, and opening one could wait for ever.
                else if (entry is FileInfo { Length: > 0 })
                {
                    yield return new FoundFile(entry.FullName, name, "");
                }
            }

            below.Reverse();
            below.ForEach(folders.Push);
        }
    }

    private static FoundFile? LinkedFile(FileSystemInfo link, string name, ScanTally tally)
    {
        try
        {
            return link.ResolveLinkTarget(returnFinalTarget: true) switch
            {
                FileInfo { Exists: true, Length: > 0 } file => new FoundFile(file.FullName, file.FullName, name),
                _ => null,
            };
        }
        catch (IOException e)
        {
            tally.PassOver(name, e.Message);
            return null;
        }
    }

    private static List<FileSystemInfo> Entries(string folder, string name, ScanTally tally)
    {
        try
        {
            var entries = new DirectoryInfo(folder).GetFileSystemInfos("*", Everything);
            return [.. entries.OrderBy(entry => entry.Name, StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            tally.PassOver(name, e is UnauthorizedAccessException ? "permission denied" : e.Message);
            return [];
        }
    }

    private static string Slashes(string path) =>
        Path.DirectorySeparatorChar == '/' ? path : path.Replace(Path.DirectorySeparatorChar, '/');

    /// <param name="Path">To open it.</param>
    /// <param name="Name">For findings.</param>
    /// <param name="Link">The link that led to it, or "".</param>
    private sealed record FoundFile(string Path, string Name, string Link)
    {
        /// <summary>The scan is of this file alone.</summary>
        public bool IsRoot { get; init; }
    }
}
