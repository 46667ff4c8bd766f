using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Kv;

internal sealed class KvPutCommand() : KvCommand("put", "Write a secret")
{
    private readonly NumberFlag _cas = new(
        "cas",
        "Write only if this is the current version; 0: only if there is none."
    );

    public override string Usage => "[options] KEY [DATA K=V...]";

    public override string Details =>
        """
            Writes a secret whole: fields that are not given are not in the new version. Values come from the command
            line, from files (key=@file, @all.json) or from standard input (key=-, -). What stands on the command line
            is visible to other processes of this machine; standard input is not.
            $ mayfly kv put secret/app username=app password=-
            $ mayfly kv put -mount=secret -cas=0 app @app.json
            """;

    public override IReadOnlyList<Flag> Flags => [.. base.Flags, _cas];

    public override int Most => int.MaxValue;

    protected override string? CheckArguments(Invocation call) => call.Arguments.Count < 2 ? "Must supply data" : null;

    protected override async Task<int> RunAsync(Invocation call, KvPath path)
    {
        var data = new DataArguments();
        if (data.Add(call.Arguments.Skip(1), call.Session) is { } wrong)
        {
            return call.Wrong($"Failed to parse K=V data: {wrong}");
        }

        if (!path.IsVersion2 && _cas.IsSet)
        {
            return NeedsVersion2(call, path);
        }

        var api = path.Api("data");
        var response = path.IsVersion2
            ? await call.WriteAsync(
                api,
                writer =>
                {
                    writer.WriteStartObject("data");
                    data.WriteMembers(writer);
                    writer.WriteEndObject();
                    writer.WriteStartObject("options");
                    if (_cas.Value is >= 0 and var cas)
                    {
                        writer.WriteNumber("cas", cas);
                    }

                    writer.WriteEndObject();
                }
            )
            : await call.WriteAsync(api, data.ToJson());
        return response.IsSuccess
            ? KvTables.Written(call, path, response)
            : call.Refused($"Error writing data to {api}", response);
    }
}
