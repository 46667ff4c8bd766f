using System.Text.Json;

namespace Mayfly.Scanner.Findings;

/// <summary>
/// The findings of an earlier report in JSON: they are known, and only others fail a scan. A finding is the same when rule,
/// file, commit and secret are, wherever in the file it has moved; when the report was redacted, the line must be too.
/// Immutable.
/// </summary>
public sealed class Baseline
{
    private readonly HashSet<(string Rule, string File, string Commit, string Secret)> _whole = [];
    private readonly HashSet<(string Rule, string File, string Commit, int Line)> _redacted = [];

    private Baseline() { }

    /// <summary>Reads a report. Exactly one of the two results is null.</summary>
    public static (Baseline? Baseline, string? Problem) Read(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json.StartsWith("\uFEFF"u8) ? json[3..] : json);
            var report = JsonElement.ParseValue(ref reader);
            if (report.ValueKind != JsonValueKind.Array)
            {
                return (null, "it is no JSON report: an array of findings");
            }

            var baseline = new Baseline();
            foreach (var finding in report.EnumerateArray())
            {
                baseline.Add(finding);
            }

            return (baseline, null);
        }
        catch (JsonException e)
        {
            return (null, $"it is no JSON report: line {e.LineNumber + 1}, column {e.BytePositionInLine + 1}");
        }
        catch (InvalidOperationException)
        {
            return (null, "it is no JSON report: a finding has fields of another type");
        }
    }

    /// <summary>Whether the earlier report has the finding.</summary>
    /// <param name="finding">As found, not redacted.</param>
    public bool Has(Finding finding)
    {
        var commit = finding.Commit?.Hash ?? "";
        return _whole.Contains((finding.RuleId, finding.File, commit, finding.Secret))
            || _redacted.Contains((finding.RuleId, finding.File, commit, finding.StartLine));
    }

    private void Add(JsonElement finding)
    {
        var (rule, file, commit) = (Text(finding, "RuleID"), Text(finding, "File"), Text(finding, "Commit"));
        var secret = Text(finding, "Secret");
        if (secret == Redaction.Whole || secret.EndsWith(Redaction.Cut, StringComparison.Ordinal))
        {
            _redacted.Add(
                (rule, file, commit, finding.TryGetProperty("StartLine", out var line) ? line.GetInt32() : 0)
            );
        }
        else
        {
            _whole.Add((rule, file, commit, secret));
        }
    }

    private static string Text(JsonElement finding, string name) =>
        finding.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";
}
