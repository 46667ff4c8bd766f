using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Kv;

/// <summary>A verb on one key: finds the mount first, as every kv verb does.</summary>
internal abstract class KvCommand(string name, string synopsis) : Command(name, synopsis)
{
    protected TextFlag Mount { get; } =
        new("mount", "Where the store is mounted. The path is then relative to it: -mount=secret app.");

    public override IReadOnlyList<Flag> Flags => [Mount];

    public override bool HasField => true;

    public override int Fewest => 1;

    public override bool TakesPath => true;

    public sealed override async Task<int> RunAsync(Invocation call)
    {
        if (CheckArguments(call) is { } wrong)
        {
            return call.Wrong(wrong);
        }

        var (path, code) = await KvPath.ResolveAsync(
            call,
            Mount.Value,
            call.Arguments.Count == 0 ? "" : call.Arguments[0]
        );
        return code == Exit.Ok ? await RunAsync(call, path) : code;
    }

    /// <summary>What is wrong before any server is asked, or null.</summary>
    protected virtual string? CheckArguments(Invocation call) => null;

    protected abstract Task<int> RunAsync(Invocation call, KvPath path);

    /// <summary>Says that versions are needed, when they are missing. Vault's exit code differs between verbs.</summary>
    protected int NeedsVersion2(Invocation call, KvPath path, int code = Exit.Local)
    {
        var store = path.Mount.Length == 0 ? path.Relative : path.Mount;
        call.Print.Error($"{store} is no version 2 key/value store, which \"kv {Name}\" needs.");
        return code;
    }
}
