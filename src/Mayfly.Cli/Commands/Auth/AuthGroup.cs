using Mayfly.Cli.Commands.Mounts;
using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Auth;

internal sealed class AuthGroup() : Group("auth", "Manage auth methods")
{
    public override IReadOnlyList<string> Names => ["enable", "disable", "list", "tune", "move", "help"];

    public override Node? Find(string name) =>
        name switch
        {
            "enable" => new EnableCommand(MountKind.Auth),
            "disable" => new DisableCommand(MountKind.Auth),
            "list" => new MountListCommand(MountKind.Auth),
            "tune" => new TuneCommand(MountKind.Auth),
            "move" => new MoveCommand(MountKind.Auth),
            "help" => new AuthHelpCommand(),
            _ => null,
        };
}
