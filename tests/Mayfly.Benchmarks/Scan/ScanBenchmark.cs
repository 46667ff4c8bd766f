using System.Globalization;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Matching;
using Mayfly.Scanner.Reports;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;
using Mayfly.Scanner.Sources;

namespace Mayfly.Benchmarks.Scan;

/// <summary>
/// The whole default rule set over source on this disk, beside ripgrep with 24 of the rules, and where the time goes; a git
/// history beside <c>git log -p</c>; texts that were made to be slow; the program's start and its memory on a tree of 5 GB.
/// Sides take turns, and the best of each counts.
/// </summary>
internal static class ScanBenchmark
{
    private const int Turns = 3;

    // Source, documentation and data of this machine; together more than 200 MB.
    private static readonly string[] Trees =
    [
        "/usr/include",
        "/usr/lib/python3",
        "/usr/lib/node_modules",
        "/usr/share/doc",
        "/usr/share/dotnet",
    ];

    public static Task<IReadOnlyList<Figure>> MainAsync(CancellationToken cancellation) =>
        Task.Run<IReadOnlyList<Figure>>(() => Run(cancellation), cancellation);

    private static List<Figure> Run(CancellationToken cancellation)
    {
        var folder = Directory.CreateTempSubdirectory("mayfly-bench-").FullName;
        try
        {
            var trees = Trees.Where(Directory.Exists).ToArray();
            return
            [
                .. Tree(trees, cancellation),
                .. History(folder, trees, cancellation),
                .. MadeToBeSlow(cancellation),
                .. ScanProgram.Figures(folder, trees),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static List<Figure> Tree(string[] trees, CancellationToken cancellation)
    {
        var rules = DefaultRules.Set.Rules;
        var never = LinearRegex.Compile("^$").Regex!;
        var stages = new[]
        {
            new SecretScanner(new RuleSet([], [])),
            // What follows a keyword fits nothing.
            new SecretScanner(new RuleSet([.. rules.Select(rule => rule with { Regex = KeywordsAlone(rule) })], [])),
            // What fits is for other files.
            new SecretScanner(new RuleSet([.. rules.Select(rule => rule with { Path = never })], [])),
            new SecretScanner(new RuleSet([.. rules.Select(WithoutConditions)], [])),
            new SecretScanner(DefaultRules.Set),
        };
        string[] names = ["walk_open_read", "keywords", "around_keywords", "patterns", "entropy_allowlists"];
        var runs = stages.Select(_ => new Measured()).ToArray();
        var (ripgrep, report) = (new Measured(), new Measured());
        long bytes = 0;
        long files = 0;
        for (var turn = 0; turn < Turns; turn++)
        {
            ripgrep.RunChild(() => Ripgrep(trees));
            for (var stage = 0; stage < stages.Length; stage++)
            {
                var findings = new List<Finding>();
                (bytes, files) = (0, 0);
                runs[stage]
                    .Run(() =>
                    {
                        foreach (var tree in trees)
                        {
                            var found = new FolderSource(tree) { IncludeIgnored = true }.Scan(
                                stages[stage],
                                cancellation
                            );
                            (bytes, files) = (bytes + found.Bytes, files + found.Files);
                            findings.AddRange(found.Findings);
                        }
                    });
                report.Run(() => Report.Write(ReportFormat.Sarif, findings, rules, "0", Stream.Null));
            }
        }

        var megabytes = bytes / 1e6;
        var whole = runs[^1].Processor + report.Processor;
        var figures = new List<Figure>
        {
            new("scan.bytes", megabytes, "MB"),
            new("scan.files", files, ""),
            new("scan.speed (goal > 150)", megabytes / runs[^1].Wall, "MB/s"),
            new("scan.speed.of_processor_time", megabytes / runs[^1].Processor, "MB per second of one processor"),
            new("scan.speed.ripgrep", megabytes / ripgrep.Wall, "MB/s"),
            new(
                "scan.speed.ripgrep.of_processor_time",
                megabytes / ripgrep.Processor,
                "MB per second of one processor"
            ),
            new("scan.ripgrep_ratio", ripgrep.Wall / runs[^1].Wall, "x"),
            new("scan.ripgrep_ratio.of_processor_time", ripgrep.Processor / runs[^1].Processor, "x"),
        };
        var before = 0.0;
        for (var stage = 0; stage < stages.Length; stage++)
        {
            // Two runs differ by chance, too: a stage takes no less than nothing.
            var reached = Math.Max(before, runs[stage].Processor);
            figures.Add(
                new($"scan.share.{names[stage]}", Math.Min((reached - before) / whole, 1), "of processor time")
            );
            before = reached;
        }

        figures.Add(new("scan.share.report", report.Processor / whole, "of processor time"));
        return figures;
    }

    private static List<Figure> History(string folder, string[] trees, CancellationToken cancellation)
    {
        var repository = Path.Combine(folder, "history");
        ScanHistory.Make(repository, trees);
        var scanner = new SecretScanner(DefaultRules.Set);
        var (scan, log) = (new Measured(), new Measured());
        long patch = 0;
        long commits = 0;
        for (var turn = 0; turn < Turns; turn++)
        {
            log.RunChild(() => ScanHistory.Log(repository));
            scan.Run(() =>
            {
                var result = new GitSource(repository, GitScope.History, []).Scan(scanner, cancellation);
                (patch, commits) = (result.Bytes, result.Commits);
            });
        }

        return
        [
            new("scan.git.patch", patch / 1e6, "MB"),
            new("scan.git.commits", commits, ""),
            new("scan.git", patch / 1e6 / scan.Wall, "MB of patch/s"),
            new("scan.git.log", patch / 1e6 / log.Wall, "MB of patch/s"),
            new("scan.git_ratio (goal > 0.5)", log.Wall / scan.Wall, "x of git log -p"),
            new("scan.git_ratio.of_processor_time", log.Processor / scan.Processor, "x, without git's own"),
        ];
    }

    /// <summary>Speed on texts that make a scanner that is not careful slow, beside that on a plain one.</summary>
    private static List<Figure> MadeToBeSlow(CancellationToken cancellation)
    {
        const int Size = 100_000_000;
        var scanner = new SecretScanner(DefaultRules.Set);
        var keywords = string.Join(' ', DefaultRules.Set.Rules.SelectMany(rule => rule.Keywords).Distinct()) + "\n";
        (string Name, string Part)[] texts =
        [
            ("lines", "int main(int argc, char **argv) { return do_something_with(argc, argv); }\n"),
            ("one_line", "int main(int argc, char **argv) { return do_something_with(argc, argv); } "),
            ("keywords", keywords),
            ("one_keyword", "secret"),
            ("nearly_matches", "api_secret = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' "),
        ];
        var figures = new List<Figure>();
        foreach (var (name, part) in texts)
        {
            var measured = new Measured();
            measured.Run(() => new StreamSource(new RepeatedText(part, Size), name).Scan(scanner, cancellation));
            figures.Add(new($"scan.made.{name}", Size / 1e6 / measured.Processor, "MB per second of one processor"));
        }

        return figures;
    }

    /// <summary>The rule's keywords, followed by what is in no text.</summary>
    private static LinearRegex? KeywordsAlone(ScanRule rule)
    {
        var keywords = rule.Keywords.Select(word =>
            string.Concat(word.Select(letter => char.IsAsciiLetterOrDigit(letter) ? $"{letter}" : $"\\{letter}"))
        );
        return rule.Regex is null ? null : LinearRegex.Compile($@"(?i)(?:{string.Join('|', keywords)})\x00\x00").Regex;
    }

    private static ScanRule WithoutConditions(ScanRule rule) =>
        new()
        {
            Id = rule.Id,
            Regex = rule.Regex,
            SecretGroup = rule.SecretGroup,
            Path = rule.Path,
            Keywords = rule.Keywords,
        };

    private static void Ripgrep(string[] trees)
    {
        // Those that are a prefix and characters, which ripgrep is best at.
        var patterns = DefaultRules
            .Set.Rules.Where(rule => rule.Regex?.Pattern.Contains("(?i)", StringComparison.Ordinal) == false)
            .Take(24)
            .SelectMany(rule => (string[])["-e", rule.Regex!.Pattern]);
        ScanProgram.Execute(
            "rg",
            [
                "--no-ignore",
                "--no-unicode",
                "--hidden",
                string.Create(CultureInfo.InvariantCulture, $"--threads={Environment.ProcessorCount}"),
                "--count",
                "--no-messages",
                .. patterns,
                "--",
                .. trees,
            ]
        );
    }
}
