using Mayfly.Cli.Commands.Data;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;

namespace Mayfly.Cli.Commands.Kv;

internal sealed class KvListCommand() : KvCommand("list", "List secrets")
{
    private readonly BoolFlag _recursive = new("recursive", "Everything below, as far as the token may list.")
    {
        Alias = "r",
    };

    public override string Usage => "[options] [PATH]";

    public override string Details =>
        """
            Lists the names below a path. A name that ends with a slash is a folder. With -recursive, every secret
            below it, one path per line; folders that the token may not list are left out, and counted.
            $ mayfly kv list secret/
            $ mayfly kv list -recursive secret/
            """;

    public override IReadOnlyList<Flag> Flags => [.. base.Flags, _recursive];

    public override bool HasField => false;

    public override int Fewest => 0;

    public override int Most => 1;

    protected override string? CheckArguments(Invocation call) =>
        call.Arguments.Count == 0 && Mount.Value is null ? "Not enough arguments: give a PATH or -mount" : null;

    protected override async Task<int> RunAsync(Invocation call, KvPath path)
    {
        if (!_recursive.Value)
        {
            var api = path.ApiFolder("metadata");
            return ListCommand.Show(call, api, await call.ListAsync(api));
        }

        var walk = new KvWalk(call, path);
        var secrets = await walk.SecretsAsync();
        if (walk.Failure is { } failure)
        {
            return call.Refused($"Error listing {path.Mount}{path.Relative}", failure);
        }

        KvSearchCommand.Show(call, secrets, walk.Denied);
        if (secrets.Count == 0 && call.Print.IsTable)
        {
            call.Print.Error($"No secrets found below {path.Mount}{path.Relative}");
        }

        return secrets.Count > 0 ? Exit.Ok : Exit.Server;
    }
}
