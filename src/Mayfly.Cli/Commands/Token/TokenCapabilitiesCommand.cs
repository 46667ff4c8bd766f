using System.Text.Json;
using Mayfly.Cli.Dispatch;
using Mayfly.Cli.Flags;
using Mayfly.Cli.Output;

namespace Mayfly.Cli.Commands.Token;

internal sealed class TokenCapabilitiesCommand() : Command("capabilities", "Show what a token may do at a path")
{
    private readonly BoolFlag _accessor = new("accessor", "The first argument is an accessor.");

    public override string Usage => "[options] [TOKEN | ACCESSOR] PATH";

    public override string Details =>
        """
            Shows what the token in use, or the one given, may do at a path of the API.
            $ mayfly token capabilities secret/data/app
            To see which rule decides, and why: mayfly policy explain secret/data/app read
            """;

    public override IReadOnlyList<Flag> Flags => [_accessor];

    public override int Fewest => 1;

    public override int Most => 2;

    public override async Task<int> RunAsync(Invocation call)
    {
        if (_accessor.Value && call.Arguments.Count < 2)
        {
            return call.Wrong("-accessor needs two arguments: ACCESSOR PATH");
        }

        var path = call.Arguments[^1];
        var endpoint =
            call.Arguments.Count == 1 ? "sys/capabilities-self"
            : _accessor.Value ? "sys/capabilities-accessor"
            : "sys/capabilities";
        var response = await call.WriteAsync(
            endpoint,
            writer =>
            {
                if (call.Arguments.Count == 2)
                {
                    writer.WriteString(
                        _accessor.Value ? "accessor" : "token",
                        TypedSecret.FromArgument(call.Session, call.Arguments[0])
                    );
                }

                writer.WriteStartArray("paths");
                writer.WriteStringValue(path);
                writer.WriteEndArray();
            }
        );
        if (!response.IsSuccess)
        {
            return call.Refused("Error listing capabilities", response);
        }

        var found = SecretRows.Member(response.Data, path);
        var list = found.ValueKind == JsonValueKind.Array ? found : SecretRows.Member(response.Data, "capabilities");
        if (!call.Print.IsTable)
        {
            call.Print.Structured(list);
            return Exit.Ok;
        }

        var names = new List<string>();
        if (list.ValueKind == JsonValueKind.Array)
        {
            names.AddRange(list.EnumerateArray().Select(PlainText.Of));
        }

        names.Sort(StringComparer.Ordinal);
        call.Print.Line(string.Join(", ", names));
        return Exit.Ok;
    }
}
