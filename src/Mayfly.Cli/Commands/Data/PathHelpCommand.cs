using Mayfly.Cli.Dispatch;

namespace Mayfly.Cli.Commands.Data;

internal sealed class PathHelpCommand() : Command("path-help", "Explain a path of the API")
{
    public override string Usage => "[options] PATH";

    public override string Details =>
        """
            Asks the server what a path is for, and which parameters it takes.
            $ mayfly path-help auth/approle
            $ mayfly path-help auth/approle/role/web
            """;

    public override int Fewest => 1;

    public override bool TakesPath => true;

    public override Task<int> RunAsync(Invocation call) => ShowAsync(call, Paths.Clean(call.Arguments[0]));

    public static async Task<int> ShowAsync(Invocation call, string path)
    {
        var response = await call.ReadAsync(path, new KeyValuePair<string, string>("help", "1"));
        if (!response.IsSuccess)
        {
            return call.Refused($"Error retrieving help for {path}", response);
        }

        if (call.Print.IsTable)
        {
            call.Print.Line(Output.PlainText.Of(response.Member("help")).TrimEnd('\n'));
        }
        else
        {
            call.Print.Structured(response.Root);
        }

        return Exit.Ok;
    }
}
