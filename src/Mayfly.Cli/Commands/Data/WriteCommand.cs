using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;

namespace Mayfly.Cli.Commands.Data;

internal sealed class WriteCommand() : Command("write", "Write data to a path")
{
    private readonly BoolFlag _force = new("force", "Write even without data: some paths need none.") { Alias = "f" };

    public override string Usage => "[options] PATH [DATA K=V...]";

    public override string Details =>
        """
            Writes data to a path of the API. Values come from the command line, from files (key=@file, @all.json)
            or from standard input (key=-, -).
            $ mayfly write auth/userpass/users/bob password=- policies=app
            $ mayfly write sys/policies/acl/app policy=@app.hcl
            $ mayfly write -f sys/rotate
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

        var response = await call.WriteAsync(path, data.ToJson());
        return await WriteResult.ShowAsync(call, path, response, "put");
    }
}
