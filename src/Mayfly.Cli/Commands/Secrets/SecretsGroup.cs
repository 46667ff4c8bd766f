using Mayfly.Cli.Commands.Mounts;
using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Secrets;

internal sealed class SecretsGroup() : Group("secrets", "Manage secrets engines")
{
    public override IReadOnlyList<string> Names => ["enable", "disable", "list", "tune", "move"];

    public override Node? Find(string name) =>
        name switch
        {
            "enable" => new EnableCommand(MountKind.Secrets),
            "disable" => new DisableCommand(MountKind.Secrets),
            "list" => new MountListCommand(MountKind.Secrets),
            "tune" => new TuneCommand(MountKind.Secrets),
            "move" => new MoveCommand(MountKind.Secrets),
            _ => null,
        };
}
