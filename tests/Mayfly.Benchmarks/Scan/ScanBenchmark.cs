using System.Diagnostics;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;
using Mayfly.Scanner.Sources;

namespace Mayfly.Benchmarks.Scan;

/// <summary>
/// The whole default rule set over source on this disk, beside ripgrep with 24 of the rules; and a git history beside
/// <c>git log -p</c>. Sides take turns, and the better of two counts.
/// </summary>
internal static class ScanBenchmark
{
    private const int Turns = 2;

    // Source, documentation and data of this machine; together more than 200 MB.
    private static readonly string[] Trees =
    [
        "/usr/include",
        "/usr/lib/python3",
        "/usr/lib/node_modules",
        "/usr/share/doc",
    ];

    public static Task<IReadOnlyList<Figure>> MainAsync(CancellationToken cancellation) =>
        Task.Run<IReadOnlyList<Figure>>(() => Run(cancellation), cancellation);

    private static List<Figure> Run(CancellationToken cancellation)
    {
        var trees = Trees.Where(Directory.Exists).ToArray();
        var all = new SecretScanner(DefaultRules.Set);
        var none = new SecretScanner(new RuleSet([], []));
        var keywords = new SecretScanner(new RuleSet([.. DefaultRules.Set.Rules.Select(WithoutMatches)], []));
        var cost = new Dictionary<string, double>(StringComparer.Ordinal);
        var best = new Dictionary<string, double>(StringComparer.Ordinal);
        long bytes = 0;
        long patch = 0;
        for (var i = 0; i < Turns; i++)
        {
            Measure("all", () => bytes = Scan(all));
            Measure("read", () => _ = Scan(none));
            Measure("keywords", () => _ = Scan(keywords));
            Measure("ripgrep", () => Ripgrep(trees));
            Measure("git", () => patch = History(all).Bytes);
            Measure("git log", () => Execute("git", "log", "-p", "-U0", "--full-history", "--all"));
        }

        var megabytes = bytes / 1e6;
        return
        [
            new("scan.bytes", megabytes, "MB"),
            new("scan.speed", megabytes / best["all"], "MB/s"),
            new("scan.speed.ripgrep", megabytes / best["ripgrep"], "MB/s"),
            new("scan.ripgrep_ratio", best["ripgrep"] / best["all"], "x"),
            new("scan.share.read", cost["read"] / cost["all"], "of processor time"),
            new("scan.share.keywords", (cost["keywords"] - cost["read"]) / cost["all"], "of processor time"),
            new("scan.share.patterns", (cost["all"] - cost["keywords"]) / cost["all"], "of processor time"),
            new("scan.git", patch / 1e6 / best["git"], "MB of patch/s"),
            new("scan.git_ratio", best["git log"] / best["git"], "x of git log -p"),
        ];

        long Scan(SecretScanner scanner) =>
            trees.Sum(tree =>
                new FolderSource(tree) { IncludeIgnored = true }
                    .Scan(scanner, cancellation)
                    .Bytes
            );

        ScanResult History(SecretScanner scanner) =>
            new GitSource(".", GitScope.History, []).Scan(scanner, cancellation);

        void Measure(string name, Action work)
        {
            var start = Stopwatch.GetTimestamp();
            var spent = Environment.CpuUsage.TotalTime;
            work();
            spent = Environment.CpuUsage.TotalTime - spent;
            cost[name] = Math.Min(spent.TotalSeconds, cost.GetValueOrDefault(name, double.MaxValue));
            var took = Stopwatch.GetElapsedTime(start).TotalSeconds;
            best[name] = Math.Min(took, best.GetValueOrDefault(name, double.MaxValue));
        }
    }

    /// <summary>A rule that is looked for and never tried: it is for other files.</summary>
    private static ScanRule WithoutMatches(ScanRule rule) =>
        rule with
        {
            Path = Scanner.Matching.LinearRegex.Compile("^$").Regex,
        };

    private static void Ripgrep(string[] trees)
    {
        // Those that are a prefix and characters, which ripgrep is best at.
        var patterns = DefaultRules.Set.Rules.Where(rule =>
            !rule.Regex!.Pattern.Contains("(?i)", StringComparison.Ordinal)
        );
        Execute(
            "rg",
            [
                "--no-ignore",
                "--no-unicode",
                "--hidden",
                "--threads=2",
                "--count",
                "--no-messages",
                .. patterns.Take(24).SelectMany(rule => (string[])["-e", rule.Regex!.Pattern]),
                "--",
                .. trees,
            ]
        );
    }

    private static void Execute(string program, params string[] words)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, UseShellExecute = false };
        foreach (var word in words)
        {
            start.ArgumentList.Add(word);
        }

        using var process = Process.Start(start)!;
        process.StandardOutput.BaseStream.CopyTo(Stream.Null);
        process.WaitForExit();
    }
}
