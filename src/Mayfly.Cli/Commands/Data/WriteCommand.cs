using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Data;

internal sealed class WriteCommand()
    : SendCommand("write", "Write data to a path", "Write even without data: some paths need none.", kvVerb: "put")
{
    public override string Details =>
        """
            Writes data to a path of the API. Values come from the command line, from files (key=@file, @all.json)
            or from standard input (key=-, -).
            $ mayfly write auth/userpass/users/bob password=- policies=app
            $ mayfly write sys/policies/acl/app policy=@app.hcl
            $ mayfly write -f sys/rotate
            """;

    protected override Task<MayflyResponse> SendAsync(Invocation call, string path, DataArguments data) =>
        call.WriteAsync(path, data.ToJson());
}
