using Mayfly.Cli.Commands.Data;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;

namespace Mayfly.Cli.Commands.Lease;

internal sealed class LeaseListCommand() : Command("list", "List leases by their paths")
{
    private readonly BoolFlag _irrevocable = new(
        "irrevocable",
        "List the leases that could not be revoked, with the reasons, instead."
    );

    public override string Usage => "[options] [PREFIX]";

    public override string Details =>
        """
            Lists the parts that follow a path in the ids of leases. A name that ends with a slash is a folder.
            $ mayfly lease list
            $ mayfly lease list database/creds/readonly
            $ mayfly lease list -irrevocable
            """;

    public override IReadOnlyList<Flag> Flags => [_irrevocable];

    public override int Most => 1;

    public override async Task<int> RunAsync(Invocation call)
    {
        if (_irrevocable.Value)
        {
            return await ShowIrrevocableAsync(call);
        }

        var prefix = call.Arguments.Count == 0 ? "" : call.Arguments[0].Trim('/') + "/";
        var path = $"sys/leases/lookup/{prefix}";
        return ListCommand.Show(call, path, await call.ListAsync(path));
    }

    private static async Task<int> ShowIrrevocableAsync(Invocation call)
    {
        if (call.Arguments.Count > 0)
        {
            return call.Wrong("-irrevocable takes no argument");
        }

        var response = await call.ReadAsync(
            "sys/leases",
            new("type", "irrevocable"),
            new KeyValuePair<string, string>("limit", "none")
        );
        if (!response.IsSuccess)
        {
            return call.Refused("Error listing irrevocable leases", response);
        }

        var leases = SecretRows.Member(response.Data, "leases");
        if (!call.Print.IsTable)
        {
            call.Print.Structured(leases);
            return Exit.Ok;
        }

        call.Print.Line(
            Columns.Table(
                ["Lease ID", "Attempts", "Error"],
                [
                    .. leases
                        .EnumerateArray()
                        .Select(lease =>
                            (IReadOnlyList<string>)
                                [
                                    PlainText.Of(SecretRows.Member(lease, "lease_id")),
                                    PlainText.Of(SecretRows.Member(lease, "attempts")),
                                    PlainText.Of(SecretRows.Member(lease, "error")),
                                ]
                        ),
                ]
            )
        );
        return Exit.Ok;
    }
}
