using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Data;

internal sealed class StatusCommand() : Command("status", "Show whether the server is sealed")
{
    public override string Usage => "[options]";

    public override string Details =>
        """
            Shows the state of the server. The exit code tells it to scripts:
            0 unsealed, 1 an error, 2 sealed.
            $ mayfly status -format=json
            """;

    public override async Task<int> RunAsync(Invocation call)
    {
        var status = await call.ReadAsync("sys/seal-status");
        if (!status.IsSuccess)
        {
            call.Refused("Error checking seal status", status);
            return Exit.Local;
        }

        await ShowAsync(call, status);
        return SecretRows.Member(status.Root, "sealed").ValueKind == JsonValueKind.False ? Exit.Ok : Exit.Server;
    }

    /// <summary>The state of the seal, and of the cluster when there is one to ask for.</summary>
    public static async Task ShowAsync(Invocation call, MayflyResponse status)
    {
        // A sealed server cannot say who leads.
        var leader = await call.ReadAsync("sys/leader");
        var ha = leader.IsSuccess
            ? SecretRows.Member(leader.Root, "ha_enabled").ValueKind == JsonValueKind.True
            : leader.Status == 503;
        if (!call.Print.IsTable)
        {
            call.Print.Structured(JsonText.Element(writer => Merge(writer, status.Root, leader, ha)));
            return;
        }

        call.Print.Rows(Rows(status.Root, leader, ha));
    }

    private static List<IReadOnlyList<string>> Rows(JsonElement status, MayflyResponse leader, bool ha)
    {
        var recovery = Text("recovery_seal") == "true";
        var rows = new List<IReadOnlyList<string>> { (string[])["Seal Type", Text("type")] };
        if (recovery && Text("recovery_seal_type") is { Length: > 0 } recoveryType)
        {
            rows.Add(["Recovery Seal Type", recoveryType]);
        }

        rows.Add(["Initialized", Text("initialized")]);
        rows.Add(["Sealed", Text("sealed")]);
        rows.Add([recovery ? "Total Recovery Shares" : "Total Shares", Text("n")]);
        rows.Add(["Threshold", Text("t")]);
        if (Text("sealed") == "true")
        {
            rows.Add(["Unseal Progress", $"{Text("progress")}/{Text("t")}"]);
            rows.Add(["Unseal Nonce", Text("nonce")]);
        }

        if (Text("migration") == "true")
        {
            rows.Add(["Seal Migration in Progress", "true"]);
        }

        Optional("Version", "version");
        Optional("Build Date", "build_date");
        Optional("Storage Type", "storage_type");
        Optional("Cluster Name", "cluster_name");
        Optional("Cluster ID", "cluster_id");
        rows.Add(["HA Enabled", ha ? "true" : "false"]);
        if (ha && leader.IsSuccess)
        {
            var self = SecretRows.Member(leader.Root, "is_self").ValueKind == JsonValueKind.True;
            rows.Add(["HA Cluster", PlainText.Of(leader.Member("leader_cluster_address"))]);
            rows.Add(["HA Mode", self ? "active" : "standby"]);
        }

        return rows;

        string Text(string name) =>
            SecretRows.Member(status, name) is { ValueKind: not (JsonValueKind.Undefined or JsonValueKind.Null) } found
                ? PlainText.Of(found)
                : "";

        void Optional(string title, string name)
        {
            if (Text(name) is { Length: > 0 } value)
            {
                rows.Add([title, value]);
            }
        }
    }

    private static void Merge(Utf8JsonWriter writer, JsonElement status, MayflyResponse leader, bool ha)
    {
        writer.WriteStartObject();
        foreach (var member in status.EnumerateObject())
        {
            member.WriteTo(writer);
        }

        writer.WriteBoolean("ha_enabled", ha);
        if (ha && leader.IsSuccess)
        {
            foreach (var member in leader.Root.EnumerateObject())
            {
                if (member.Name is "is_self" or "active_time" or "leader_address" or "leader_cluster_address")
                {
                    member.WriteTo(writer);
                }
            }
        }

        writer.WriteEndObject();
    }
}
