using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Rules;

namespace Mayfly.Scanner.Reports;

/// <summary>The forms of a report that programs read.</summary>
public enum ReportFormat
{
    /// <summary>An array with gitleaks' field names.</summary>
    Json,

    /// <summary>With gitleaks' columns.</summary>
    Csv,

    /// <summary>For CI servers.</summary>
    JUnit,

    /// <summary>SARIF 2.1.0, for code hosts.</summary>
    Sarif,
}

/// <summary>Writes findings for other programs.</summary>
public static class Report
{
    /// <summary>The format called <paramref name="name"/>, or null.</summary>
    public static ReportFormat? Format(string name) =>
        name.ToUpperInvariant() switch
        {
            "JSON" => ReportFormat.Json,
            "CSV" => ReportFormat.Csv,
            "JUNIT" or "XML" => ReportFormat.JUnit,
            "SARIF" => ReportFormat.Sarif,
            _ => null,
        };

    /// <summary>Writes a whole report.</summary>
    /// <param name="format">Its form.</param>
    /// <param name="findings">What it tells of, redacted by the caller if at all.</param>
    /// <param name="rules">The rules that were tried.</param>
    /// <param name="version">Mayfly's.</param>
    /// <param name="output">Stays open.</param>
    public static void Write(
        ReportFormat format,
        IReadOnlyList<Finding> findings,
        IReadOnlyList<ScanRule> rules,
        string version,
        Stream output
    )
    {
        switch (format)
        {
            case ReportFormat.Json:
                JsonReport.Write(findings, output);
                break;
            case ReportFormat.Csv:
                CsvReport.Write(findings, output);
                break;
            case ReportFormat.JUnit:
                JUnitReport.Write(findings, output);
                break;
            default:
                SarifReport.Write(findings, rules, version, output);
                break;
        }
    }
}
