using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Xml;
using Mayfly.Scanner.Findings;

namespace Mayfly.Scanner.Reports;

/// <summary>Findings as the failed tests of a suite, for CI servers that show JUnit's reports.</summary>
internal static class JUnitReport
{
    public static void Write(IReadOnlyList<Finding> findings, Stream output)
    {
        var settings = new XmlWriterSettings
        {
            Indent = true,
            IndentChars = "\t",
            NewLineChars = "\n",
            Encoding = new UTF8Encoding(false),
            CheckCharacters = false,
        };
        using var writer = XmlWriter.Create(output, settings);
        writer.WriteStartElement("testsuites");
        writer.WriteStartElement("testsuite");
        var count = findings.Count.ToString(CultureInfo.InvariantCulture);
        writer.WriteAttributeString("failures", count);
        writer.WriteAttributeString("name", "mayfly");
        writer.WriteAttributeString("tests", count);
        writer.WriteAttributeString("time", "");
        foreach (var finding in findings)
        {
            var message = MessageOf(finding);
            writer.WriteStartElement("testcase");
            writer.WriteAttributeString("classname", finding.Description);
            writer.WriteAttributeString("file", Printable(finding.File));
            writer.WriteAttributeString("name", message);
            writer.WriteAttributeString("time", "");
            writer.WriteStartElement("failure");
            writer.WriteAttributeString("message", message);
            writer.WriteAttributeString("type", finding.Description);
            writer.WriteString(Printable(JsonOf(finding)));
            writer.WriteEndElement();
            writer.WriteEndElement();
        }

        writer.WriteEndElement();
        writer.WriteEndElement();
    }

    private static string MessageOf(Finding finding)
    {
        var commit = finding.Commit is null ? "" : $", at commit {finding.Commit.Hash}";
        return Printable(
            $"{finding.RuleId} has detected a secret in file {finding.File}, line {finding.StartLine}{commit}."
        );
    }

    private static string JsonOf(Finding finding)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            JsonReport.WriteFinding(writer, finding);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>XML 1.0 has no place for most control characters, even as references.</summary>
    private static string Printable(string text) =>
        text.All(XmlConvert.IsXmlChar) ? text : string.Concat(text.Select(c => XmlConvert.IsXmlChar(c) ? c : '\uFFFD'));
}
