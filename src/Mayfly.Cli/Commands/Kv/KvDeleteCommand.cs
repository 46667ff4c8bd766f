using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Kv;

internal sealed class KvDeleteCommand() : KvCommand("delete", "Delete versions of a secret")
{
    private readonly ListFlag _versions = KvVersions.Flag("Versions to delete; the current one by default.");

    public override string Usage => "[options] KEY";

    public override string Details =>
        """
            Deletes the current version, or those of -versions. In a version 2 store "kv undelete" brings them back;
            "kv destroy" removes them for good, and "kv metadata delete" everything about the secret.
            $ mayfly kv delete secret/app
            $ mayfly kv delete -versions=3,4 secret/app
            """;

    public override IReadOnlyList<Flag> Flags => [.. base.Flags, _versions];

    public override bool HasField => false;

    protected override string? CheckArguments(Invocation call) => KvVersions.Parse(_versions).Wrong;

    protected override async Task<int> RunAsync(Invocation call, KvPath path)
    {
        var api = path.Api("data");
        var (versions, _) = KvVersions.Parse(_versions);
        if (versions.Count > 0 && !path.IsVersion2)
        {
            return NeedsVersion2(call, path);
        }

        var response =
            versions.Count > 0
                ? await call.WriteAsync(path.Api("delete"), writer => KvVersions.Write(writer, versions))
                : await call.DeleteAsync(api);
        return call.Done($"Success! Data deleted (if it existed) at: {api}", $"Error deleting {api}", response);
    }
}

internal sealed class KvUndeleteCommand() : KvVersionsCommand("undelete", "Bring deleted versions back", "bring back")
{
    public override string Details =>
        """
            Brings versions back that "kv delete" has deleted.
            $ mayfly kv undelete -versions=3 secret/app
            """;
}

internal sealed class KvDestroyCommand() : KvVersionsCommand("destroy", "Remove versions for good", "remove")
{
    public override string Details =>
        """
            Removes the data of versions for good. Nothing brings it back.
            $ mayfly kv destroy -versions=3 secret/app
            """;
}

/// <summary>What is done to versions that have to be named; the path of the API has the verb's name.</summary>
internal abstract class KvVersionsCommand(string name, string summary, string verb) : KvCommand(name, summary)
{
    private readonly ListFlag _versions = KvVersions.Flag($"Versions to {verb}.");

    public override string Usage => "[options] -versions=N,... KEY";

    public override IReadOnlyList<Flag> Flags => [.. base.Flags, _versions];

    public override bool HasField => false;

    protected override string? CheckArguments(Invocation call) =>
        KvVersions.Parse(_versions).Wrong
        ?? (_versions.Values.Count == 0 ? "No versions provided, use the \"-versions\" flag to specify them" : null);

    protected override async Task<int> RunAsync(Invocation call, KvPath path)
    {
        if (!path.IsVersion2)
        {
            return NeedsVersion2(call, path);
        }

        var api = path.Api(Name);
        var (versions, _) = KvVersions.Parse(_versions);
        var response = await call.WriteAsync(api, writer => KvVersions.Write(writer, versions));
        return call.Done($"Success! Data written to: {api}", $"Error writing data to {api}", response);
    }
}
