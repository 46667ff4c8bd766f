using System.IO.Compression;
using System.Runtime.ExceptionServices;
using System.Text;
using System.Text.RegularExpressions;
using Mayfly.Scanner.Scanning;
using Mayfly.Scanner.Sources;

namespace Mayfly.Scanner.Archives;

/// <summary>
/// Scans one file: as text, or as an archive with all that is in it. Archives are read as they stream by; nothing is written
/// to disk, and names of entries are names and nothing more. One owner, one thread, one file.
/// </summary>
/// <param name="scanner">Has the rules.</param>
/// <param name="cutter">Not in use elsewhere.</param>
/// <param name="tally">Where everything is counted and listed.</param>
/// <param name="order">The place of the file among the others.</param>
/// <param name="deepest">So many archives inside of each other are opened; 0 for none.</param>
/// <param name="mustOpen">An archive too deep is listed in any case: it was asked for by its name.</param>
/// <param name="cancellation">Ends it at the next read.</param>
internal sealed partial class ContentScan(
    SecretScanner scanner,
    FragmentCutter cutter,
    ScanTally tally,
    long order,
    int deepest,
    bool mustOpen,
    CancellationToken cancellation
)
{
    /// <summary>Between an archive and what is in it, as gitleaks has it.</summary>
    private const char Inside = '!';

    /// <summary>A zip that comes from a stream must be held in memory, as its directory is at its end.</summary>
    private const int LargestHeldZip = 64 << 20;

    /// <summary>A zip's directory, which is held in memory, has at most so many bytes.</summary>
    private const int LargestZipDirectory = 16 << 20;

    /// <summary>Longer names are cut.</summary>
    private const int LongestName = 4096;

    /// <summary>So many entries of one file are listed as passed over, the others counted.</summary>
    private const int MostComplaints = 100;

    private int _complaints;

    /// <param name="content">At its beginning.</param>
    /// <param name="model">Has the name, the link, the commit.</param>
    /// <param name="size">In bytes, or null when the content goes on for nobody knows how long.</param>
    public void Scan(Stream content, Fragment model, long? size)
    {
        var budget = new UnpackBudget(size ?? 0, cancellation);
        var source = size is null ? new MeteredStream(content, budget.CountPacked) : content;
        try
        {
            Scan(source, model, size, new Place(0, Free.Nothing, InLayer: false), budget);
        }
        catch (Exception e) when (e is ArchiveException || ArchiveException.IsBroken(e))
        {
            tally.PassOver(model.Path, e.Message);
        }

        if (_complaints > MostComplaints)
        {
            tally.PassOver(model.Path, $"{_complaints - MostComplaints} more of its entries were passed over");
        }
    }

    private void Scan(Stream content, Fragment model, long? size, Place place, UnpackBudget budget)
    {
        var (format, encoding, start) = Look(content);
        var isFree =
            (format == ArchiveFormat.Tar && place.Free != Free.Nothing)
            || (format == ArchiveFormat.Gzip && place.Free == Free.Layer);
        var inside = place with
        {
            Depth = isFree ? place.Depth : place.Depth + 1,
            InLayer = isFree && (place.InLayer || place.Free == Free.Layer),
            Free = Free.Nothing,
        };
        if (format == ArchiveFormat.None && encoding is null)
        {
            tally.CountBinaryFile();
        }
        else if (format == ArchiveFormat.None)
        {
            tally.CountFile();
            var torn = new TornStream(start);
            var text = TextEncoding.Open(torn, encoding!);
            StreamSource.Read(scanner, cutter, text, model, tally, order, cancellation);
            if (torn.Problem is { } problem)
            {
                ExceptionDispatchInfo.Throw(problem);
            }
        }
        else if (inside.Depth <= deepest)
        {
            Open(format, start, model, size, inside, budget);
        }
        else if (deepest > 0 || mustOpen)
        {
            PassOver(model.Path, $"it is an archive, and -max-archive-depth={deepest} does not reach into it");
        }
        else
        {
            tally.CountBinaryFile();
        }
    }

    /// <summary>What it is, and the same from its beginning.</summary>
    private static (ArchiveFormat Format, Encoding? Encoding, Stream Content) Look(Stream content)
    {
        if (!content.CanSeek)
        {
            var read = new HeadStream(content, TextEncoding.Sample);
            return (ArchiveFormats.Of(read.Head), TextEncoding.Of(read.Head), read);
        }

        Span<byte> sample = stackalloc byte[TextEncoding.Sample];
        sample = sample[..content.ReadAtLeast(sample, sample.Length, throwOnEndOfStream: false)];
        content.Position = 0;
        return (ArchiveFormats.Of(sample), TextEncoding.Of(sample), content);
    }

    private void Open(
        ArchiveFormat format,
        Stream content,
        Fragment model,
        long? size,
        Place place,
        UnpackBudget budget
    )
    {
        switch (format)
        {
            case ArchiveFormat.Zip:
                OpenZip(content, model, place, budget);
                break;
            case ArchiveFormat.Tar:
                foreach (var (name, length, entry) in new TarReader(content).Files())
                {
                    budget.CountEntry();
                    // An image's layers are a part of it, not archives that somebody has put there.
                    var free = !place.InLayer && IsLayer().IsMatch(name) ? Free.Layer : Free.Nothing;
                    ScanEntry(entry, name, length, model, place with { Free = free }, budget);
                }

                break;
            case ArchiveFormat.Gzip:
                using (var unpacked = new GZipStream(content, CompressionMode.Decompress, leaveOpen: true))
                {
                    // A tar inside is the same archive, and what is no archive has the name of the file, as in gitleaks.
                    Scan(budget.Watch(unpacked, size), model, null, place with { Free = Free.Tar }, budget);
                }

                break;
            default:
                PassOver(model.Path, $"{Name(format)} cannot be unpacked; unpack it for the scan");
                break;
        }
    }

    private void OpenZip(Stream content, Fragment model, Place place, UnpackBudget budget)
    {
        using var held = content.CanSeek ? null : Hold(content);
        var (reading, directory) = (true, 0L);
        var watched = new MeteredStream(
            held ?? content,
            read =>
            {
                cancellation.ThrowIfCancellationRequested();
                if (reading && (directory += read) > LargestZipDirectory)
                {
                    throw new ArchiveException($"its directory has more than {LargestZipDirectory >> 20} MB");
                }
            }
        );
        using var zip = new ZipArchive(watched, ZipArchiveMode.Read, leaveOpen: true);
        var entries = zip.Entries;
        reading = false;
        var encrypted = 0;
        foreach (var entry in entries)
        {
            budget.CountEntry();
            if (entry.IsEncrypted)
            {
                encrypted++;
                continue;
            }

            if (entry.CompressedLength == 0)
            {
                continue;
            }

            try
            {
                using var unpacked = new CheckedStream(entry.Open(), entry.Length, entry.Crc32);
                var size = entry.CompressedLength;
                ScanEntry(budget.Watch(unpacked, size), entry.FullName, entry.Length, model, place, budget);
            }
            catch (Exception e) when (ArchiveException.IsBroken(e))
            {
                PassOver(Named(model.Path, entry.FullName), e.Message);
            }
        }

        if (encrypted > 0)
        {
            PassOver(model.Path, $"{encrypted} of its entries are encrypted");
        }
    }

    private void ScanEntry(Stream content, string name, long size, Fragment container, Place place, UnpackBudget budget)
    {
        name = name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name;
        var model = container with { Path = Named(container.Path, name) };
        var commit = container.Commit;
        if (scanner.PassesOver(name, commit?.Hash ?? "") || scanner.PassesOver(model.Path, commit?.Hash ?? ""))
        {
            return;
        }

        tally.Add(order, scanner.ScanPath(model.Path, commit));
        try
        {
            Scan(content, model, size, place, budget);
        }
        catch (Exception e) when (ArchiveException.IsBroken(e))
        {
            PassOver(model.Path, e.Message);
        }
    }

    private void PassOver(string path, string reason)
    {
        if (++_complaints <= MostComplaints)
        {
            tally.PassOver(path, reason);
        }
    }

    private static string Named(string container, string entry)
    {
        entry = entry.Length > LongestName ? entry[..LongestName] : entry;
        return container.Length > 0 ? container + Inside + entry : entry;
    }

    private static MemoryStream Hold(Stream zip)
    {
        var held = new MemoryStream();
        var buffer = new byte[64 << 10];
        while (zip.Read(buffer) is var read and > 0)
        {
            if (held.Length + read > LargestHeldZip)
            {
                throw new ArchiveException(
                    $"it is a zip of more than {LargestHeldZip >> 20} MB that comes from a stream; unpack it for the scan"
                );
            }

            held.Write(buffer, 0, read);
        }

        held.Position = 0;
        return held;
    }

    private static string Name(ArchiveFormat format) =>
        format switch
        {
            ArchiveFormat.Bzip2 => "bzip2",
            ArchiveFormat.Xz => "xz",
            ArchiveFormat.Zstandard => "Zstandard",
            ArchiveFormat.SevenZip => "7z",
            _ => "RAR",
        };

    /// <summary>
    /// A layer's name in what <c>docker save</c> and <c>podman save</c> write: an OCI layout's blob
    /// (https://github.com/opencontainers/image-spec/blob/main/image-layout.md), or that of older versions.
    /// </summary>
    [GeneratedRegex(
        @"\A(?:\./)?(?:blobs/[a-z0-9]+/[0-9a-f]{32,128}|[0-9a-f]{64}/layer\.tar|[0-9a-f]{64}\.tar)\z",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking
    )]
    private static partial Regex IsLayer();

    /// <summary>Which archive at a place belongs to the one around it, and is no level of its own.</summary>
    private enum Free
    {
        Nothing,

        /// <summary>What was compressed with gzip.</summary>
        Tar,

        /// <summary>Of an image, compressed or not.</summary>
        Layer,
    }

    /// <param name="Depth">How many archives are around it.</param>
    /// <param name="Free">What is no level of its own.</param>
    /// <param name="InLayer">What is in a layer are files, even when they are called like a layer.</param>
    private readonly record struct Place(int Depth, Free Free, bool InLayer);
}
