using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Data;

internal sealed class DeleteCommand() : Command("delete", "Delete what is at a path")
{
    public override string Usage => "[options] PATH [K=V...]";

    public override string Details =>
        """
            Deletes the data at a path of the API. What that means is the engine's to say: a secret is removed, a
            role is dropped. Further K=V arguments become query parameters.
            $ mayfly delete auth/userpass/users/bob
            """;

    public override int Fewest => 1;

    public override int Most => int.MaxValue;

    public override bool TakesPath => true;

    public override async Task<int> RunAsync(Invocation call)
    {
        var path = Paths.Clean(call.Arguments[0]);
        var query = new DataArguments();
        if (query.Add(call.Arguments.Skip(1), call.Session) is { } wrong)
        {
            return call.Wrong($"Failed to parse K=V data: {wrong}");
        }

        var response = await call.SendAsync(new MayflyRequest(HttpMethod.Delete, path) { Query = query.ToQuery() });
        if (!response.IsSuccess)
        {
            var code = call.Refused($"Error deleting {path}", response);
            await MistakenKvPath.HintAsync(call, path, "delete", response);
            return code;
        }

        if (!response.Body.IsEmpty)
        {
            call.Print.Secret(response);
        }

        call.Print.Note($"Success! Data deleted (if it existed) at: {path}");
        return Exit.Ok;
    }
}
