using System.Globalization;
using System.Text;
using Mayfly.Scanner.Findings;

namespace Mayfly.Scanner.Reports;

/// <summary>Findings as comma-separated values (RFC 4180) with gitleaks' columns.</summary>
internal static class CsvReport
{
    private const string Header =
        "RuleID,Commit,File,SymlinkFile,Secret,Match,StartLine,EndLine,StartColumn,EndColumn,Author,Message,Date,Email,"
        + "Fingerprint,Tags";

    public static void Write(IReadOnlyList<Finding> findings, Stream output)
    {
        if (findings.Count == 0)
        {
            return;
        }

        using var writer = new StreamWriter(output, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine(Header);
        foreach (var finding in findings)
        {
            writer.WriteLine(
                string.Join(
                    ',',
                    (
                        (IReadOnlyList<string>)
                            [
                                finding.RuleId,
                                finding.Commit?.Hash ?? "",
                                finding.File,
                                finding.SymlinkFile,
                                finding.Secret,
                                finding.Match,
                                Number(finding.StartLine),
                                Number(finding.EndLine),
                                Number(finding.StartColumn),
                                Number(finding.EndColumn),
                                finding.Commit?.Author ?? "",
                                finding.Commit?.Message ?? "",
                                finding.Commit?.Date ?? "",
                                finding.Commit?.Email ?? "",
                                finding.Fingerprint,
                                string.Join(' ', finding.Tags),
                            ]
                    ).Select(Quoted)
                )
            );
        }
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Quoted(string field)
    {
        // Names of files and messages are anybody's: a spreadsheet would take them for formulas, and run them.
        field = field is ['=' or '+' or '-' or '@' or '\t' or '\r', ..] ? "'" + field : field;
        return field.AsSpan().IndexOfAny("\",\n\r") < 0 && !field.StartsWith(' ')
            ? field
            : $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
