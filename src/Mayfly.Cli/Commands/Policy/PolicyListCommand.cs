using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Output;

namespace Mayfly.Cli.Commands.Policy;

internal sealed class PolicyListCommand() : Command("list", "List the policies")
{
    public override string Usage => "[options]";

    public override string Details =>
        """
            Lists the names of the policies, one per line.
            $ mayfly policy list
            """;

    public override async Task<int> RunAsync(Invocation call)
    {
        var response = await call.ListAsync("sys/policies/acl");
        if (!response.IsSuccess)
        {
            return call.Refused("Error listing policies", response);
        }

        var keys = SecretRows.Member(response.Data, "keys");
        if (!call.Print.IsTable)
        {
            call.Print.Structured(keys);
            return Exit.Ok;
        }

        if (keys.ValueKind == JsonValueKind.Array)
        {
            foreach (var name in keys.EnumerateArray())
            {
                call.Print.Line(PlainText.Of(name));
            }
        }

        return Exit.Ok;
    }
}
