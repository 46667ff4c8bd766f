using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Kv;

internal sealed class KvGroup() : Group("kv", "Read, write and search key/value secrets")
{
    public override IReadOnlyList<string> Names =>
        [
            "get",
            "put",
            "patch",
            "list",
            "search",
            "delete",
            "undelete",
            "destroy",
            "rollback",
            "metadata",
            "enable-versioning",
        ];

    public override Node? Find(string name) =>
        name switch
        {
            "get" => new KvGetCommand(),
            "put" => new KvPutCommand(),
            "patch" => new KvPatchCommand(),
            "list" => new KvListCommand(),
            "search" => new KvSearchCommand(),
            "delete" => new KvDeleteCommand(),
            "undelete" => new KvUndeleteCommand(),
            "destroy" => new KvDestroyCommand(),
            "rollback" => new KvRollbackCommand(),
            "metadata" => new Metadata.KvMetadataGroup(),
            "enable-versioning" => new KvEnableVersioningCommand(),
            _ => null,
        };
}
