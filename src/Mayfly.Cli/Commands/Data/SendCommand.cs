using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Data;

/// <summary>What <c>write</c> and <c>patch</c> have in common: a path, and data from the command line.</summary>
/// <param name="name">The command's name.</param>
/// <param name="summary">One line for lists of commands.</param>
/// <param name="forceHelp">What -force does.</param>
/// <param name="kvVerb">The command below <c>kv</c> that was probably meant, for a mistaken path.</param>
internal abstract class SendCommand(string name, string summary, string forceHelp, string kvVerb)
    : Command(name, summary)
{
    private readonly BoolFlag _force = new("force", forceHelp) { Alias = "f" };

    public override string Usage => "[options] PATH [DATA K=V...]";

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

        return await WriteResult.ShowAsync(call, path, await SendAsync(call, path, data), kvVerb);
    }

    protected abstract Task<MayflyResponse> SendAsync(Invocation call, string path, DataArguments data);
}
