using System.Globalization;
using Mayfly.Cli.Output;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Honeytokens;
using Mayfly.Scanner.Known;
using Mayfly.Scanner.Scanning;
using Mayfly.Scanner.Sources;

namespace Mayfly.Cli.Commands.Scan;

/// <summary>What a scan tells people.</summary>
internal static class ScanText
{
    /// <summary>More of what was passed over is counted, not listed.</summary>
    private const int Listed = 50;

    public static void Findings(Printer print, List<Finding> findings, bool all)
    {
        foreach (var finding in findings)
        {
            var place =
                finding.StartLine > 0 ? $"{finding.File}:{finding.StartLine}:{finding.StartColumn}" : finding.File;
            print.Line($"{OneLine(place)}  {finding.RuleId}  {OneLine(finding.Match)}");
            if (finding.Commit is { } commit)
            {
                print.Line(
                    $"    commit {commit.Hash}, {OneLine(commit.Author)} <{OneLine(commit.Email)}>, {commit.Date}"
                );
            }

            if (finding.RuleId == Suspects.RuleId)
            {
                print.Line($"    {OneLine(finding.Description)}");
            }

            if (all)
            {
                var entropy = finding.Entropy.ToString("0.00", CultureInfo.InvariantCulture);
                print.Line($"    {finding.Description}; entropy {entropy}; secret {OneLine(finding.Secret)}");
                if (finding.Commit is { } whose)
                {
                    print.Line($"    message: {OneLine(whose.Message)}");
                }

                print.Line($"    fingerprint: {OneLine(finding.Fingerprint)}");
            }
        }
    }

    public static void Decoys(Printer print, List<(Finding Finding, HoneytokenRecord Record)> decoys)
    {
        foreach (var (finding, record) in decoys)
        {
            var place = finding.Commit is { } commit ? $"{commit.Hash}:{finding.File}" : finding.File;
            var note = record.Note.Length > 0 ? $", {OneLine(record.Note)}" : "";
            print.Warn(
                $"decoy: {OneLine(place)}:{finding.StartLine}  {finding.RuleId}  {record.Id} ({record.Kind}{note})"
            );
        }
    }

    public static void Explain(Printer print, List<Suppression> suppressions)
    {
        foreach (
            var (file, line, rule, reason) in suppressions
                .Distinct()
                .OrderBy(each => each.File, StringComparer.Ordinal)
                .ThenBy(each => each.Line)
                .ThenBy(each => each.RuleId, StringComparer.Ordinal)
        )
        {
            print.Warn(
                line == 0 ? $"no leak: {OneLine(file)}: {reason}" : $"no leak: {OneLine(file)}:{line}  {rule}: {reason}"
            );
        }
    }

    public static void PassedOver(Printer print, IReadOnlyList<PassedOver> list)
    {
        foreach (var (path, reason) in list.Take(Listed))
        {
            print.Warn($"passed over: {OneLine(path)}: {OneLine(reason)}");
        }

        if (list.Count > Listed)
        {
            print.Warn($"passed over: and {list.Count - Listed} more");
        }
    }

    public static void Summary(Printer print, int leaks, int decoys, ScanResult result, TimeSpan took)
    {
        var found = leaks switch
        {
            0 => "no leaks found",
            1 => "1 leak found",
            _ => $"{leaks} leaks found",
        };
        found += decoys switch
        {
            0 => "",
            1 => " and 1 decoy",
            _ => $" and {decoys} decoys",
        };
        var what = result.Commits > 0 ? $"{result.Commits} commits" : $"{result.Files} files";
        var megabytes = (result.Bytes / 1e6).ToString("0.0", CultureInfo.InvariantCulture);
        var binary = result.BinaryFiles > 0 ? $"; {result.BinaryFiles} binary files left out" : "";
        var seconds = took.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
        var text = $"{found} in {what}, {megabytes} MB, {seconds} s{binary}";
        if (leaks > 0)
        {
            print.Error(text);
        }
        else
        {
            print.Note(text);
        }
    }

    private static string OneLine(string text) =>
        text.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
