using System.Globalization;
using System.Text;
using Mayfly.Scanner.Archives;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Scanning;

namespace Mayfly.Scanner.Sources;

/// <summary>
/// Files of which git shows no lines, read by their hashes: archives are opened, and what is text after all is scanned. Any
/// other is counted.
/// </summary>
/// <param name="git">The repository.</param>
/// <param name="largestFile">Larger ones (in bytes) are listed as passed over; 0 for any size.</param>
/// <param name="deepest">So many archives inside of each other are opened.</param>
internal sealed class GitBlobs(GitProgram git, long largestFile, int deepest)
{
    /// <summary>Their findings come after those of the patches.</summary>
    private const long FirstOrder = long.MaxValue / 2;

    /// <summary>What has been found in texts: a later version of the same file adds it no more.</summary>
    private readonly HashSet<(string File, string Rule, string Secret)> _older = [];

    /// <summary>Scans files that are stored in the repository.</summary>
    /// <remarks>The files are as git's log has them, the newest first.</remarks>
    public void Scan(
        IReadOnlyList<BinaryFile> files,
        SecretScanner scanner,
        ScanTally tally,
        CancellationToken cancellation
    )
    {
        if (files.Count == 0)
        {
            return;
        }

        var read = 0;
        var problem = git.Talk(
            ["cat-file", "--batch"],
            (questions, answers) =>
            {
                using var buffered = new BufferedStream(answers, 64 << 10);
                var cutter = new FragmentCutter();
                for (; read < files.Count; read++)
                {
                    cancellation.ThrowIfCancellationRequested();

                    // The oldest first, as it is the commit that added what the later ones have, too.
                    var place = files.Count - 1 - read;
                    questions.Write(files[place].Blob + "\n");
                    questions.Flush();
                    if (!Answer(buffered, files[place], FirstOrder + place, scanner, cutter, tally, cancellation))
                    {
                        break;
                    }
                }

                questions.Close();
            }
        );
        foreach (var file in files.SkipLast(read))
        {
            tally.PassOver(Name(file), problem ?? "git did not give it");
        }
    }

    /// <summary>Scans files that have been changed and are not staged, from where they lie.</summary>
    public void ScanWorkingTree(
        IReadOnlyList<BinaryFile> files,
        SecretScanner scanner,
        ScanTally tally,
        CancellationToken cancellation
    )
    {
        var folder = "";
        if (files.Count > 0)
        {
            git.Run(["rev-parse", "--show-toplevel"], null, output => folder = new StreamReader(output).ReadToEnd());
        }

        var cutter = new FragmentCutter();
        for (var i = 0; i < files.Count; i++)
        {
            try
            {
                using var content = File.OpenRead(Path.Combine(folder.TrimEnd('\n'), files[i].Path));
                Scan(content, content.Length, files[i], FirstOrder + i, scanner, cutter, tally, cancellation);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                tally.PassOver(Name(files[i]), e.Message);
            }
        }
    }

    /// <summary>Takes git's answer: <c>HASH blob SIZE</c>, the content, a line's end. False when it did not come whole.</summary>
    private bool Answer(
        Stream answers,
        BinaryFile file,
        long order,
        SecretScanner scanner,
        FragmentCutter cutter,
        ScanTally tally,
        CancellationToken cancellation
    )
    {
        var header = new StringBuilder();
        int letter;
        while ((letter = answers.ReadByte()) is not ('\n' or -1) && header.Length < 1000)
        {
            header.Append((char)letter);
        }

        if (
            header.ToString().Split(' ') is not [_, "blob", var length]
            || !long.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var size)
        )
        {
            if (letter == '\n')
            {
                tally.PassOver(Name(file), "git does not have it");
            }

            return letter == '\n';
        }

        using var content = new PartStream(answers, size);
        Scan(content, size, file, order, scanner, cutter, tally, cancellation);
        return content.SkipRest() && answers.ReadByte() == '\n';
    }

    private void Scan(
        Stream content,
        long size,
        BinaryFile file,
        long order,
        SecretScanner scanner,
        FragmentCutter cutter,
        ScanTally tally,
        CancellationToken cancellation
    )
    {
        if (scanner.PassesOver(file.Path, file.Commit?.Hash ?? ""))
        {
            return;
        }

        if (largestFile > 0 && size > largestFile)
        {
            tally.PassOver(Name(file), $"it is larger than {largestFile / 1_000_000} MB");
            return;
        }

        var model = new Fragment(default, file.Path) { Commit = file.Commit };
        var found = new ScanTally();
        new ContentScan(scanner, cutter, found, order, deepest, mustOpen: false, cancellation).Scan(
            content,
            model,
            size
        );
        var part = found.Result();
        var news = part.Findings.Where(finding =>
            finding.File != file.Path || _older.Add((finding.File, finding.RuleId, finding.Secret))
        );
        tally.Include(part with { Findings = [.. news] }, order);
    }

    private static string Name(BinaryFile file) => file.Commit is { } commit ? $"{commit.Hash}:{file.Path}" : file.Path;
}

/// <summary>A file in a patch of which git shows no lines.</summary>
/// <param name="Path">With slashes.</param>
/// <param name="Blob">The hash of its content.</param>
/// <param name="Commit">What added or changed it, or null.</param>
internal sealed record BinaryFile(string Path, string Blob, CommitInfo? Commit);
