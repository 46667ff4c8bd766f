using System.Text.Json;
using Mayfly.Cli.Output;
using Mayfly.Crypto.Audit;

namespace Mayfly.Cli.Commands.Audit;

/// <summary>Reports as JSON, for CI gates.</summary>
internal static class AuditReportJson
{
    public static JsonElement Of(IReadOnlyList<(string File, AuditReport Report)> reports) =>
        JsonText.Element(writer =>
        {
            writer.WriteStartArray();
            foreach (var (file, report) in reports)
            {
                Write(writer, file, report);
            }

            writer.WriteEndArray();
        });

    private static void Write(Utf8JsonWriter writer, string file, AuditReport report)
    {
        writer.WriteStartObject();
        writer.WriteString("file", file);
        writer.WriteBoolean("intact", report.Intact);
        writer.WriteNumber("lines", report.Lines);
        writer.WriteNumber("entries", report.Entries);
        writer.WriteNumber("checkpoints", report.Checkpoints);
        writer.WriteNumber("unsigned", report.Unsigned);
        writer.WriteString("key_id", report.KeyId);
        writer.WriteBoolean("key_pinned", report.KeyPinned);
        Write(writer, "continues", report.Continues);
        Write(writer, "last", report.Last);
        writer.WriteStartArray("findings");
        foreach (var finding in report.Findings)
        {
            writer.WriteStartObject();
            writer.WriteNumber("line", finding.Line);
            writer.WriteString("kind", JsonNamingPolicy.SnakeCaseLower.ConvertName(finding.Kind.ToString()));
            writer.WriteBoolean("problem", finding.IsProblem);
            writer.WriteString("message", finding.Message);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteNumber("further_findings", report.FurtherFindings);
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, string name, AuditLink? link)
    {
        if (link is null)
        {
            writer.WriteNull(name);
            return;
        }

        writer.WriteStartObject(name);
        writer.WriteNumber("sequence", link.Sequence);
        writer.WriteString("hash", link.Hash);
        writer.WriteEndObject();
    }
}
