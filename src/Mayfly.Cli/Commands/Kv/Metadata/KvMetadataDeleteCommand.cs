using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Kv.Metadata;

internal sealed class KvMetadataDeleteCommand() : KvCommand("delete", "Remove a secret with all its versions")
{
    public override string Usage => "[options] KEY";

    public override string Details =>
        """
            Removes a secret, all its versions and everything known about it. Nothing brings it back.
            $ mayfly kv metadata delete secret/app
            """;

    public override bool HasField => false;

    protected override async Task<int> RunAsync(Invocation call, KvPath path)
    {
        if (!path.IsVersion2)
        {
            return NeedsVersion2(call, path);
        }

        var api = path.Api("metadata");
        var response = await call.DeleteAsync(api);
        return call.Done($"Success! Data deleted (if it existed) at: {api}", $"Error deleting {api}", response);
    }
}
