using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Data;

internal sealed class ReadCommand() : Command("read", "Read data at a path")
{
    public override string Usage => "[options] PATH [K=V...]";

    public override string Details =>
        """
            Reads the data at a path of the API: a secret, generated credentials, configuration. Further K=V
            arguments become query parameters.
            $ mayfly read auth/token/lookup-self
            $ mayfly read -field=version sys/health
            Secrets of a version 2 key/value store are easier to read with "mayfly kv get".
            """;

    public override bool HasField => true;

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

        var response = await call.ReadAsync(path, query.ToQuery());
        if (response.IsSuccess)
        {
            return call.Show(response);
        }

        var code =
            response.Status == 404 && response.Errors.Count == 0
                ? NotFound.At(call, path, response)
                : call.Refused($"Error reading {path}", response);
        await MistakenKvPath.HintAsync(call, path, "get", response);
        return code;
    }
}
