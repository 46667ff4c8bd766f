using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Mayfly.Scanner.Findings;
using Mayfly.Scanner.Rules;

namespace Mayfly.Scanner.Reports;

/// <summary>Findings in SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0), as code hosts show them.</summary>
internal static class SarifReport
{
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        IndentSize = 1,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static void Write(
        IReadOnlyList<Finding> findings,
        IReadOnlyList<ScanRule> rules,
        string version,
        Stream output
    )
    {
        using (var writer = new Utf8JsonWriter(output, Options))
        {
            writer.WriteStartObject();
            writer.WriteString("$schema", "https://json.schemastore.org/sarif-2.1.0.json");
            writer.WriteString("version", "2.1.0");
            writer.WriteStartArray("runs");
            writer.WriteStartObject();
            writer.WriteStartObject("tool");
            writer.WriteStartObject("driver");
            writer.WriteString("name", "mayfly");
            writer.WriteString("semanticVersion", version);
            writer.WriteStartArray("rules");
            foreach (var rule in rules)
            {
                writer.WriteStartObject();
                writer.WriteString("id", rule.Id);
                writer.WriteStartObject("shortDescription");
                writer.WriteString("text", rule.Description.Length > 0 ? rule.Description : rule.Id);
                writer.WriteEndObject();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteStartArray("results");
            foreach (var finding in findings)
            {
                WriteResult(writer, finding);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        output.Write("\n"u8);
    }

    private static void WriteResult(Utf8JsonWriter writer, Finding finding)
    {
        var commit = finding.Commit is null ? "" : $" at commit {finding.Commit.Hash}";
        writer.WriteStartObject();
        writer.WriteStartObject("message");
        writer.WriteString("text", $"{finding.RuleId} has detected secret for file {finding.File}{commit}.");
        writer.WriteEndObject();
        writer.WriteString("ruleId", finding.RuleId);
        writer.WriteStartArray("locations");
        writer.WriteStartObject();
        writer.WriteStartObject("physicalLocation");
        writer.WriteStartObject("artifactLocation");
        writer.WriteString("uri", UriOf(finding.SymlinkFile.Length > 0 ? finding.SymlinkFile : finding.File));
        writer.WriteEndObject();
        writer.WriteStartObject("region");
        // A finding of a path alone is of its first line.
        writer.WriteNumber("startLine", Math.Max(1, finding.StartLine));
        writer.WriteNumber("startColumn", Math.Max(1, finding.StartColumn));
        writer.WriteNumber("endLine", Math.Max(1, finding.EndLine));
        writer.WriteNumber("endColumn", Math.Max(1, finding.EndColumn));
        writer.WriteStartObject("snippet");
        writer.WriteString("text", finding.Secret);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteStartObject("partialFingerprints");
        writer.WriteString("commitSha", finding.Commit?.Hash ?? "");
        writer.WriteString("email", finding.Commit?.Email ?? "");
        writer.WriteString("author", finding.Commit?.Author ?? "");
        writer.WriteString("date", finding.Commit?.Date ?? "");
        writer.WriteString("commitMessage", finding.Commit?.Message ?? "");
        writer.WriteEndObject();
        writer.WriteStartObject("properties");
        writer.WriteStartArray("tags");
        foreach (var tag in finding.Tags)
        {
            writer.WriteStringValue(tag);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>A relative URI reference (RFC 3986): what a path may have and a URI may not is percent-encoded.</summary>
    private static string UriOf(string path)
    {
        var result = new StringBuilder();
        foreach (var letter in Encoding.UTF8.GetBytes(path))
        {
            var plain = char.IsAsciiLetterOrDigit((char)letter) || "-._~/!$&'()*+,;=@".Contains((char)letter);
            if (plain)
            {
                result.Append((char)letter);
            }
            else
            {
                result.Append('%').Append(letter.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
            }
        }

        return result.ToString();
    }
}
