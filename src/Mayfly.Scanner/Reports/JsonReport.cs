using System.Text.Encodings.Web;
using System.Text.Json;
using Mayfly.Scanner.Findings;

namespace Mayfly.Scanner.Reports;

/// <summary>Findings as a JSON array with gitleaks' field names.</summary>
internal static class JsonReport
{
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        IndentSize = 1,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static void Write(IReadOnlyList<Finding> findings, Stream output)
    {
        using (var writer = new Utf8JsonWriter(output, Options))
        {
            writer.WriteStartArray();
            foreach (var finding in findings)
            {
                WriteFinding(writer, finding);
            }

            writer.WriteEndArray();
        }

        output.Write("\n"u8);
    }

    /// <summary>One finding as an object.</summary>
    public static void WriteFinding(Utf8JsonWriter writer, Finding finding)
    {
        writer.WriteStartObject();
        writer.WriteString("RuleID", finding.RuleId);
        writer.WriteString("Description", finding.Description);
        writer.WriteNumber("StartLine", finding.StartLine);
        writer.WriteNumber("EndLine", finding.EndLine);
        writer.WriteNumber("StartColumn", finding.StartColumn);
        writer.WriteNumber("EndColumn", finding.EndColumn);
        writer.WriteString("Match", finding.Match);
        writer.WriteString("Secret", finding.Secret);
        writer.WriteString("File", finding.File);
        writer.WriteString("SymlinkFile", finding.SymlinkFile);
        writer.WriteString("Commit", finding.Commit?.Hash ?? "");
        writer.WriteNumber("Entropy", Math.Round(finding.Entropy, 6));
        writer.WriteString("Author", finding.Commit?.Author ?? "");
        writer.WriteString("Email", finding.Commit?.Email ?? "");
        writer.WriteString("Date", finding.Commit?.Date ?? "");
        writer.WriteString("Message", finding.Commit?.Message ?? "");
        writer.WriteStartArray("Tags");
        foreach (var tag in finding.Tags)
        {
            writer.WriteStringValue(tag);
        }

        writer.WriteEndArray();
        writer.WriteString("Fingerprint", finding.Fingerprint);
        writer.WriteEndObject();
    }
}
