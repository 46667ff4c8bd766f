using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;

namespace Mayfly.Cli.Commands.Audit;

internal sealed class AuditListCommand() : Command("list", "List the audit devices")
{
    private readonly BoolFlag _detailed = new("detailed", "With their options.");

    public override string Usage => "[options]";

    public override string Details =>
        """
            Lists the audit devices.
            $ mayfly audit list -detailed
            """;

    public override IReadOnlyList<Flag> Flags => [_detailed];

    public override async Task<int> RunAsync(Invocation call)
    {
        var response = await call.ReadAsync("sys/audit");
        if (!response.IsSuccess)
        {
            return call.Refused("Error listing audits", response);
        }

        if (!call.Print.IsTable)
        {
            call.Print.Structured(response.Data);
            return Exit.Ok;
        }

        var rows = new List<IReadOnlyList<string>>();
        foreach (var device in PlainText.Sorted(response.Data))
        {
            rows.Add(Row(device));
        }

        if (rows.Count == 0)
        {
            call.Print.Error("No audit devices are enabled.");
            return Exit.Server;
        }

        call.Print.Line(
            Columns.Table(
                _detailed.Value
                    ? ["Path", "Type", "Description", "Replication", "Options"]
                    : ["Path", "Type", "Description"],
                rows
            )
        );
        return Exit.Ok;
    }

    private string[] Row(JsonProperty device)
    {
        string[] simple = [device.Name, Text(device, "type"), Text(device, "description")];
        return _detailed.Value ? [.. simple, Replication(device), Options(device)] : simple;
    }

    private static string Replication(JsonProperty device) => Text(device, "local") == "true" ? "local" : "replicated";

    private static string Options(JsonProperty device)
    {
        var options = new List<string>();
        foreach (var option in PlainText.Sorted(SecretRows.Member(device.Value, "options")))
        {
            options.Add($"{option.Name}={PlainText.Of(option.Value)}");
        }

        return string.Join(' ', options);
    }

    private static string Text(JsonProperty device, string name) =>
        SecretRows.Member(device.Value, name)
            is { ValueKind: not (JsonValueKind.Undefined or JsonValueKind.Null) } found
            ? PlainText.Of(found)
            : "";
}
