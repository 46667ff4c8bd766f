using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Output;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Mounts;

internal sealed class MoveCommand(MountKind kind) : Command("move", $"Move {kind.Indefinite} to another path")
{
    // An hour of polling: a move that takes longer goes on without us.
    private const int MostPolls = 3600;

    public override string Usage => "[options] SOURCE DESTINATION";

    public override string Details =>
        $"""
            Moves the {kind.Singular} at SOURCE, with all its data, to DESTINATION. What it issued is revoked.
            $ mayfly {(kind.IsAuth ? "auth move userpass/ people" : "secrets move team/ team-a")}/
            """;

    public override int Fewest => 2;

    public override async Task<int> RunAsync(Invocation call)
    {
        var from = Paths.Folder(call.Arguments[0]);
        var to = Paths.Folder(call.Arguments[1]);
        var prefix = kind.IsAuth ? "auth/" : "";
        var response = await call.WriteAsync(
            "sys/remount",
            writer =>
            {
                writer.WriteString("from", prefix + from);
                writer.WriteString("to", prefix + to);
            }
        );
        if (!response.IsSuccess)
        {
            return call.Refused($"Error moving {kind.Singular} {from} to {to}", response);
        }

        if (PlainText.Of(SecretRows.Member(response.Data, "migration_id")) is var id && id is "<nil>" or "")
        {
            call.Print.Line($"Success! Moved {kind.Singular} {from} to: {to}");
            return Exit.Ok;
        }

        call.Print.Line($"Started moving {kind.Singular} {from} to {to}, with migration ID {id}");
        return await WaitAsync(call, from, to, id);
    }

    private async Task<int> WaitAsync(Invocation call, string from, string to, string id)
    {
        for (var poll = 0; poll < MostPolls; poll++)
        {
            var status = await call.SendAsync(new MayflyRequest(HttpMethod.Get, $"sys/remount/status/{id}"));
            if (!status.IsSuccess)
            {
                return call.Refused($"Error checking migration status of {kind.Singular} {from}", status);
            }

            switch (PlainText.Of(SecretRows.Member(SecretRows.Member(status.Data, "migration_info"), "status")))
            {
                case "success":
                    call.Print.Line($"Success! Finished moving {kind.Singular} {from} to {to}, with migration ID {id}");
                    return Exit.Ok;
                case "failure":
                    call.Print.Error(
                        $"Failure! Error encountered moving {kind.Singular} {from} to {to}, with migration ID {id}"
                    );
                    return Exit.Server;
                default:
                    await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, call.Cancellation);
                    break;
            }
        }

        call.Print.Error($"The move goes on. Ask for it with: mayfly read sys/remount/status/{id}");
        return Exit.Server;
    }
}
