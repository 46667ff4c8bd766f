using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Rotation;

internal sealed class RotationGroup() : Group("rotation", "Configure and watch the rotation of secrets")
{
    public override IReadOnlyList<string> Names => ["list", "status", "read", "write", "delete"];

    public override Node? Find(string name) =>
        name switch
        {
            "list" => new RotationListCommand(),
            "status" => new RotationStatusCommand(),
            "read" => new RotationReadCommand(),
            "write" => new RotationWriteCommand(),
            "delete" => new RotationDeleteCommand(),
            _ => null,
        };
}
