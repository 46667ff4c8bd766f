using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Audit;

internal sealed class AuditEnableCommand() : Command("enable", "Enable an audit device")
{
    private readonly TextFlag _path = new("path", "Its name; its type by default.");
    private readonly TextFlag _description = new("description", "What it is for, in words.");
    private readonly BoolFlag _local = new("local", "Do not replicate.");

    public override string Usage => "[options] TYPE [K=V...]";

    public override string Details =>
        """
            Enables an audit device: from then on, no request succeeds that no device has recorded.
            $ mayfly audit enable file file_path=/var/log/mayfly/audit.log
            $ mayfly audit enable -path=siem socket address=10.0.0.9:9090 socket_type=tcp
            """;

    public override IReadOnlyList<Flag> Flags => [_path, _description, _local];

    public override int Fewest => 1;

    public override int Most => int.MaxValue;

    public override async Task<int> RunAsync(Invocation call)
    {
        var type = call.Arguments[0].Trim();
        var options = new DataArguments();
        if (options.Add(call.Arguments.Skip(1), call.Session) is { } wrong)
        {
            return call.Wrong($"Failed to parse K=V data: {wrong}");
        }

        var mount = Paths.Folder(_path.Value is { Length: > 0 } path ? path : type);
        var response = await call.WriteAsync(
            "sys/audit/" + mount.TrimEnd('/'),
            writer =>
            {
                writer.WriteString("type", type);
                writer.WriteString("description", _description.Value ?? "");
                writer.WriteBoolean("local", _local.Value);
                writer.WriteStartObject("options");
                options.WriteMembers(writer);
                writer.WriteEndObject();
            }
        );
        return call.Done(
            $"Success! Enabled the {type} audit device at: {mount}",
            "Error enabling audit device",
            response
        );
    }
}
