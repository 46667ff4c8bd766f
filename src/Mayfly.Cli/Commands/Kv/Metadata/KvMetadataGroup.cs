using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Kv.Metadata;

internal sealed class KvMetadataGroup() : Group("metadata", "Read and change what is known about a secret")
{
    public override IReadOnlyList<string> Names => ["get", "put", "patch", "delete"];

    public override Node? Find(string name) =>
        name switch
        {
            "get" => new KvMetadataGetCommand(),
            "put" => new KvMetadataWriteCommand(isPatch: false),
            "patch" => new KvMetadataWriteCommand(isPatch: true),
            "delete" => new KvMetadataDeleteCommand(),
            _ => null,
        };
}
