using System.Globalization;
using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;
using Mayfly.Scanner.Honeytokens;

namespace Mayfly.Cli.Commands.Honeytoken;

internal sealed class HoneytokenListCommand() : Command("list", "List the decoys that were made")
{
    private readonly TextFlag _path = HoneytokenPath.Flag();

    public override string Usage => "[options]";

    public override string Details =>
        """
            Lists decoys by their number, with type, date and note. The decoys themselves are not kept.
            $ mayfly honeytoken list
            """;

    public override IReadOnlyList<Flag> Flags => [_path];

    public override bool UsesServer => false;

    public override Task<int> RunAsync(Invocation call)
    {
        var records = HoneytokenPath.Read(_path, call.Session)?.Records ?? [];
        if (!call.Print.IsTable)
        {
            call.Print.Structured(Json(records));
        }
        else if (records.Count == 0)
        {
            call.Print.Note("no honeytokens have been made");
        }
        else
        {
            call.Print.Line(Columns.Table(["ID", "Type", "Created", "Note"], [.. records.Select(Row)]));
        }

        return Task.FromResult(Exit.Ok);
    }

    private static IReadOnlyList<string> Row(HoneytokenRecord record) =>
        [record.Id, record.Kind, record.Created.UtcDateTime.ToString("u", CultureInfo.InvariantCulture), record.Note];

    private static JsonElement Json(IReadOnlyList<HoneytokenRecord> records) =>
        JsonText.Element(json =>
        {
            json.WriteStartArray();
            foreach (var record in records)
            {
                json.WriteStartObject();
                json.WriteString("id", record.Id);
                json.WriteString("type", record.Kind);
                json.WriteString("created", record.Created);
                json.WriteString("note", record.Note);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
}
