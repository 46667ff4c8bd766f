using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Data;

internal sealed class PatchCommand() : Command("patch", "Change part of the data at a path")
{
    private readonly BoolFlag _force = new("force", "Send even without data.") { Alias = "f" };

    public override string Usage => "[options] PATH [DATA K=V...]";

    public override string Details =>
        """
            Sends a JSON merge patch to a path of the API: members that are given are set, others stay. Values come
            as in "mayfly write".
            $ mayfly patch auth/approle/role/web token_ttl=1h
            """;

    public override IReadOnlyList<Flag> Flags => [_force];

    public override bool HasField => true;

    public override int Fewest => 1;

    public override int Most => int.MaxValue;

    public override bool TakesPath => true;

    public override async Task<int> RunAsync(Invocation call)
    {
        var path = Paths.Clean(call.Arguments[0]);
        if (call.Arguments.Count == 1 && !_force.Value)
        {
            return call.Wrong("Must supply data or use -force");
        }

        var data = new DataArguments();
        if (data.Add(call.Arguments.Skip(1), call.Session) is { } wrong)
        {
            return call.Wrong($"Failed to parse K=V data: {wrong}");
        }

        return await WriteResult.ShowAsync(call, path, await call.PatchAsync(path, data.ToJson()), "patch");
    }
}
