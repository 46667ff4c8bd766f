using Mayfly.Cli.Commands.Honeytoken;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Scan;

/// <summary>The flags of every kind of scan, with gitleaks' names.</summary>
internal sealed class ScanFlags
{
    public TextFlag Config { get; } =
        new(
            "config",
            "File with the rules, in gitleaks' format. Else GITLEAKS_CONFIG, the text in GITLEAKS_CONFIG_TOML, .gitleaks.toml of what is scanned, or Mayfly's own rules."
        )
        {
            Alias = "c",
        };

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

    public ListFlag EnableRule { get; } = new("enable-rule", "Only this rule. May be repeated.", splitAtCommas: true);

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

    public BoolFlag IgnoreAllow { get; } =
        new("ignore-gitleaks-allow", "Report also lines with gitleaks:allow or mayfly:allow.");

    public IReadOnlyList<Flag> All =>
        [
            Config,
            ReportFormat,
            ReportPath,
            Redact,
            Baseline,
            IgnorePath,
            Honeytokens,
            Known,
            KnownPrefix,
            ExitCode,
            EnableRule,
            Verbose,
            Explain,
            Strict,
            ArchiveDepth,
            IgnoreAllow,
            // There is no banner; colours and remarks come only where they do not hurt.
            new BoolFlag("no-banner", "") { Hidden = true },
            new BoolFlag("no-color", "") { Hidden = true },
            new TextFlag("log-level", "") { Hidden = true, Alias = "l" },
        ];
}
