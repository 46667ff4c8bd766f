using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Rotation;

internal sealed class RotationStatusCommand() : Command("status", "Show where a rotation stands, and who is behind")
{
    private static readonly string[] Rows =
    [
        "name",
        "mode",
        "step",
        "current_version",
        "last_rotation",
        "next_rotation",
        "next_attempt",
        "failures",
        "last_error",
    ];

    public override string Usage => "[options] NAME";

    public override string Details =>
        """
            Shows where a rotation stands, when the secret was and will be rotated, why the last attempt failed, which
            consumers still hold the old version, and the latest attempts.
            $ mayfly rotation status app
            $ mayfly rotation status database/static-roles/app
            """;

    public override int Fewest => 1;

    public override bool HasField => true;

    public override async Task<int> RunAsync(Invocation call)
    {
        var response = await call.ReadAsync($"sys/rotation/status/{Paths.Clean(call.Arguments[0])}");
        return response.IsSuccess
            ? Show(call, response)
            : call.Refused("Error reading the rotation's status", response);
    }

    /// <summary>The status as tables: the facts, the consumers, the history.</summary>
    public static int Show(Invocation call, MayflyResponse response)
    {
        if (!call.Print.IsTable || call.Field is not null)
        {
            return call.Show(response);
        }

        var data = response.Data;
        call.Print.Line(
            Columns.Table(["Key", "Value"], [.. Rows.Select(row => Row(row, SecretRows.Member(data, row)))])
        );
        ShowList(
            call,
            "Consumers",
            SecretRows.Member(data, "consumers"),
            ["name", "last_seen", "acknowledged", "awaited", "behind"]
        );
        ShowList(
            call,
            "History",
            SecretRows.Member(data, "history"),
            ["ended", "outcome", "reason", "emergency", "error"]
        );
        return Exit.Ok;
    }

    private static IReadOnlyList<string> Row(string name, JsonElement value) => [name, PlainText.Of(value)];

    private static void ShowList(Invocation call, string title, JsonElement items, string[] members)
    {
        if (items.ValueKind != JsonValueKind.Array || items.GetArrayLength() == 0)
        {
            return;
        }

        call.Print.Line($"\n{title}");
        call.Print.Line(
            Columns.Table(
                members,
                [
                    .. items
                        .EnumerateArray()
                        .Select(item =>
                            members.Select(member => PlainText.Of(SecretRows.Member(item, member))).ToArray()
                        ),
                ]
            )
        );
    }
}
