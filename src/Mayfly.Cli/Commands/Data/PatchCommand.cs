using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Data;

internal sealed class PatchCommand()
    : SendCommand("patch", "Change part of the data at a path", "Send even without data.", kvVerb: "patch")
{
    public override string Details =>
        """
            Sends a JSON merge patch to a path of the API: members that are given are set, others stay. Values come
            as in "mayfly write".
            $ mayfly patch auth/approle/role/web token_ttl=1h
            """;

    protected override Task<MayflyResponse> SendAsync(Invocation call, string path, DataArguments data) =>
        call.PatchAsync(path, data.ToJson());
}
