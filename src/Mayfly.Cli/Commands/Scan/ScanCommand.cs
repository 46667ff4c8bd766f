using Mayfly.Cli.Commands.Honeytoken;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Honeytokens;
using Mayfly.Scanner.Reports;
using Mayfly.Scanner.Rules;
using Mayfly.Scanner.Scanning;
using Mayfly.Scanner.Sources;

namespace Mayfly.Cli.Commands.Scan;

/// <summary>What all scans have in common: rules, what is known already, reports and exit codes.</summary>
internal abstract class ScanCommand(string name, string synopsis) : Command(name, synopsis)
{
    /// <summary>Exit code when the scan could not be done, as distinct from leaks.</summary>
    private const int Failed = 2;

    /// <summary>More would be recursion for its own sake.</summary>
    private const int DeepestArchive = 32;

    /// <summary>What programs do to a secret before it leaks: not more.</summary>
    private const int DeepestEncoding = 32;

    private const int UsualEncodings = 5;

    private readonly ScanFlags _flags = new();

    public override IReadOnlyList<Flag> Flags => [.. OwnFlags, .. _flags.All];

    public override int WrongUse => Failed;

    protected virtual IReadOnlyList<Flag> OwnFlags => [];

    /// <summary>How many archives inside of each other are opened.</summary>
    protected int ArchiveDepth => _flags.ArchiveDepth.Value ?? 0;

    private int DecodeDepth => _flags.DecodeDepth.Value ?? UsualEncodings;

    /// <summary>In bytes; 0 for any size.</summary>
    protected long LargestFile => Math.Max(0, _flags.LargestFile.Value ?? 0) * 1_000_000L;

    /// <summary>Sources tell how far they are.</summary>
    protected ScanProgress Progress { get; } = new();

    /// <summary>Standard input as a source.</summary>
    protected IScanSource Input(Invocation call) =>
        new StreamSource(call.Session.Input(), "") { MaxArchiveDepth = ArchiveDepth, Progress = Progress };

    /// <summary>A folder or a file as a source, or what is wrong.</summary>
    protected (IScanSource? Source, string? Problem) Folder(
        string path,
        bool followLinks,
        bool includeIgnored,
        IReadOnlySet<string> own
    ) =>
        Path.Exists(path)
            ? (
                new FolderSource(path)
                {
                    FollowLinks = followLinks,
                    IncludeIgnored = includeIgnored,
                    LargestFile = LargestFile,
                    MaxArchiveDepth = ArchiveDepth,
                    Progress = Progress,
                    Except = own,
                },
                null
            )
            : (null, $"{path}: there is no such file or folder");

    /// <summary>A git repository as a source, or what is wrong.</summary>
    protected (IScanSource? Source, string? Problem) History(string repository, GitScope scope, string? logOptions)
    {
        if (!Directory.Exists(repository))
        {
            return (null, $"{repository}: there is no such folder");
        }

        var (words, problem) = ShellWords.Split(logOptions ?? "");
        return words is null
            ? (null, $"-log-opts: {problem}")
            : (
                new GitSource(repository, scope, words)
                {
                    MaxArchiveDepth = ArchiveDepth,
                    LargestFile = LargestFile,
                    Progress = Progress,
                },
                null
            );
    }

