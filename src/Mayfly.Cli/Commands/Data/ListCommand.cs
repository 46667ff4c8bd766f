using Mayfly.Cli.Dispatch;
using Mayfly.Client;

namespace Mayfly.Cli.Commands.Data;

internal sealed class ListCommand() : Command("list", "List what is below a path")
{
    public override string Usage => "[options] PATH";

    public override string Details =>
        """
            Lists the names below a path of the API. A name that ends with a slash is a folder.
            $ mayfly list auth/userpass/users
            Names of a version 2 key/value store are easier to list with "mayfly kv list".
            """;

    public override int Fewest => 1;

    public override bool TakesPath => true;

    public override async Task<int> RunAsync(Invocation call)
    {
        var path = Paths.Folder(call.Arguments[0]);
        var response = await call.ListAsync(path);
        var code = Show(call, path, response);
        if (code != Exit.Ok)
        {
            await MistakenKvPath.HintAsync(call, Paths.Clean(path), "list", response);
        }

        return code;
    }

    /// <summary>The keys of a LIST, or that there are none.</summary>
    public static int Show(Invocation call, string path, MayflyResponse response)
    {
        if (response.WrapInfo.ValueKind == System.Text.Json.JsonValueKind.Object)
        {
            return call.Show(response);
        }

        if (response.Status == 404 && response.Errors.Count == 0)
        {
            if (!call.Print.IsTable)
            {
                call.Print.Structured(Output.JsonText.Element(static writer => writer.WriteRawValue("{}")));
                return Exit.Server;
            }

            return NotFound.At(call, path, response);
        }

        if (!response.IsSuccess)
        {
            return call.Refused($"Error listing {path}", response);
        }

        var keys = Output.SecretRows.Member(response.Data, "keys");
        if (keys.ValueKind != System.Text.Json.JsonValueKind.Array || keys.GetArrayLength() == 0)
        {
            call.Print.Error($"No entries found at {path}");
            return Exit.Server;
        }

        call.Print.Warnings(response);
        call.Print.Keys(keys);
        return Exit.Ok;
    }
}
