using Mayfly.Cli.Commands.Honeytoken;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Scan;

/// <summary>The flags of every kind of scan, with gitleaks' names.</summary>
internal sealed class ScanFlags
{
    public RuleFlags Rules { get; } = new();

    public TextFlag ReportFormat { get; } =
        new("report-format", "json, csv, junit or sarif. Else by the ending of the report's file, or json.")
        {
            Alias = "f",
            Choices = ["json", "csv", "junit", "sarif"],
        };

    public TextFlag ReportPath { get; } =
        new("report-path", "File for the report; - is standard output. Secrets are in it unless -redact is given.")
        {
            Alias = "r",
        };

    public ShareFlag Redact { get; } =
        new(
            "redact",
            "Hide secrets, wholly or so many percent of each. What people read is redacted anyway, unless this is 0."
        );

    public TextFlag Baseline { get; } =
        new("baseline-path", "An earlier report in JSON: what it has is known, and does not count.") { Alias = "b" };

    public TextFlag IgnorePath { get; } =
        new(
            "gitleaks-ignore-path",
            "A file with fingerprints of findings to leave out, or a folder with .mayflyignore or .gitleaksignore. Those of what is scanned count anyway."
        )
        {
            Alias = "i",
        };

    public TextFlag Honeytokens { get; } = HoneytokenPath.Flag();

    public BoolFlag Known { get; } =
        new(
            "known",
            "Find also secrets of the server, wherever they stand, and say which. Neither side sees what the other has."
        );

    public TextFlag KnownPrefix { get; } =
        new("known-prefix", "With -known: only secrets whose paths begin with this, such as secret/data/shop/.");

    public NumberFlag ExitCode { get; } = new("exit-code", "Exit code when there are leaks; 1 if not given.");

    public BoolFlag Verbose { get; } =
        new("verbose", "Show all of each finding, also when there is a report.") { Alias = "v" };

    public BoolFlag Explain { get; } = new("explain", "Say of everything that matched a rule and is no leak, why.");

    public BoolFlag Strict { get; } =
        new("strict", "What could not be read is a failure (exit code 2), not only a remark.");

    public NumberFlag ArchiveDepth { get; } =
        new(
            "max-archive-depth",
            "Open so many archives (zip, tar, gzip, images of containers) inside of each other. Else none is opened."
        );

    public NumberFlag LargestFile { get; } = new("max-target-megabytes", "Pass over larger files, and list them.");

    public NumberFlag DecodeDepth { get; } =
        new(
            "max-decode-depth",
            "Look also into what is encoded in base64, hexadecimal or as in URLs, so many times; 5 if not given, 0 for never."
        );

    public BoolFlag NoProgress { get; } =
        new("no-progress", "Do not show how far the scan is, which a terminal is shown else.");

    public NumberFlag Timeout { get; } = new("timeout", "Give up after so many seconds (exit code 2).");

    public BoolFlag IgnoreAllow { get; } =
        new("ignore-gitleaks-allow", "Report also lines with gitleaks:allow or mayfly:allow.");

    /// <summary>What gitleaks has and Mayfly does not: said rather than ignored, where the result would be another.</summary>
    private static IReadOnlyList<Flag> Refused =>
        [
            new RefusedFlag(
                "report-template",
                "there are no templates of reports: use -f json, and a program such as jq"
            )
            {
                Hidden = true,
            },
            new RefusedFlag("diagnostics", "there is no profiler in here: use dotnet-trace") { Hidden = true },
            new RefusedFlag("diagnostics-dir", "there is no profiler in here: use dotnet-trace") { Hidden = true },
        ];

    public IReadOnlyList<Flag> All =>
        [
            .. Rules.All,
            ReportFormat,
            ReportPath,
            Redact,
            Baseline,
            IgnorePath,
            Honeytokens,
            Known,
            KnownPrefix,
            ExitCode,
            Verbose,
            Explain,
            Strict,
            ArchiveDepth,
            IgnoreAllow,
            LargestFile,
            DecodeDepth,
            NoProgress,
            Timeout,
            // There is no banner; colours and remarks come only where they do not hurt.
            new BoolFlag("no-banner", "") { Hidden = true },
            new BoolFlag("no-color", "") { Hidden = true },
            new TextFlag("log-level", "") { Hidden = true, Alias = "l" },
            // For links in reports, which have none.
            new TextFlag("platform", "") { Hidden = true },
            .. Refused,
        ];
}