    public sealed override async Task<int> RunAsync(Invocation call)
    {
        try
        {
            return await Task.Run(() => RunScanAsync(call), call.Cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            call.Print.Error(e.Message);
            return Failed;
        }
    }

    /// <summary>The folder whose configuration and ignore files count, or null.</summary>
    protected abstract string? FolderOf(Invocation call);

    /// <summary>What is scanned, or what is wrong with the arguments.</summary>
    /// <param name="call">The invocation.</param>
    /// <param name="own">Files of the scan itself, which would find themselves.</param>
    protected abstract (IScanSource? Source, string? Problem) SourceOf(Invocation call, IReadOnlySet<string> own);

    private async Task<int> RunScanAsync(Invocation call)
    {
        var folder = FolderOf(call);
        var (rules, file, problem) = ScanRules.Load(call, _flags.Rules, folder);
        var (format, wrongFormat) = FormatOf(call);
        var wrongDepth = ArchiveDepth is < 0 or > DeepestArchive
            ? $"-max-archive-depth goes from 0 to {DeepestArchive}"
            : null;
        wrongDepth ??= DecodeDepth is < 0 or > DeepestEncoding
            ? $"-max-decode-depth goes from 0 to {DeepestEncoding}"
            : null;
        if ((problem ?? wrongFormat ?? wrongDepth) is { } wrong)
        {
            call.Print.Error(wrong);
            return Failed;
        }

        Baseline? baseline = null;
        if (_flags.Baseline.Value is { } known)
        {
            (baseline, problem) = Baseline.Read(File.ReadAllBytes(known));
            if (problem is not null)
            {
                call.Print.Error($"{known}: {problem}");
                return Failed;
            }
        }

        var honeytokens = HoneytokenPath.Read(_flags.Honeytokens, call.Session);
        var own = (
            (string?[])
                [
                    file,
                    _flags.Baseline.Value,
                    _flags.ReportPath.Value,
                    HoneytokenPath.Of(_flags.Honeytokens, call.Session),
                ]
        )
            .Where(each => each is { Length: > 0 })
            .Select(each => Path.GetFullPath(each!))
            .ToHashSet(StringComparer.Ordinal);
        var (source, wrongSource) = SourceOf(call, own);
        if (source is null)
        {
            call.Print.Error(wrongSource!);
            return Failed;
        }

        KnownCheck? check = null;
        if (_flags.Known.Value || _flags.KnownPrefix.Value is not null)
        {
            (check, problem) = await KnownCheck.BeginAsync(
                call,
                _flags.KnownPrefix.Value ?? "",
                allowComments: !_flags.IgnoreAllow.Value
            );
            if (check is null)
            {
                call.Print.Error(problem!);
                return Failed;
            }
        }

        var explanation = new List<Suppression>();
        var scanner = new SecretScanner(
            rules!,
            _flags.Explain.Value ? explanation.AddLocked : null,
            allowComments: !_flags.IgnoreAllow.Value
        )
        {
            Suspects = check?.Suspects,
            DecodeDepth = DecodeDepth,
        };
        var started = TimeProvider.System.GetTimestamp();
        if (Scan(call, source, scanner) is not { } result)
        {
            call.Print.Error($"the scan did not end within {_flags.Timeout.Value} seconds (-timeout)");
            return Failed;
        }

        if (check is not null)
        {
            (var certain, problem) = await check.ConfirmAsync(call.Cancellation);
            if (certain is null)
            {
                call.Print.Error(problem!);
                return Failed;
            }

            result = result with { Findings = KnownCheck.Merge(result.Findings, certain) };
        }

        var took = TimeProvider.System.GetElapsedTime(started);
        var ignored = IgnoreListOf(folder);
        var (decoys, leaks) = Sort(result.Findings, honeytokens);
        leaks.RemoveAll(finding => IsKnown(finding, ignored, baseline, explanation));
        Show(call, leaks, rules!, format);
        ScanText.Decoys(call.Print, decoys);
        ScanText.Explain(call.Print, explanation);
        ScanText.PassedOver(call.Print, result.PassedOver);
        ScanText.Summary(call.Print, leaks.Count, decoys.Count, result, took);
        if (result.Failure is { } failure)
        {
            call.Print.Error(failure);
            return Failed;
        }

        return _flags.Strict.Value && result.PassedOver.Count > 0 ? Failed
            : leaks.Count > 0 ? _flags.ExitCode.Value ?? 1
            : Exit.Ok;
    }

    /// <summary>Null when it took too long.</summary>
    private ScanResult? Scan(Invocation call, IScanSource source, SecretScanner scanner)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(call.Cancellation);
        if (_flags.Timeout.Value is > 0 and var seconds)
        {
            limit.CancelAfter(TimeSpan.FromSeconds(seconds));
        }

        using var line = new ProgressLine(call.Session, Progress, !_flags.NoProgress.Value);
        try
        {
            return source.Scan(scanner, limit.Token);
        }
        catch (OperationCanceledException) when (!call.Cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    // A decoy is none of the leaks, whatever report or exit code they make.
    private static (List<(Finding Finding, HoneytokenRecord Record)> Decoys, List<Finding> Leaks) Sort(
        IReadOnlyList<Finding> findings,
        HoneytokenFile? honeytokens
    )
    {
        var decoys = new List<(Finding, HoneytokenRecord)>();
        var leaks = new List<Finding>();
        foreach (var finding in findings)
        {
            if (honeytokens?.Find(finding) is { } record)
            {
                decoys.Add((finding, record));
            }
            else
            {
                leaks.Add(finding);
            }
        }

        return (decoys, leaks);
    }

    /// <summary>The format of the report; null for text alone.</summary>
    private (ReportFormat? Format, string? Problem) FormatOf(Invocation call)
    {
        var path = _flags.ReportPath.Value;
        var ending = path is null ? "" : Path.GetExtension(path).TrimStart('.');
        var wanted =
            _flags.ReportFormat.Value
            ?? (
                path is not null ? (Report.Format(ending) is null ? "json" : ending)
                : call.Print.Format == Output.OutputFormat.Json ? "json"
                : null
            );
        return wanted is null ? (null, null)
            : Report.Format(wanted) is { } format ? (format, null)
            : (null, $"there is no report format \"{wanted}\": choose json, csv, junit or sarif");
    }

    private bool IsKnown(Finding finding, IgnoreList ignored, Baseline? baseline, List<Suppression> explanation)
    {
        var reason =
            ignored.Has(finding) ? "its fingerprint is in an ignore file"
            : baseline?.Has(finding) == true ? "it is in the baseline"
            : null;
        if (reason is not null && _flags.Explain.Value)
        {
            explanation.Add(new Suppression(finding.File, finding.StartLine, finding.RuleId, reason));
        }

        return reason is not null;
    }

    private IgnoreList IgnoreListOf(string? folder)
    {
        var files = new List<string>();
        foreach (var place in ((string?[])[_flags.IgnorePath.Value ?? ".", folder]).Distinct())
        {
            if (place is not null && Directory.Exists(place))
            {
                files.Add(Path.Combine(place, ".gitleaksignore"));
                files.Add(Path.Combine(place, ".mayflyignore"));
            }
            else if (place is not null && place == _flags.IgnorePath.Value)
            {
                // Named, so it must be there; otherwise reading it says why not.
                return new IgnoreList([File.ReadAllText(place)]);
            }
        }

        return new IgnoreList(files.Where(File.Exists).Select(File.ReadAllText));
    }

    private void Show(Invocation call, List<Finding> leaks, RuleSet rules, ReportFormat? format)
    {
        if (format is { } chosen)
        {
            var percent = _flags.Redact.Value ?? 0;
            var shown = percent == 0 ? leaks : [.. leaks.Select(leak => Redaction.Redact(leak, percent))];
            using var report = new MemoryStream();
            Report.Write(chosen, shown, rules.Rules, BuildConstants.Version, report);
            if (_flags.ReportPath.Value is not (null or "-"))
            {
                WriteReport(_flags.ReportPath.Value, report);
            }
            else
            {
                call.Session.Out.Write(System.Text.Encoding.UTF8.GetString(report.ToArray()));
            }
        }

        if (format is null || (_flags.Verbose.Value && _flags.ReportPath.Value is not (null or "-")))
        {
            var percent = _flags.Redact.Value ?? 100;
            var shown = percent == 0 ? leaks : [.. leaks.Select(leak => Redaction.Redact(leak, percent))];
            ScanText.Findings(call.Print, shown, _flags.Verbose.Value);
        }
    }

    private static void WriteReport(string path, MemoryStream report)
    {
        // It may hold secrets, so it is the user's alone.
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var file = new FileStream(path, options);
        report.WriteTo(file);
    }
}

/// <summary>For what several threads add to.</summary>
internal static class LockedList
{
    public static void AddLocked<T>(this List<T> list, T item)
    {
        lock (list)
        {
            list.Add(item);
        }
    }
}
