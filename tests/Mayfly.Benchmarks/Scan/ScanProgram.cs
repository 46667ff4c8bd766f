using System.Diagnostics;
using System.Globalization;
using Mayfly.Benchmarks.Http;

namespace Mayfly.Benchmarks.Scan;

/// <summary>
/// <c>mayfly scan</c> in a process of its own: from its start to its end with one line to scan, which bounds the time until the
/// first byte is scanned, and its memory on a tree of 5 GB.
/// </summary>
internal static class ScanProgram
{
    private const int Starts = 15;
    private const long LargeTree = 5_000_000_000;

    public static IEnumerable<Figure> Figures(string folder, string[] trees)
    {
        var published = Path.Combine(Path.GetDirectoryName(MeasuredVault.Program)!, "..", "dist", "mayfly");
        var built = Path.Combine(Path.GetDirectoryName(MeasuredVault.Program)!, "mayfly");
        var line = Path.Combine(folder, "line.txt");
        File.WriteAllText(line, "one line with a password in it\n");
        foreach (var (name, program) in new[] { ("published", published), ("built", built) })
        {
            if (!File.Exists(program))
            {
                continue;
            }

            var walls = new List<double>();
            var processor = new Measured();
            for (var i = 0; i < Starts; i++)
            {
                var start = Stopwatch.GetTimestamp();
                processor.RunChild(() => Execute(program, "scan", "dir", line));
                walls.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            yield return new($"scan.start.{name} (goal < 100)", walls.Order().ElementAt(Starts / 2), "ms, to its end");
            yield return new($"scan.start.{name}.of_processor_time", processor.Processor * 1000, "ms");
        }

        var tree = Path.Combine(folder, "tree");
        var (bytes, files) = MakeTree(tree, trees);
        var scanner = File.Exists(published) ? published : built;
        yield return new("scan.memory.tree", bytes / 1e9, "GB");
        yield return new("scan.memory.files", files, "");
        yield return new(
            "scan.memory (goal < 150)",
            PeakMebibytes(scanner, "scan", "dir", "-no-gitignore", tree),
            "MiB"
        );
    }

    /// <summary>Runs a program to its end; what it writes goes nowhere.</summary>
    public static void Execute(string program, params string[] words)
    {
        using var process = Start(program, words);
        process.WaitForExit();
    }

    /// <summary>The trees again and again, as hard links: as many files to open and bytes to read, but none twice on disk.</summary>
    private static (long Bytes, long Files) MakeTree(string tree, string[] trees)
    {
        var (bytes, files) = (0L, 0L);
        for (var round = 0; bytes < LargeTree && (round == 0 || bytes > 0); round++)
        {
            var copy = Path.Combine(tree, round.ToString(CultureInfo.InvariantCulture));
            Directory.CreateDirectory(copy);
            Execute("cp", ["--archive", "--link", "--parents", "--", .. trees, copy]);
            if (round == 0)
            {
                var all = new DirectoryInfo(copy).EnumerateFiles("*", SearchOption.AllDirectories).ToList();
                (bytes, files) = (all.Sum(file => file.Length), all.Count);
            }
            else
            {
                (bytes, files) = (bytes / round * (round + 1), files / round * (round + 1));
            }
        }

        return (bytes, files);
    }

    private static double PeakMebibytes(string program, params string[] words)
    {
        using var process = Start(program, words);
        var peak = 0L;
        while (!process.WaitForExit(TimeSpan.FromMilliseconds(20)))
        {
            process.Refresh();
            peak = Math.Max(peak, process.HasExited ? 0 : process.PeakWorkingSet64);
        }

        return peak / 1048576.0;
    }

    private static Process Start(string program, string[] words)
    {
        var start = new ProcessStartInfo(program, words)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        var process = Process.Start(start)!;
        _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        _ = process.StandardError.BaseStream.CopyToAsync(Stream.Null);
        return process;
    }
}
